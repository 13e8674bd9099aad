"""
All of a trader's keys, decoded and checked; what is off is set apart with a sentence.

What NautilusTrader reads when it loads: currencies, instruments, synthetics, general
values, accounts, orders, positions, and two hashes of the index. One value in them that it cannot
read, and it loads nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ..stored import PutAside, RawKey
from .codec import Codec
from .events import (
    AccountState,
    Amount,
    BadEvent,
    Code,
    InstrumentName,
    Money,
    Name,
    Number,
    OrderFilled,
    Stamp,
)
from .stored_orders import StoredOrder, readable_prefix, stored_order

type Precision = Annotated[int, Meta(ge=0, le=16)]
SETS = (
    "orders",
    "orders_open",
    "orders_closed",
    "orders_emulated",
    "orders_inflight",
    "order_ids",
    "positions",
    "positions_open",
    "positions_closed",
)
HASHES = ("order_position", "order_client")
KINDS = {
    "currencies": "string",
    "instruments": "string",
    "synthetics": "string",
    "general": "string",
    "accounts": "list",
    "orders": "list",
    "positions": "list",
}
"""The store's type of each kind of key that the engine loads."""
WORDS = {"list": "a list", "string": "a string", "set": "a set", "hash": "a hash"}


class Currency(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A currency as it is stored."""

    precision: Precision
    iso4217: Annotated[int, Meta(ge=0, le=65_535)]
    name: Annotated[str, Meta(min_length=1, max_length=128)]
    currency_type: Literal["CRYPTO", "FIAT", "COMMODITY_BACKED"]


class Instrument(msgspec.Struct, tag="CryptoPerpetual", kw_only=True, gc=False):
    """A perpetual contract as it is stored."""

    id: InstrumentName
    raw_symbol: Name
    base_currency: Code
    quote_currency: Code
    settlement_currency: Code
    is_inverse: bool
    price_precision: Precision
    price_increment: Number
    size_precision: Precision
    size_increment: Number
    multiplier: Number
    lot_size: Number | None
    max_quantity: Number | None
    min_quantity: Number | None
    max_notional: Money | None
    min_notional: Money | None
    max_price: Number | None
    min_price: Number | None
    margin_init: Number
    margin_maint: Number
    maker_fee: Amount
    taker_fee: Amount
    ts_event: Stamp
    ts_init: Stamp
    tick_scheme_name: None
    info: dict[str, msgspec.Raw] | None


@dataclass(slots=True)
class StoredPosition:
    """The fills of one position, since it was opened."""

    fills: list[OrderFilled]
    raw: list[bytes]

    @property
    def quantity(self) -> Decimal:
        """What they add up to, signed."""
        return sum((signed_fill(fill) for fill in self.fills), Decimal(0))


@dataclass(slots=True)
class Stored:
    """
    What a trader's keys hold.

    Parameters
    ----------
    codec : Codec
        How they are written.
    orders, positions, accounts, instruments, currencies
        What can be read, by name.
    broken_orders : dict[str, StoredOrder | None]
        What cannot, with as much of its beginning as can; all are in `put_aside`, too.
    hashes : dict[str, dict[str, str]]
        The two of the index that are loaded.
    put_aside : list[PutAside]
        Keys that the engine must not see, and why.

    """

    trader: str
    codec: Codec
    orders: dict[str, StoredOrder] = field(default_factory=dict)
    broken_orders: dict[str, StoredOrder | None] = field(default_factory=dict)
    positions: dict[str, StoredPosition] = field(default_factory=dict)
    accounts: dict[str, list[AccountState]] = field(default_factory=dict)
    instruments: dict[str, Instrument] = field(default_factory=dict)
    currencies: dict[str, Currency] = field(default_factory=dict)
    hashes: dict[str, dict[str, str]] = field(default_factory=dict)
    put_aside: list[PutAside] = field(default_factory=list)


def signed_fill(fill: OrderFilled) -> Decimal:
    """Return a fill's quantity, positive when it buys."""
    quantity = Decimal(fill.last_qty)
    return quantity if fill.order_side == "BUY" else -quantity


def read(keys: Mapping[str, RawKey], trader: str, codec: Codec) -> Stored:
    """Return what keys hold; nothing in them makes this raise."""
    stored = Stored(trader, codec)
    for key, raw in keys.items():
        kind, _, name = key.partition(":")
        try:
            if kind in KINDS and name:
                _take(stored, kind, name, raw)
            elif kind == "index" and name in SETS:
                _check_type(raw, "set")
            elif kind == "index" and name in HASHES:
                stored.hashes[name] = _hash(raw)
            elif kind.startswith(tuple(KINDS)):
                # The engine looks for what begins like this, and finds it.
                raise BadEvent("is no name that the engine gives a key")
        except BadEvent as fault:
            shown = key.encode("utf-8", "backslashreplace").decode()
            stored.put_aside.append(PutAside(key, f"{shown} {fault}"))
    return stored


def _take(stored: Stored, kind: str, name: str, raw: RawKey) -> None:
    if kind == "orders":
        stored.broken_orders[name] = None
        rows = _list(raw)
        try:
            stored.orders[name] = stored_order(name, stored.trader, rows, stored.codec)
        except BadEvent:
            stored.broken_orders[name] = readable_prefix(name, stored.trader, rows, stored.codec)
            raise
        del stored.broken_orders[name]
    elif kind == "positions":
        stored.positions[name] = _position(stored, name, _list(raw))
    elif kind == "accounts":
        stored.accounts[name] = _account(stored.codec, name, _list(raw))
    elif kind == "instruments":
        stored.instruments[name] = _instrument_of(stored.codec, name, _string(raw))
    elif kind == "currencies":
        found = stored.codec.currency(name, _string(raw))
        if not (name.isascii() and name.isalnum()):
            raise BadEvent("is no currency's name")
        stored.currencies[name] = found
    elif kind == "general":
        _check_type(raw, "string")
        if not name.isprintable():
            raise BadEvent("has a name that is no text")
    else:
        raise BadEvent("is a thing that this node never stores")


def _check_type(raw: RawKey, kind: str) -> None:
    if raw.fault:
        raise BadEvent(raw.fault)
    if raw.kind != kind:
        found = WORDS.get(raw.kind, f"of the type {raw.kind}")
        raise BadEvent(f"is {found} and should be {WORDS[kind]}")


def _list(raw: RawKey) -> list[bytes]:
    _check_type(raw, "list")
    if not isinstance(raw.value, list) or not raw.value:
        raise BadEvent("holds nothing")
    return raw.value


def _string(raw: RawKey) -> bytes:
    _check_type(raw, "string")
    if not isinstance(raw.value, bytes):
        raise BadEvent("holds nothing")
    return raw.value


def _hash(raw: RawKey) -> dict[str, str]:
    _check_type(raw, "hash")
    assert isinstance(raw.value, dict)
    found = {}
    for field_name, value in raw.value.items():
        for part in (field_name, value):
            if not part or len(part) > 160 or not all(33 <= byte <= 126 for byte in part):
                raise BadEvent("has an entry that is no name")
        found[field_name.decode()] = value.decode()
    return found


def _instrument_of(codec: Codec, name: str, raw: bytes) -> Instrument:
    found = codec.instrument(raw)
    if found.id != name:
        raise BadEvent(f"holds the instrument {found.id}")
    for text, precision in (
        (found.price_increment, found.price_precision),
        (found.size_increment, found.size_precision),
    ):
        digits = len(text.partition(".")[2])
        if digits != precision or not Decimal(text) > 0:
            raise BadEvent(f"has steps of {text} and a precision of {precision}")
    for limit in (
        found.multiplier, found.lot_size, found.max_quantity, found.max_notional, found.max_price,
        found.min_price,
    ):  # fmt: skip
        if limit is not None and not Decimal(limit.partition(" ")[0]) > 0:
            raise BadEvent(f"has a size or a limit of {limit}")
    return found


def _position(stored: Stored, name: str, rows: list[bytes]) -> StoredPosition:
    fills = [stored.codec.position_fill(row) for row in rows]
    first = fills[0]
    trades, events = set(), set()
    for fill in fills:
        if fill.position_id != name or f"{fill.instrument_id}-{fill.strategy_id}" != name:
            raise BadEvent(f"has a fill of the position {fill.position_id}")
        if (fill.trader_id, fill.instrument_id) != (stored.trader, first.instrument_id):
            raise BadEvent(f"has a fill of {fill.trader_id} on {fill.instrument_id}")
        if fill.trade_id in trades or fill.event_id in events:
            raise BadEvent(f"has the fill {fill.trade_id} twice")
        if not Decimal(fill.last_qty) > 0:
            raise BadEvent(f"has the fill {fill.trade_id} of nothing")
        trades.add(fill.trade_id)
        events.add(fill.event_id)
    return StoredPosition(fills, rows)


def _account(codec: Codec, name: str, rows: list[bytes]) -> list[AccountState]:
    states = [codec.account_state(row) for row in rows]
    is_once = len({state.event_id for state in states}) == len(states)
    if not (is_once or codec.repeats_states):
        raise BadEvent("has one event twice")
    for state in states:
        if (state.account_id, state.account_type) != (name, states[0].account_type):
            raise BadEvent(f"has a state of the {state.account_type} account {state.account_id}")
        if state.base_currency != states[0].base_currency:
            raise BadEvent("has changed its currency")
        for balance in state.balances:
            total, locked, free = map(Decimal, (balance.total, balance.locked, balance.free))
            if total != locked + free:
                raise BadEvent(f"holds {total} {balance.currency}, {locked} locked and {free} free")
    return states

"""Stores and exchange histories made by code: what a node of engine v1 has stored, and what is."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from node.baked import module

RAW = module("engine.stored").RawKey
OWNER = module("engine.stored").Owner
RECORDS = module("venue.records")
FORMAT = module("engine.mending.formats").StoreFormatV1

TRADER, TAG, SYMBOL = "TRADER-001", "EMA001", "BTCUSDT"
STRATEGY, INSTRUMENT = f"TargetStrategy-{TAG}", f"{SYMBOL}-PERP.BINANCE"
POSITION = f"{INSTRUMENT}-{STRATEGY}"
ACCOUNT = "BINANCE-USDT_FUTURES-master"
OWNERS = [OWNER(SYMBOL, TAG)]
NOW_NS = 1_795_960_303_000_000_000
BEGAN_MS = 1_704_085_200_000

type Keys = dict[str, Any]
type Event = dict[str, Any]


def packed(events: list[Event]) -> Any:
    """Return events as a list in the store."""
    return RAW("list", [msgspec.msgpack.encode(event) for event in events])


def unpacked(keys: Keys, key: str) -> list[Event]:
    """Return the events of a list in the store."""
    return [msgspec.msgpack.decode(row) for row in keys[key].value]


def kinds(keys: Keys, name: str) -> list[str]:
    """Return what has happened to an order, by the names of its events without ``Order``."""
    return [event["type"].removeprefix("Order") for event in unpacked(keys, f"orders:{name}")]


def instrument() -> Event:
    """Return the instrument as the engine stores it."""
    return {
        "type": "CryptoPerpetual", "id": INSTRUMENT, "raw_symbol": SYMBOL, "base_currency": "BTC",
        "quote_currency": "USDT", "settlement_currency": "USDT", "is_inverse": False,
        "price_precision": 2, "price_increment": "0.10", "size_precision": 3,
        "size_increment": "0.001", "multiplier": "1", "lot_size": "1", "max_quantity": "1000.000",
        "min_quantity": "0.001", "max_notional": None, "min_notional": "100.00000000 USDT",
        "max_price": "1000000.00", "min_price": "0.10", "margin_init": "1", "margin_maint": "1",
        "maker_fee": "0.000200", "taker_fee": "0.000500", "ts_event": "1795960303112000000",
        "ts_init": "1795960303116952767", "tick_scheme_name": None,
        "info": {"symbol": SYMBOL, "filters": [{"filterType": "PRICE_FILTER"}]},
    }  # fmt: skip


@dataclass
class Market:
    """
    A node that trades, an exchange that listens, and both their memories.

    Each method lets something happen at the exchange; what the store has of it, too, is told by
    `heard`: the names of the events, all of them when it is left out.
    """

    keys: Keys = field(default_factory=dict)
    orders: dict[str, Any] = field(default_factory=dict)
    conditionals: dict[str, Any] = field(default_factory=dict)
    trades: list[Any] = field(default_factory=list)
    held: Decimal = Decimal(0)
    _events: dict[str, list[Event]] = field(default_factory=dict)
    _fills: list[Event] = field(default_factory=list)
    _stored_held: Decimal = Decimal(0)
    _count: int = 0
    _clock_ms: int = BEGAN_MS

    def __post_init__(self) -> None:
        currency = {"precision": 8, "iso4217": 0, "name": "USDT", "currency_type": "CRYPTO"}
        self.keys["currencies:USDT"] = RAW("string", msgspec.msgpack.encode(currency))
        self.keys[f"instruments:{INSTRUMENT}"] = RAW("string", msgspec.msgpack.encode(instrument()))
        self.keys[f"accounts:{ACCOUNT}"] = packed([self.account()])

    def account(self) -> Event:
        """Return one state of the account."""
        balance = {"type": "AccountBalance", "total": "100000.00000000", "locked": "0.00000000",
                   "free": "100000.00000000", "currency": "USDT"}  # fmt: skip
        return {
            "type": "AccountState", "account_id": ACCOUNT, "account_type": "MARGIN",
            "base_currency": None, "balances": [balance], "margins": [], "reported": True,
            "info": {}, "event_id": self._id(), "ts_event": f"{BEGAN_MS}000000",
            "ts_init": str(NOW_NS),
        }  # fmt: skip

    # -- What happens --------------------------------------------------------------------------

    def send(
        self, name: str, quantity: str, *, trigger: str = "", price: str = "", heard: int = 3
    ) -> None:
        """Send an order; the store has the first `heard` of its three events."""
        size = Decimal(quantity)
        kind = "STOP_MARKET" if trigger else "LIMIT" if price else "MARKET"
        number, now = self._number(), self._tick()
        row = RECORDS.OrderRecord(
            kind="conditional" if trigger else "order",
            exchange_order_id=number,
            client_order_id=name,
            symbol=SYMBOL,
            type=kind,
            side="BUY" if size > 0 else "SELL",
            status="NEW",
            time_in_force="GTC",
            quantity=abs(size),
            filled=Decimal(0),
            reduce_only=bool(trigger),
            created_ms=now,
            updated_ms=now,
            price=Decimal(price) if price else None,
            trigger_price=Decimal(trigger) if trigger else None,
        )
        (self.conditionals if trigger else self.orders)[name] = row
        self._events[name] = [
            self._init(row), self._event(name, "Submitted"), self._event(name, "Accepted", number),
        ][:heard]  # fmt: skip
        self._store(name)

    def never_send(self, name: str, quantity: str, *, heard: int = 1) -> None:
        """Store an order that the exchange never hears of."""
        self.send(name, quantity, heard=heard)
        del self.orders[name]

    def trigger(self, name: str, *, heard: bool = True) -> None:
        """Let a conditional order become an order."""
        row, number = self.conditionals[name], self._number()
        now = self._tick()
        self.conditionals[name] = replace(
            row, status="TRIGGERED", triggered_order_id=number, updated_ms=now
        )
        self.orders[name] = replace(
            row, kind="order", exchange_order_id=number, type="MARKET", created_ms=now,
            updated_ms=now, trigger_price=None,
        )  # fmt: skip
        if heard:
            more = {
                "quantity": f"{row.quantity:.3f}",
                "price": None,
                "trigger_price": f"{row.trigger_price:.2f}",
                "is_quote_quantity": False,
            }
            self._events[name].append(self._event(name, "Updated", number) | more)
            self._store(name)

    def fill(
        self, name: str, quantity: str, *, price: str = "59201.90", heard: str = "all"
    ) -> None:
        """Fill an order; heard is all of it, the ``order`` without its position, or ``nothing``."""
        row, size, now = self.orders[name], Decimal(quantity), self._tick()
        filled = row.filled + size
        is_whole = filled == row.quantity
        self.orders[name] = replace(
            row, filled=filled, status="FILLED" if is_whole else "PARTIALLY_FILLED", updated_ms=now
        )
        if is_whole and name in self.conditionals:
            self.conditionals[name] = replace(
                self.conditionals[name], status="FINISHED", filled=filled, updated_ms=now
            )
        number = str(1_000_000 + len(self.trades))
        trade = RECORDS.TradeRecord(
            trade_id=number,
            exchange_order_id=row.exchange_order_id,
            symbol=SYMBOL,
            side=row.side,
            quantity=size,
            price=Decimal(price),
            commission=(size * Decimal(price) / 2_000).quantize(Decimal("0.0000001")),
            commission_asset="USDT",
            is_maker=False,
            at_ms=now,
        )
        self.trades.append(trade)
        self.held += size if row.side == "BUY" else -size
        if heard != "nothing":
            self._events[name].append(self._filled(trade, name))
            self._store(name)
        if heard == "all":
            self._hear_position(self._filled(trade, name) | self._events[name][-1])

    def ask_to_cancel(self, name: str) -> None:
        """Ask for the end of an order; the exchange does not hear it."""
        number = self._book(name)[name].exchange_order_id
        self._events[name].append(self._event(name, "PendingCancel", number))
        self._store(name)

    def end(self, name: str, status: str = "CANCELED", *, heard: bool = True) -> None:
        """Let an order end at the exchange."""
        book = self._book(name)
        book[name] = replace(book[name], status=status, updated_ms=self._tick())
        if heard:
            kind = {"CANCELED": "Canceled", "EXPIRED": "Expired"}[status]
            self._events[name].append(self._event(name, kind, book[name].exchange_order_id))
            self._store(name)

    def hear(self, name: str, event: Event) -> None:
        """Store an event of an order that did not happen."""
        self._events[name].append(event)
        self._store(name)

    # -- What is -------------------------------------------------------------------------------

    @property
    def record(self) -> Any:
        """What the exchange says."""
        held = [RECORDS.PositionRecord(SYMBOL, self.held, Decimal(1))] if self.held else []
        return RECORDS.ExchangeRecord(
            at_ms=self._clock_ms,
            orders=(*self.orders.values(), *self.conditionals.values()),
            trades=tuple(self.trades),
            positions=tuple(held),
            since_ms={SYMBOL: BEGAN_MS - 1},
        )

    def event(self, name: str, kind: str, number: str | None = None, **more: Any) -> Event:
        """Return an event of an order."""
        return self._event(name, kind, number) | more

    # -- How it is told ------------------------------------------------------------------------

    def _book(self, name: str) -> dict[str, Any]:
        return self.orders if name in self.orders else self.conditionals

    def _id(self) -> str:
        self._count += 1
        return str(UUID(int=self._count, version=4))

    def _number(self) -> str:
        self._count += 1
        return str(7_000_000 + self._count)

    def _tick(self) -> int:
        self._clock_ms += 1_000
        return self._clock_ms

    def _stamps(self) -> Event:
        return {"ts_event": str(int(self._clock_ms * 1e6)), "ts_init": str(NOW_NS)}

    def _who(self, name: str) -> Event:
        return {"trader_id": TRADER, "strategy_id": STRATEGY, "instrument_id": INSTRUMENT,
                "client_order_id": name}  # fmt: skip

    def _event(self, name: str, kind: str, number: str | None = None) -> Event:
        heard = {} if kind == "Submitted" else {"venue_order_id": number, "reconciliation": False}
        return {"type": f"Order{kind}", **self._who(name), **heard, "account_id": ACCOUNT,
                "event_id": self._id(), **self._stamps()}  # fmt: skip

    def _init(self, row: Any) -> Event:
        options: Event = {}
        if row.trigger_price:
            options = {"trigger_price": f"{row.trigger_price:.2f}", "trigger_type": "DEFAULT",
                       "expire_time_ns": 0}  # fmt: skip
        elif row.price:
            options = {"price": f"{row.price:.2f}", "display_qty": None, "expire_time_ns": 0}
        return {
            "type": "OrderInitialized", **self._who(row.client_order_id), "order_side": row.side,
            "order_type": row.type, "quantity": f"{row.quantity:.3f}", "time_in_force": "GTC",
            "post_only": False, "reduce_only": row.reduce_only, "quote_quantity": False,
            "options": options, "emulation_trigger": "NO_TRIGGER", "trigger_instrument_id": None,
            "contingency_type": "NO_CONTINGENCY", "order_list_id": None, "linked_order_ids": None,
            "parent_order_id": None, "exec_algorithm_id": None, "exec_algorithm_params": None,
            "exec_spawn_id": None, "tags": None, "event_id": self._id(), **self._stamps(),
            "reconciliation": False,
        }  # fmt: skip

    def _filled(self, trade: Any, name: str) -> Event:
        return {
            "type": "OrderFilled", **self._who(name), "venue_order_id": trade.exchange_order_id,
            "account_id": ACCOUNT, "trade_id": trade.trade_id, "position_id": POSITION,
            "order_side": trade.side, "order_type": "MARKET", "last_qty": f"{trade.quantity:.3f}",
            "last_px": f"{trade.price:.2f}", "currency": "USDT",
            "commission": f"{trade.commission:.8f} USDT", "liquidity_side": "TAKER",
            "event_id": self._id(), **self._stamps(), "info": {}, "reconciliation": False,
        }  # fmt: skip

    def _store(self, name: str) -> None:
        self.keys[f"orders:{name}"] = packed(self._events[name])
        self._hash("order_client", name, "BINANCE")

    def _hear_position(self, fill: Event) -> None:
        if self._stored_held == 0:
            self._fills = []
        size = Decimal(fill["last_qty"]) * (1 if fill["order_side"] == "BUY" else -1)
        before, self._stored_held = self._stored_held, self._stored_held + size
        if before * self._stored_held < 0:
            # It closes the position and opens another one; the engine splits the fill.
            part = abs(self._stored_held)
            paid = Decimal(fill["commission"].split()[0]) * part / abs(size)
            self._fills = []
            fill = fill | {"last_qty": f"{part:.3f}", "commission": f"{paid:.8f} USDT",
                           "event_id": self._id()}  # fmt: skip
        self._fills.append(fill)
        self.keys[f"positions:{POSITION}"] = packed(self._fills)
        self._hash("order_position", fill["client_order_id"], POSITION)

    def _hash(self, name: str, field_name: str, value: str) -> None:
        before = self.keys.get(f"index:{name}")
        fields = dict(before.value) if before else {}
        self.keys[f"index:{name}"] = RAW("hash", fields | {field_name.encode(): value.encode()})


def plan_of(keys: Keys, record: Any) -> Any:
    """Return what a mend would do."""
    return FORMAT(TRADER).mend(keys, record, OWNERS, NOW_NS)


def applied(keys: Keys, plan: Any) -> Keys:
    """Return the keys after a plan."""
    after = dict(keys)
    for each in plan.put_aside:
        after.pop(each.key, None)
    for key, rows in plan.writes.lists.items():
        after[key] = RAW("list", list(rows))
    for key, value in plan.writes.strings.items():
        after[key] = RAW("string", value)
    for key, members in plan.writes.set_members.items():
        there = set(after[key].value) if key in after else set()
        for name, is_in in members.items():
            (there.add if is_in else there.discard)(name.encode())
        after[key] = RAW("set", there)
    for key, fields in plan.writes.hash_fields.items():
        values = dict(after[key].value) if key in after else {}
        for name, value in fields.items():
            values.pop(name.encode(), None)
            if value is not None:
                values[name.encode()] = value.encode()
        after[key] = RAW("hash", values)
    return {key: raw for key, raw in after.items() if raw.value or raw.kind == "string"}


def mended(market: Market) -> Keys:
    """Return the keys after a mend, which must leave nothing to a second one."""
    plan = plan_of(market.keys, market.record)
    assert not plan.unexplained
    after = applied(market.keys, plan)
    again = plan_of(after, market.record)
    assert again.is_empty, (again.mended, again.put_aside, again.cold)
    return after

"""
The events that an engine stores, field by field, and nothing else; in the words of version 1.

What does not have exactly these fields, with values that the engine takes, is not decoded. Left
out on purpose is what this package never stores: order lists, execution algorithms, emulated
orders.

Source: ``nautilus_trader/model/events/order.pyx`` and ``account.pyx``, ``to_dict_c``.
"""

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

MOST_EVENT_BYTES = 65_536
"""The longest stored event that is looked at; a real one has less than two thousand bytes."""

type Number = Annotated[str, Meta(pattern=r"\A[0-9]{1,12}(\.[0-9]{1,16})?\Z")]
type Amount = Annotated[str, Meta(pattern=r"\A-?[0-9]{1,12}(\.[0-9]{1,16})?\Z")]
type Money = Annotated[str, Meta(pattern=r"\A-?[0-9]{1,12}(\.[0-9]{1,16})? [A-Z0-9]{2,20}\Z")]
type Code = Annotated[str, Meta(pattern=r"\A[A-Z0-9]{2,20}\Z")]
type Name = Annotated[str, Meta(pattern=r"\A[!-~]{1,64}\Z")]
type TradeName = Annotated[str, Meta(pattern=r"\A[!-~]{1,36}\Z")]
type StrategyName = Annotated[
    str, Meta(pattern=r"\A(EXTERNAL|[A-Za-z0-9_]{1,64}-[A-Za-z0-9_]{1,32})\Z")
]
type InstrumentName = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,40}\.[A-Z0-9_]{1,20}\Z")]
type AccountName = Annotated[str, Meta(pattern=r"\A[A-Z0-9_]{1,32}-[A-Za-z0-9_-]{1,32}\Z")]
type Uuid = Annotated[
    str,
    Meta(pattern=r"\A[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z"),
]
type Stamp = Annotated[str, Meta(pattern=r"\A[0-9]{1,18}\Z|\A[1-9][0-9]{18}\Z")]
"""Nanoseconds, as the engine stores them: a string."""
type Expiry = Annotated[int, Meta(ge=0, le=2**63 - 1)]
type Text = Annotated[str, Meta(max_length=4_096)]
type Flat = dict[str, str | int | float | bool | None]
type Side = Literal["BUY", "SELL"]
type OrderType = Literal[
    "MARKET",
    "LIMIT",
    "STOP_MARKET",
    "STOP_LIMIT",
    "MARKET_IF_TOUCHED",
    "LIMIT_IF_TOUCHED",
    "TRAILING_STOP_MARKET",
]
type Trigger = Literal["NO_TRIGGER", "DEFAULT", "LAST_PRICE", "MARK_PRICE", "INDEX_PRICE"]
type TrailingType = Literal["NO_TRAILING_OFFSET", "PRICE", "BASIS_POINTS", "TICKS"]
type Liquidity = Literal["NO_LIQUIDITY_SIDE", "MAKER", "TAKER"]


class _Strict(Struct, forbid_unknown_fields=True, gc=False):
    """Every field is named here, or what is read is not this."""


class _Event(_Strict, kw_only=True, tag=True):
    trader_id: str
    strategy_id: StrategyName
    instrument_id: str
    client_order_id: str


class _Said(_Event, kw_only=True):
    """What is known of an order that the exchange has spoken about."""

    venue_order_id: Name | None
    account_id: AccountName | None


class Options(_Strict, kw_only=True):
    """What only some types of orders have."""

    price: Number | UnsetType = UNSET
    trigger_price: Number | UnsetType = UNSET
    trigger_type: Trigger | UnsetType = UNSET
    activation_price: Number | UnsetType | None = UNSET
    trailing_offset: Number | UnsetType = UNSET
    trailing_offset_type: TrailingType | UnsetType = UNSET
    expire_time_ns: Expiry | UnsetType | None = UNSET
    display_qty: UnsetType | None = UNSET


class OrderInitialized(_Event, kw_only=True):
    """An order was made."""

    trader_id: Name
    instrument_id: InstrumentName
    client_order_id: Name
    order_side: Side
    order_type: OrderType
    quantity: Number
    time_in_force: Literal["GTC", "IOC", "FOK", "GTD"]
    post_only: bool
    reduce_only: bool
    quote_quantity: bool
    options: Options
    emulation_trigger: Literal["NO_TRIGGER"]
    trigger_instrument_id: None
    contingency_type: Literal["NO_CONTINGENCY"]
    order_list_id: None
    linked_order_ids: None
    parent_order_id: None
    exec_algorithm_id: None
    exec_algorithm_params: None
    exec_spawn_id: None
    tags: list[Text] | None
    event_id: Uuid
    ts_init: Stamp
    ts_event: Stamp
    reconciliation: bool


class OrderDenied(_Event, kw_only=True):
    """The engine did not send it."""

    reason: Text
    event_id: Uuid
    ts_event: Stamp
    ts_init: Stamp


class OrderSubmitted(_Event, kw_only=True):
    """It was sent."""

    account_id: AccountName
    event_id: Uuid
    ts_event: Stamp
    ts_init: Stamp


class OrderAccepted(_Event, kw_only=True):
    """The exchange has it."""

    venue_order_id: Name
    account_id: AccountName
    event_id: Uuid
    ts_event: Stamp
    ts_init: Stamp
    reconciliation: bool


class OrderRejected(_Event, kw_only=True):
    """The exchange refused it."""

    account_id: AccountName
    reason: Text
    event_id: Uuid
    ts_event: Stamp
    ts_init: Stamp
    reconciliation: bool
    due_post_only: bool


class _Short(_Said, kw_only=True):
    event_id: Uuid
    ts_event: Stamp
    ts_init: Stamp
    reconciliation: bool


class OrderCanceled(_Short):
    """It was cancelled."""


class OrderExpired(_Short):
    """It has expired."""


class OrderTriggered(_Short):
    """It has triggered."""


class OrderPendingUpdate(_Short):
    """A change was asked for."""


class OrderPendingCancel(_Short):
    """Its end was asked for."""


class _Refused(_Said, kw_only=True):
    reason: Text
    event_id: Uuid
    ts_event: Stamp
    ts_init: Stamp
    reconciliation: bool


class OrderModifyRejected(_Refused):
    """The change was refused."""


class OrderCancelRejected(_Refused):
    """Its end was refused."""


class OrderUpdated(_Said, kw_only=True):
    """It has changed at the exchange; its number, too, when it was a conditional order."""

    quantity: Number
    price: Number | None
    trigger_price: Number | None
    event_id: Uuid
    ts_event: Stamp
    ts_init: Stamp
    reconciliation: bool
    is_quote_quantity: bool


class OrderFilled(_Event, kw_only=True):
    """A fill: in an order's list, and in its position's."""

    venue_order_id: Name
    account_id: AccountName
    trade_id: TradeName
    position_id: Annotated[str, Meta(pattern=r"\A[!-~]{1,128}\Z")] | None
    order_side: Side
    order_type: OrderType
    last_qty: Number
    last_px: Number
    currency: Code
    commission: Money
    liquidity_side: Liquidity
    event_id: Uuid
    ts_event: Stamp
    ts_init: Stamp
    info: Flat | None
    reconciliation: bool


type OrderEvent = (
    OrderInitialized
    | OrderDenied
    | OrderSubmitted
    | OrderAccepted
    | OrderRejected
    | OrderCanceled
    | OrderExpired
    | OrderTriggered
    | OrderPendingUpdate
    | OrderPendingCancel
    | OrderModifyRejected
    | OrderCancelRejected
    | OrderUpdated
    | OrderFilled
)


class Balance(_Strict, kw_only=True, tag="AccountBalance"):
    """What an account holds of one currency."""

    total: Amount
    locked: Amount
    free: Amount
    currency: Code


class Margin(_Strict, kw_only=True, tag="MarginBalance"):
    """What an account has put up."""

    initial: Amount
    maintenance: Amount
    currency: Code
    instrument_id: InstrumentName | None


class AccountState(_Strict, kw_only=True, tag=True):
    """An account at one moment."""

    account_id: AccountName
    account_type: Literal["CASH", "MARGIN", "BETTING"]
    base_currency: Code | None
    balances: list[Balance]
    margins: list[Margin]
    reported: bool
    info: Flat
    event_id: Uuid
    ts_event: Stamp
    ts_init: Stamp


class NoType(Struct, tag=True):
    """Nothing: beside it, a decoder insists on a ``type``."""


_PLACE = re.compile(r"at `\$\.?([A-Za-z0-9_.\[\]]+)`")
_anything = msgspec.msgpack.Decoder()


class BadEvent(ValueError):
    """A stored event cannot be read; its text says what is wrong."""


def anything(raw: bytes) -> Any:
    """Return what a value holds, whatever it is; raise `BadEvent` when it is no msgpack."""
    return decoded(_anything, raw)


def decoded(decoder: Any, raw: bytes) -> Any:
    """Return what a decoder makes of a value; raise `BadEvent` when that is nothing."""
    if len(raw) > MOST_EVENT_BYTES:
        raise BadEvent(f"has {len(raw):,} bytes, more than the {MOST_EVENT_BYTES:,} looked at")
    try:
        return decoder.decode(raw)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise BadEvent(f"cannot be read: {unread(error)}") from None


def unread(error: Exception) -> str:
    """Return in words why a value cannot be read."""
    if isinstance(error, msgspec.ValidationError):
        place = _PLACE.search(str(error))
        where = f" at {place[1][:80]}" if place else ""
        return f"it is not what the engine writes{where}"
    if isinstance(error, RecursionError):
        return "its parts are too deep in each other"
    return "it is no MessagePack"

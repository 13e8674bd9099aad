"""
How NautilusTrader 2.0.0rc7 writes events, told in the words of `mending.events`.

An order's events are maps with one name in them, ``{"Filled": {"type": "OrderFilled", ...}}``;
fills in a position's list, and states of accounts, stand bare. Stamps are ISO strings.
"""

from calendar import timegm
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from .events import AccountState, BadEvent, OrderEvent, OrderFilled, anything, unread
from .stored import Currency, Instrument

SECOND = 1_000_000_000
OPTIONS = (
    "price",
    "trigger_price",
    "trigger_type",
    "activation_price",
    "trailing_offset",
    "trailing_offset_type",
    "display_qty",
)
"""What stands among the others in an order's first event, and is an option in version 1."""
NOTHING = frozenset({None, "NO_TRIGGER", "NO_TRAILING_OFFSET"})
LAST = "LAST_PRICE"
"""What the adapter means by the default trigger."""
UNSAID = {
    "limit_offset": None,
    "expire_time": None,
}
"""What this package never stores of an order."""
OPTIONAL = {
    "OrderUpdated": ("protection_price",),
    "OrderCanceled": ("reason",),
    "OrderFilled": ("causation_id",),
}
"""Fields that version 1 does not have, and that are left out where they say nothing."""

_encode = msgspec.msgpack.Encoder().encode
_order_event = msgspec.msgpack.Decoder(OrderEvent)
_account_state = msgspec.msgpack.Decoder(AccountState)
_instrument = msgspec.msgpack.Decoder(Instrument)
_currency = msgspec.msgpack.Decoder(Currency)


class CodecV2:
    """The encoding of version 2."""

    account = "BINANCE-USDT_FUTURES-master"
    repeats_states = True

    # -- Reading -----------------------------------------------------------------------------------

    def order_event(self, raw: bytes) -> OrderEvent:
        """Return an event of an order; raise `BadEvent` when it is none."""
        value = anything(raw)
        if not isinstance(value, dict) or len(value) != 1:
            raise BadEvent("cannot be read: it is not what the engine writes")
        [(name, fields)] = value.items()
        if not isinstance(fields, dict) or fields.get("type") != f"Order{name}":
            raise BadEvent("cannot be read: it is not what the engine writes")
        return _event(fields)

    def position_fill(self, raw: bytes) -> OrderFilled:
        """Return a fill from a position's list; raise `BadEvent` when it is none."""
        fields = anything(raw)
        if not isinstance(fields, dict) or fields.get("type") != "OrderFilled":
            raise BadEvent("has something that is no fill")
        event = _event(fields)
        assert isinstance(event, OrderFilled)
        return event

    def account_state(self, raw: bytes) -> AccountState:
        """Return a state of an account; raise `BadEvent` when it is none."""
        fields = anything(raw)
        if not isinstance(fields, dict) or "is_reported" not in fields:
            raise BadEvent("has something else than the state of an account")
        told = dict(fields)
        try:
            told["reported"] = told.pop("is_reported")
            told["balances"] = [
                {
                    "type": "AccountBalance",
                    "currency": each["currency"],
                    **{name: _amount(each[name]) for name in ("total", "locked", "free")},
                }
                for each in told["balances"]
            ]
            told["margins"] = [
                {
                    "type": "MarginBalance",
                    "currency": each["currency"],
                    "instrument_id": each["instrument_id"],
                    **{name: _amount(each[name]) for name in ("initial", "maintenance")},
                }
                for each in told["margins"]
            ]
        except (KeyError, TypeError, AttributeError):
            raise BadEvent("cannot be read: it is not what the engine writes") from None
        told["type"] = "AccountState"
        told["info"] = told.get("info") or {}
        state: AccountState = _converted(_stamped(told), _account_state)
        return state

    def instrument(self, raw: bytes) -> Instrument:
        """Return a perpetual contract; raise `BadEvent` when it is none."""
        value = anything(raw)
        fields = value.get("CryptoPerpetual") if isinstance(value, dict) else None
        if not isinstance(fields, dict):
            raise BadEvent("is no perpetual contract")
        told = dict(fields)
        told["tick_scheme_name"] = told.pop("tick_scheme", None)
        told["info"] = None
        for name in ("margin_init", "margin_maint", "maker_fee", "taker_fee"):
            told.setdefault(name, "0")
        # The increments say how many digits there are; the precision is what the engine prints.
        for step, precision in (
            ("price_increment", "price_precision"),
            ("size_increment", "size_precision"),
        ):
            text, digits = str(told.get(step)), told.get(precision)
            if isinstance(digits, int) and 0 <= digits <= 16 and _is_number(text):
                told[step] = f"{text.partition('.')[0]}.{text.partition('.')[2]:0<{digits}}".rstrip(
                    "."
                )
        told["type"] = "CryptoPerpetual"
        found: Instrument = _converted(_stamped(told), _instrument)
        return found

    def currency(self, name: str, raw: bytes) -> Currency:
        """Return a currency; raise `BadEvent` when it is none."""
        value = anything(raw)
        if not isinstance(value, dict) or value.get("code") != name:
            raise BadEvent("cannot be read: it is not what the engine writes")
        found: Currency = _converted({k: v for k, v in value.items() if k != "code"}, _currency)
        return found

    # -- Writing -----------------------------------------------------------------------------------

    def encoded(self, event: OrderEvent) -> bytes:
        """Return an event as the engine stores it in an order's list."""
        fields = _told(event)
        return msgspec.msgpack.encode({fields["type"].removeprefix("Order"): fields})

    def encoded_fill(self, fill: OrderFilled) -> bytes:
        """Return a fill as the engine stores it in a position's list."""
        return msgspec.msgpack.encode(_told(fill))

    def encoded_state(self, state: AccountState) -> bytes:
        """Return a state of an account as the engine stores it."""
        fields = msgspec.to_builtins(state)
        del fields["type"]
        fields["is_reported"] = fields.pop("reported")
        for each in fields["balances"]:
            del each["type"]
            each |= {n: f"{each[n]} {each['currency']}" for n in ("total", "locked", "free")}
        for each in fields["margins"]:
            del each["type"]
            each |= {n: f"{each[n]} {each['currency']}" for n in ("initial", "maintenance")}
        return msgspec.msgpack.encode(_iso(fields))

    def encoded_instrument(self, instrument: Instrument) -> bytes:
        """Return a perpetual contract as the engine stores it."""
        fields = _iso(msgspec.to_builtins(msgspec.structs.replace(instrument, info=None)))
        for name in ("type", "maker_fee", "taker_fee", "tick_scheme_name"):
            fields.pop(name, None)
        fields |= {"tick_scheme": None, "info": None}
        return msgspec.msgpack.encode({"CryptoPerpetual": fields})

    def encoded_currency(self, name: str, currency: Currency) -> bytes:
        """Return a currency as the engine stores it, under its name."""
        return msgspec.msgpack.encode({"code": name, **msgspec.to_builtins(currency)})

    def adapter_ns(self, milliseconds: int) -> str:
        """Return a stamp of the exchange as the engine's adapter makes it."""
        return str(milliseconds * 1_000_000)


CODEC = CodecV2()


def _event(fields: dict[Any, Any]) -> OrderEvent:
    """Return an event in the words of version 1."""
    told = _stamped(dict(fields))
    kind = told["type"]
    for name in OPTIONAL.get(kind, ()):
        told.pop(name, None)
    if kind == "OrderInitialized":
        options = {name: told.pop(name) for name in OPTIONS if name in told}
        options = {name: value for name, value in options.items() if value not in NOTHING}
        if any(told.pop(name, None) is not None for name in UNSAID):
            raise BadEvent("is of a kind that this node never stores")
        if options.get("trigger_type") == LAST:
            options["trigger_type"] = "DEFAULT"
        if told.get("order_type") != "MARKET":
            options["expire_time_ns"] = 0
        told["options"] = options
    elif kind == "OrderFilled":
        # What the engine has made up itself has no commission.
        told["commission"] = told.get("commission") or f"0 {told.get('currency')}"
        told["info"] = told.get("info") or {}
    event: OrderEvent = _converted(told, _order_event)
    return event


def _told(event: OrderEvent) -> dict[str, Any]:
    """Return an event in the words of version 2."""
    fields = _iso(msgspec.to_builtins(event))
    kind = fields["type"]
    if kind == "OrderInitialized":
        options = fields.pop("options")
        fields |= dict.fromkeys(OPTIONS) | UNSAID
        fields |= {"trigger_type": "NO_TRIGGER", "trailing_offset_type": "NO_TRAILING_OFFSET"}
        fields |= {name: value for name, value in options.items() if name in OPTIONS}
        if fields["trigger_type"] == "DEFAULT":
            fields["trigger_type"] = LAST
    elif kind == "OrderUpdated":
        fields["protection_price"] = None
    elif kind == "OrderFilled":
        fields["info"] = fields["info"] or None
    return fields


def _converted(fields: dict[str, Any], decoder: Any) -> Any:
    """Return what fields make; written and read once more, which is ten times as quick."""
    try:
        return decoder.decode(_encode(fields))
    except (ValueError, RecursionError) as error:
        raise BadEvent(f"cannot be read: {unread(error)}") from None


def _amount(text: str) -> str:
    return text.partition(" ")[0]


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit()


# -- Stamps ------------------------------------------------------------------------------------


def _stamped(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields with their stamps in nanoseconds."""
    for name in ("ts_event", "ts_init"):
        fields[name] = str(_nanoseconds(fields.get(name)))
    return fields


def _iso(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields with their stamps as the engine writes them."""
    for name in ("ts_event", "ts_init"):
        seconds, rest = divmod(int(fields[name]), SECOND)
        moment = datetime.fromtimestamp(seconds, UTC)
        fields[name] = f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
    return fields


def _nanoseconds(stamp: Any) -> int:
    if not isinstance(stamp, str) or len(stamp) != len("1970-01-01T00:00:00.000000000Z"):
        raise BadEvent("cannot be read: it is not what the engine writes at a stamp")
    try:
        return _second(stamp[:19]) * SECOND + int(stamp[20:29])
    except ValueError:
        raise BadEvent("cannot be read: it is not what the engine writes at a stamp") from None


@lru_cache(maxsize=4_096)
def _second(text: str) -> int:
    return timegm(datetime.fromisoformat(text).timetuple())

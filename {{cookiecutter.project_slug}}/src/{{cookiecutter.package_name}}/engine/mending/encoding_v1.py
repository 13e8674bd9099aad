"""How NautilusTrader 1.231.0 writes events: each is one msgpack map whose ``type`` names it."""

import msgspec

from .events import (
    AccountState,
    BadEvent,
    NoType,
    OrderEvent,
    OrderFilled,
    anything,
    decoded,
    unread,
)
from .stored import Currency, Instrument

_order_event = msgspec.msgpack.Decoder(OrderEvent)
_account_state = msgspec.msgpack.Decoder(AccountState | NoType)
_currency = msgspec.msgpack.Decoder(Currency)
_instrument = msgspec.msgpack.Decoder(Instrument | NoType)
_encode = msgspec.msgpack.Encoder().encode


class CodecV1:
    """The encoding of version 1."""

    account = "BINANCE-USDT_FUTURES-master"
    repeats_states = False

    def order_event(self, raw: bytes) -> OrderEvent:
        """Return an event of an order; raise `BadEvent` when it is none."""
        event: OrderEvent = decoded(_order_event, raw)
        return event

    def position_fill(self, raw: bytes) -> OrderFilled:
        """Return a fill from a position's list; raise `BadEvent` when it is none."""
        event = self.order_event(raw)
        if not isinstance(event, OrderFilled):
            raise BadEvent(f"has {type(event).__name__}, which is no fill")
        return event

    def account_state(self, raw: bytes) -> AccountState:
        """Return a state of an account; raise `BadEvent` when it is none."""
        event = decoded(_account_state, raw)
        if not isinstance(event, AccountState):
            raise BadEvent("has something else than the state of an account")
        return event

    def instrument(self, raw: bytes) -> Instrument:
        """Return a perpetual contract; raise `BadEvent` when it is none."""
        found = _typed(_instrument, raw)
        if not isinstance(found, Instrument):
            raise BadEvent("is no perpetual contract")
        return found

    def currency(self, name: str, raw: bytes) -> Currency:
        """Return a currency; raise `BadEvent` when it is none."""
        return _typed(_currency, raw)

    def encoded(self, event: OrderEvent) -> bytes:
        """Return an event as the engine stores it."""
        return _encode(event)

    def encoded_fill(self, fill: OrderFilled) -> bytes:
        """Return a fill as the engine stores it: as in its order."""
        return _encode(fill)

    def encoded_state(self, state: AccountState) -> bytes:
        """Return a state of an account as the engine stores it."""
        return _encode(state)

    def encoded_instrument(self, instrument: Instrument) -> bytes:
        """Return a perpetual contract as the engine stores it."""
        return _encode(instrument)

    def encoded_currency(self, name: str, currency: Currency) -> bytes:
        """Return a currency as the engine stores it, under its name."""
        return _encode(currency)

    def adapter_ns(self, milliseconds: int) -> str:
        """Return a stamp of the exchange as the engine's adapter stores it: with its rounding."""
        return str(int(milliseconds * 1e6))


def _typed[Kind](decoder: msgspec.msgpack.Decoder[Kind], raw: bytes) -> Kind:
    anything(raw)  # its bounds, and every part of it readable
    try:
        return decoder.decode(raw)
    except (ValueError, RecursionError) as error:
        raise BadEvent(f"cannot be read: {unread(error)}") from None


CODEC = CodecV1()

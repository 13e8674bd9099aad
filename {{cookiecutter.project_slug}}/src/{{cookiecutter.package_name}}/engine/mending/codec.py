"""How the events of `events` are written by one version of the engine."""

from typing import TYPE_CHECKING, Protocol

from .events import AccountState, OrderEvent, OrderFilled

if TYPE_CHECKING:
    from .stored import Currency, Instrument


class Codec(Protocol):
    """The encoding of one version; whatever reads raises `BadEvent` where it cannot."""

    @property
    def account(self) -> str:
        """The adapter's name of the account, where no stored one gives it."""

    @property
    def repeats_states(self) -> bool:
        """Whether the engine writes a state of an account twice, and reads it so."""

    def order_event(self, raw: bytes) -> OrderEvent:
        """Return an event of an order."""

    def position_fill(self, raw: bytes) -> OrderFilled:
        """Return a fill from a position's list."""

    def account_state(self, raw: bytes) -> AccountState:
        """Return a state of an account."""

    def instrument(self, raw: bytes) -> "Instrument":
        """Return a perpetual contract."""

    def currency(self, name: str, raw: bytes) -> "Currency":
        """Return a currency."""

    def encoded(self, event: OrderEvent) -> bytes:
        """Return an event as it stands in the list of its order."""

    def encoded_fill(self, fill: OrderFilled) -> bytes:
        """Return a fill as it stands in the list of its position."""

    def encoded_state(self, state: AccountState) -> bytes:
        """Return a state as it stands in the list of its account."""

    def encoded_instrument(self, instrument: "Instrument") -> bytes:
        """Return a perpetual contract as it is stored."""

    def encoded_currency(self, name: str, currency: "Currency") -> bytes:
        """Return a currency as it is stored."""

    def adapter_ns(self, milliseconds: int) -> str:
        """Return a stamp of the exchange as the adapter makes it."""

"""Whom a keeper speaks with besides its desk: the exchange, and whoever runs it."""

from enum import StrEnum
from typing import Protocol

from ..exit_codes import NodeExit
from ..plan.bars import ClosedBar
from ..venue.binance.orders import OrderHistory


class About(StrEnum):
    """What a keeper may find wrong with its symbol."""

    ORDERS = "orders"
    RULE = "rule"
    MEMORY = "memory"
    STRATEGY = "strategy"


class Exchange(Protocol):
    """What a keeper asks the exchange itself about its symbol."""

    async def closed_bars(self, count: int) -> list[ClosedBar]:
        """Return the last closed bars, about `count` of them, oldest first."""

    async def order_history(self, owner: str) -> OrderHistory:
        """Return what the exchange knows of the recent orders of an owner."""


class Listener(Protocol):
    """Whoever runs a keeper: it hears how the keeper fares, and may hold it back."""

    def ready(self, tag: str) -> None:
        """Hear that the warm-up of a tag is over; its first look is due when everybody's is."""

    def failed(self, end: NodeExit) -> None:
        """Hear that a keeper cannot go on; it sends nothing any more."""

    def looked(self) -> None:
        """Hear that a look is over, which may have decided a bar."""

    def odd(self, watch: str) -> None:
        """Hear that something odd has been seen, and which watch has to look at once."""

    def wrong(self, about: About, symbol: str, sentence: str, doing: str) -> None:
        """Hear what is wrong with a symbol, and what is done about it."""

    def right(self, about: About, symbol: str) -> None:
        """Hear that nothing of this kind is wrong with a symbol, or not any more."""

    def note(self, sentence: str) -> None:
        """Hear what a person should know."""

    def trades(self) -> bool:
        """Return whether the node trades by now: every line of it is ready."""

    def is_halted(self, symbol: str) -> bool:
        """Return whether a person has halted a symbol."""

    def may_open(self, symbol: str) -> bool:
        """Return whether risk may be added to a symbol now, as far as others know than itself."""

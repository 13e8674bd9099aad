"""One symbol at this engine: the mirror answers what a keeper asks, and what it orders is sent."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any, Protocol

from ...plan.rows import OrderRow, PositionRow
from ...plan.situation import Submit
from ..order_changes import ChangeKind, OrderChange
from .heard import EventSeen
from .mirror import Mirror
from .outcomes import CANCEL_NEVER_ARRIVED

WOULD_TRADE = "-5022"
"""How the exchange refuses a post-only order that would trade at once, where it does not take and
end it (USD-M Futures, Error Codes)."""
KINDS = {
    "OrderFilled": ChangeKind.FILLED,
    "OrderAccepted": ChangeKind.TAKEN,
    "OrderRejected": ChangeKind.REFUSED,
    "OrderDenied": ChangeKind.REFUSED,
    "OrderCancelRejected": ChangeKind.CANCEL_REFUSED,
}


class Sender(Protocol):
    """Who sends what a keeper orders."""

    def may_send(self) -> bool:
        """Return whether this node may change anything at the exchange now."""

    def keeps_back(self, order: Submit, symbol: str) -> str:
        """Return why an order must not be sent; one that may be counts as sent."""

    def send(self, symbol: str, order: Submit) -> None:
        """Let the engine send an order."""

    def take_back(self, symbol: str, name: str) -> None:
        """Let the engine ask for an order to be cancelled."""

    def find_out(self, name: str) -> None:
        """Ask the exchange for an order, and let the engine take up the answer."""

    def kept_back(self, symbol: str, change: OrderChange) -> None:
        """Tell the keeper that its order is not sent."""


class MirrorDesk:
    """
    A keeper's desk in this engine.

    Parameters
    ----------
    symbol : str
        As the exchange writes it.
    mirror : Mirror
        What the engine has.
    sender : Sender
        Who sends.

    """

    def __init__(self, symbol: str, mirror: Mirror, sender: Sender) -> None:
        self._symbol = symbol
        self._mirror = mirror
        self._sender = sender
        self._background: set[asyncio.Task[None]] = set()

    @property
    def tick_size(self) -> Decimal:
        """The smallest price step."""
        return self._mirror.instruments[self._symbol].tick_size

    @property
    def lot(self) -> Decimal:
        """The smallest step of a quantity, in coins."""
        return self._mirror.instruments[self._symbol].lot

    def position(self) -> PositionRow | None:
        """Return what is held; ``None`` when nothing is."""
        return self._mirror.position(self._symbol)

    def equity(self) -> Decimal | None:
        """Return what the wallet holds in the currency of settlement; ``None`` if not told yet."""
        return self._mirror.balance(self._mirror.instruments[self._symbol].currency)

    def unfinished(self) -> list[OrderRow]:
        """Return every order of the symbol that is not closed, whoever's it is."""
        return [row for row in self._mirror.standing() if row.symbol == self._symbol]

    def order(self, client_order_id: str) -> OrderRow | None:
        """Return an order of the symbol, closed ones included; ``None`` when there is none."""
        row = self._mirror.order(client_order_id)
        return row if row is not None and row.symbol == self._symbol else None

    def submit(self, order: Submit) -> None:
        """Send an order; the engine would let one take the place of another that works."""
        if not self._sender.may_send():
            return  # the engine would write it to a store that may be another node's by now
        name = order.client_order_id
        before = self._mirror.order(name)
        reason = ""
        if before is not None and not before.is_closed:
            reason = f"An order {name} is there already, and has not ended"
        reason = reason or self._sender.keeps_back(order, self._symbol)
        if reason:
            change = OrderChange(name, ChangeKind.REFUSED, time.time_ns() // 1_000_000, reason)
            self.soon(lambda: self._sender.kept_back(self._symbol, change))
            return
        self._mirror.hand(order, self._symbol, time.time_ns())
        self._sender.send(self._symbol, order)

    def cancel(self, client_order_id: str) -> None:
        """Ask for an order to be cancelled."""
        if self._sender.may_send():
            self._sender.take_back(self._symbol, client_order_id)

    def query(self, client_order_id: str) -> None:
        """
        Ask the exchange for an order, and take up the answer.

        The engine is not asked to: of a conditional order its adapter asks among the others, finds
        none, and takes a working stop for rejected.
        """
        self._sender.find_out(client_order_id)

    def soon(self, work: Callable[[], None]) -> None:
        """Do `work` after what is going on."""
        asyncio.get_running_loop().call_soon(work)

    def background(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin `work`; between its awaits it may use the desk."""
        task = asyncio.get_running_loop().create_task(work())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def warn(self, line: str) -> None:
        """Write a warning to the log."""
        # The engine's own log belongs to its thread.
        print(f"[WARN] {self._symbol}: {line}", flush=True)


def change_of(event: EventSeen, *, is_post_only: bool) -> OrderChange:
    """Return what has happened to an order, in a keeper's words."""
    kind, reason = KINDS.get(event.kind, ChangeKind.OTHER), event.reason
    if kind is ChangeKind.CANCEL_REFUSED and CANCEL_NEVER_ARRIVED in reason:
        kind = ChangeKind.OTHER
    elif event.kind == "OrderExpired" and is_post_only:
        kind, reason = ChangeKind.REFUSED, f"{WOULD_TRADE} It has expired"
    if kind not in (ChangeKind.REFUSED, ChangeKind.CANCEL_REFUSED):
        reason = ""
    return OrderChange(event.client_order_id, kind, event.at_ms, reason)

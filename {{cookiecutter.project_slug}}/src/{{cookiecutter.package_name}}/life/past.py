"""What one owner's orders have come to: told by the exchange on the way up, then by events."""

from collections.abc import Mapping

from ..plan.order_ids import Leg, OrderId, leg_of
from ..plan.rows import OrderRow
from ..plan.situation import OrderView, Phase
from ..plan.target import Exit, ExitReason
from ..venue.binance.orders import EXITS, OrderHistory

MOST_EXITS = 20
"""How many of its last exits a rule sees."""


class Past:
    """
    The fate of an owner's orders.

    Parameters
    ----------
    owner : str
        Whose orders these are: the first part of each client order id.
    cool_down_ms : int
        For how long nothing is opened after a stop-out, in milliseconds of market time.

    """

    def __init__(self, owner: str, cool_down_ms: int) -> None:
        self._owner = owner
        self._cool_down_ms = cool_down_ms
        self._exits: dict[str, Exit] = {}
        self._slot_fills: dict[int, int] = {}
        self.orders: Mapping[str, OrderView] = {}
        """By client order id, what the exchange has told of their fate on the way up."""

    def take(self, history: OrderHistory) -> None:
        """Take up what the exchange tells; what an event has told since is the newer."""
        self.orders = history.orders
        self._exits = {**history.exits, **self._exits}
        self._slot_fills = {**history.slot_fills, **self._slot_fills}
        self._forget_old_exits()

    def filled(self, order: OrderId, at_ms: int) -> None:
        """Take up the fill of an order of the owner's."""
        if order.slot is not None:
            self._slot_fills[order.slot] = max(at_ms, self._slot_fills.get(order.slot, 0))
        elif order.leg in EXITS:
            self._exits[str(order)] = Exit(EXITS[order.leg], at_ms)
            self._forget_old_exits()

    def _forget_old_exits(self) -> None:
        names = sorted(self._exits, key=lambda name: (self._exits[name].at_ms, name))
        # The last one of each kind counts however many of another kind have come since.
        last = {self._exits[name].why: name for name in names}.values()
        self._exits = {
            name: self._exits[name]
            for place, name in enumerate(names)
            if place >= len(names) - MOST_EXITS or name in last
        }

    @property
    def slot_fills(self) -> Mapping[int, int]:
        """By slot: market time of the last fill of a resting order, in milliseconds."""
        return self._slot_fills

    @property
    def exits(self) -> tuple[Exit, ...]:
        """The last exits, oldest first; as many before a restart as after it."""
        return tuple(self._exits.values())[-MOST_EXITS:]

    @property
    def last_exit_ms(self) -> int:
        """When a stop or a take-profit has filled last, in market time; 0 for never."""
        ended = (e.at_ms for e in self._exits.values() if e.why is not ExitReason.DECISION)
        return max(ended, default=0)

    def has_cooled_down(self, close_ms: int) -> bool:
        """Return whether the decision at `close_ms` comes long enough after the last stop-out."""
        stops = (e.at_ms for e in self._exits.values() if e.why is ExitReason.STOP)
        stopped_ms = max(stops, default=None)
        if stopped_ms is None or self._cool_down_ms == 0:
            return True
        return close_ms >= stopped_ms + self._cool_down_ms

    def has_ended_unheard(self, row: OrderRow) -> bool:
        """Return whether the exchange has ended an order and the engine has it open."""
        known = self.orders.get(row.client_order_id)
        if known is None or known.phase is not Phase.ENDED or row.is_closed:
            return False
        # A fill is on its way, or reconciliation has counted it: an order in flight stays that. A
        # stop protects no more in any case.
        return known.filled == 0 or leg_of(row.client_order_id, self._owner) is Leg.STOP

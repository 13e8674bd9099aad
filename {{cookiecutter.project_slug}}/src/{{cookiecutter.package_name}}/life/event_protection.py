"""
The protection of an event-driven strategy's position, as a rule: the levels that it has declared.

They are a target like a rule's: the stop is one difference like any other, and restored by every
look.
"""

from dataclasses import replace
from decimal import Decimal

from ..engine.desk import EventDesk
from ..plan.event_record import Protection
from ..plan.order_ids import Leg, leg_of, parse
from ..plan.rows import OrderRow
from ..plan.target import Target, on_tick
from ..plan.traded import EventDriven
from .event_sending import EventSending
from .keeper import Keeper


class EventProtection:
    """
    Keep the levels that a strategy has declared, one for each side of position.

    Parameters
    ----------
    line : EventDriven
        What is traded.
    owner : str
        Whose orders these are: the first part of each client order id.
    desk : EventDesk
        The strategy's desk.
    sending : EventSending
        What is remembered, the levels with it.
    keeper : Keeper
        Knows which orders are left alone since the exchange refuses to cancel them.

    """

    def __init__(
        self,
        line: EventDriven,
        owner: str,
        desk: EventDesk,
        sending: EventSending,
        keeper: Keeper,
    ) -> None:
        self._line = line
        self._owner = owner
        self._desk = desk
        self._sending = sending
        self._keeper = keeper
        self._told_naked: Decimal | None = None

    def declare(self, protection: Protection) -> None:
        """
        Keep the position at these levels.

        Raises
        ------
        ValueError
            If each position must have a stop and this has none, or a level is no price.

        """
        for level in (protection.stop, protection.take_profit):
            # It would be believed until the exchange is asked for it, and read by no later start.
            if level is not None and not (level.is_finite() and level > 0):
                raise ValueError(f"The level {level} is no price.")
        if protection.stop is None and self._line.stops:
            raise ValueError(
                f"Each position of {self._line.tag} must have a stop; its line in strategies/ can "
                "say stops=False."
            )
        if protection not in self._sending.now.protections:
            self._sending.change(self._sending.now.protected(protection))

    def adopt(self) -> None:
        """
        Let what works at the exchange count, where the store knows less than that.

        It may be lost, or an old one put back: then a later bar than it knows has sent the stop.
        """
        held = self._desk.position()
        if held is None:
            return
        working = {
            leg_of(row.client_order_id, self._owner): row
            for row in self._desk.unfinished()
            if row.signed_quantity * held.quantity < 0
        }
        if (stop := working.get(Leg.STOP)) is None:
            return
        now = self._sending.now
        declared = now.protection_of(held.quantity)
        if declared is not None:
            at_ticks = on_tick(Target(held.quantity, declared.stop), self._desk.tick_size)
            parts = parse(stop.client_order_id)
            is_later = parts is not None and parts.close_seconds > now.finished_ms // 1000
            if not is_later or at_ticks.stop == stop.trigger_price:
                return
        target = working.get(Leg.TAKE_PROFIT)
        price = target.price if target else None
        adopted = Protection(held.quantity > 0, stop.trigger_price, price)
        self._sending.now = self._sending.kept = now.protected(adopted)

    def target(self, position: Decimal) -> Target:
        """Return a position at the levels that are declared for it."""
        if position == 0:
            self._told_naked = None
            for row in self._resting(Leg.EXIT):  # nothing is left to exit from
                self._desk.cancel(row.client_order_id)
            return Target(Decimal(0))
        # What the store has not taken yet might be taken back; it is better than nothing.
        for record in (self._sending.kept, self._sending.now):
            if (protection := record.protection_of(position)) is not None:
                return Target(position, protection.stop, protection.take_profit)
        if not self._line.stops:
            return Target(position)
        if self._told_naked != position:
            self._told_naked = position
            self._desk.warn(
                f"No stop is declared for the position of {position} {self._line.symbol}: it "
                "is closed; declare one with protect() or a bracket before the entry is sent"
            )
        return Target(Decimal(0))

    def cancel_entries(self, position: Decimal) -> None:
        """Cancel the strategy's own orders that rest and would make the position larger."""
        for row in self._resting(Leg.ENTRY):
            left = row.signed_quantity * (row.quantity - row.filled) / row.quantity
            if left * position >= 0 or abs(left) > abs(position):
                self._desk.cancel(row.client_order_id)

    def _resting(self, leg: Leg) -> list[OrderRow]:
        """Return the strategy's own orders that rest, and that can be cancelled."""
        return [
            row
            for row in self._desk.unfinished()
            if leg_of(row.client_order_id, self._owner) is leg
            and row.type != "MARKET"
            and not row.is_in_flight
            and row.client_order_id not in self._keeper.refused_cancels
        ]

    def forget(self) -> None:
        """Forget the levels of a position that is gone, or of an entry that has come to nothing."""
        names = [row.client_order_id for row in self._desk.unfinished()]
        is_entering = any(leg_of(name, self._owner) is Leg.ENTRY for name in names)
        if is_entering or any(deed.opens for deed in self._sending.unsent):
            return
        held = self._desk.position()
        position = held.quantity if held else Decimal(0)
        now = self._sending.now
        fitting = tuple(each for each in now.protections if each.fits(position))
        if fitting != now.protections:
            self._sending.change(replace(now, protections=fitting))

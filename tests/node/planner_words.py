"""The words of the planner's tests, over the rooms under test."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from node.planner_model import Rooms

BAR = 1_704_085_259_999
EARLIER = BAR - 60_000
SIZE = Decimal("0.010")
PART = Decimal("0.004")


class Words:
    """What these tests speak of, in the words of the rooms under test."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self.plan = rooms.planner.plan
        self.candidates = rooms.attempts.candidates
        self.owner = rooms.owner
        self.Leg, self.Target = rooms.ids.Leg, rooms.target.Target
        self.OrderView, self.Phase = rooms.situation.OrderView, rooms.situation.Phase
        self.Submit, self.Cancel = rooms.situation.Submit, rooms.situation.Cancel
        self.Wait, self.Settled = rooms.situation.Wait, rooms.situation.Settled
        self.FLAT = rooms.target.FLAT
        self.LONG = self.Target(SIZE, stop=Decimal(59_000))
        self.SHORT = self.Target(-SIZE, stop=Decimal(61_000))
        self.ENTRY, self.EXIT = self.id("E"), self.id("X")
        self.STOP, self.OLD_STOP = self.id("S"), self.id("S", EARLIER)
        self.PROFIT, self.OLD_PROFIT = self.id("T"), self.id("T", EARLIER)

    def id(self, leg: str, close_ms: int = BAR, attempt: int = 0, slot: int | None = None) -> str:
        return str(self.rooms.ids.make(self.owner, close_ms, self.Leg(leg), attempt, slot))

    def situation(self, target: Any, position: Decimal, *orders: Any, **more: Any) -> Any:
        by_name = {order.client_order_id: order for order in orders}
        return self.rooms.situation.Situation(
            self.owner, BAR, target, position, by_name, tick_size=Decimal("0.1"), **more
        )

    def stop(self, name: str, quantity: Decimal = -SIZE, trigger: int = 59_000) -> Any:
        return self.OrderView(name, self.Phase.WORKING, Decimal(0), quantity, Decimal(trigger))

    def limit(
        self,
        name: str,
        quantity: Decimal = -SIZE,
        price: int = 61_000,
        filled: Decimal = Decimal(0),
    ) -> Any:
        return self.OrderView(name, self.Phase.WORKING, filled, quantity, price=Decimal(price))

    def ended(self, name: str, filled: Decimal = Decimal(0)) -> Any:
        return self.OrderView(name, self.Phase.ENDED, filled)

    def profit(self, price: int = 61_000) -> Any:
        return replace(self.LONG, take_profit=Decimal(price))

    def grid(self, *resting: tuple[int, Decimal, int], **more: Any) -> Any:
        """A target without a position that has resting orders: slot, quantity and price."""
        orders = tuple(self.rooms.target.Resting(s, q, Decimal(p)) for s, q, p in resting)
        return replace(self.FLAT, resting=orders, **more)

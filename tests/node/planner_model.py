"""A model exchange and a model node around the planner: what fills, is refused, is lost or late."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from types import ModuleType
from typing import Any

SIZE = Decimal("0.010")
TICK = Decimal("0.1")
LOT = Decimal("0.001")
BAR_MS = 60_000
FIRST_BAR = 1_704_067_259_999
TRADER, TAG, SYMBOL = "TRADER-001", "EMA001", "BTCUSDT"


@dataclass(frozen=True)
class Rooms:
    """The modules under test, from the baked package or from a mutant of it."""

    planner: ModuleType
    attempts: ModuleType
    situation: ModuleType
    target: ModuleType
    ids: ModuleType

    @classmethod
    def of(cls, package: str) -> "Rooms":
        names = ("planner", "attempts", "situation", "target", "order_ids")
        return cls(*(importlib.import_module(f"{package}.{name}") for name in names))

    @property
    def owner(self) -> str:
        return str(self.ids.owner_of(TRADER, TAG, SYMBOL))

    @property
    def stranger(self) -> str:
        return str(self.ids.owner_of("TRADER-002", TAG, SYMBOL))


@dataclass
class Row:
    """One order: what it is at the exchange, and what the node has heard of it."""

    name: str
    leg: str
    slot: int | None
    close_ms: int
    quantity: Decimal
    trigger: Decimal | None
    price: Decimal | None
    reduce_only: bool
    works: bool = False
    filled: Decimal = Decimal(0)
    is_answered: bool = False
    heard_works: bool = False
    heard_filled: Decimal = Decimal(0)
    is_name_only: bool = False

    @property
    def remaining(self) -> Decimal:
        left = abs(self.quantity) - self.filled
        return left if self.quantity > 0 else -left

    @property
    def is_heard(self) -> bool:
        return self.is_answered and (self.heard_works, self.heard_filled) == (
            self.works,
            self.filled,
        )


@dataclass
class Exchange:
    """The truth (rows, position), and the node's own picture of it (what starts with `heard`)."""

    now_ms: int = FIRST_BAR
    position: Decimal = Decimal(0)
    rows: dict[str, Row] = field(default_factory=dict)
    fills: list[tuple[int, Row]] = field(default_factory=list)
    heard_position: Decimal = Decimal(0)
    heard_exit_ms: int = 0
    heard_slot_ms: dict[int, int] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    refused_cancels: set[str] = field(default_factory=set)

    # -- What the exchange does ----------------------------------------------------------------

    def working(self, leg: str) -> list[Row]:
        return [row for row in self.rows.values() if row.works and row.leg == leg]

    def submit(self, row: Row, outcome: str) -> None:
        """Carry out a command; its outcome is heard later."""
        assert row.name not in self.rows, f"{row.name} was sent twice"
        self.rows[row.name] = row
        self.now_ms += 1
        if outcome == "refuse" or (row.reduce_only and self.position * row.quantity >= 0):
            return
        row.works = True
        if row.trigger is None and row.price is None:
            self.fill(row, whole=outcome != "part")
            row.works = False

    def fill(self, row: Row, *, whole: bool = True) -> None:
        """Fill a working order, or a half of it, as far as it may."""
        self.now_ms += 1
        size = abs(row.remaining) if whole else (abs(row.remaining) / 2).quantize(LOT)
        if row.reduce_only:
            size = min(size, abs(self.position) if self.position * row.quantity < 0 else Decimal(0))
        row.filled += size
        self.position += size if row.quantity > 0 else -size
        if size:
            self.fills.append((self.now_ms, row))
        # A stop becomes a market order: what it does not fill expires.
        row.works = row.works and row.remaining != 0 and row.trigger is None

    def end(self, row: Row) -> None:
        """End a working order without a word, as the exchange may do."""
        row.works = False

    def cancel(self, name: str, *, refuse: bool = False) -> None:
        row = self.rows[name]
        self.now_ms += 1
        if not row.works:
            self.gone.add(name)  # refused: there is no such order
        elif refuse:
            self.refused_cancels.add(name)
        else:
            row.works = False
            self.hear(row)

    # -- What the node hears -------------------------------------------------------------------

    def hear(self, row: Row) -> None:
        """Tell the node what has become of an order."""
        news = row.filled - row.heard_filled
        self.heard_position += news if row.quantity > 0 else -news
        row.is_answered, row.heard_works, row.heard_filled = True, row.works, row.filled
        stamp = max((ms for ms, each in self.fills if each is row), default=0)
        if news and row.leg in "ST":
            self.heard_exit_ms = max(self.heard_exit_ms, stamp)
        if news and row.slot is not None:
            self.heard_slot_ms[row.slot] = max(self.heard_slot_ms.get(row.slot, 0), stamp)

    def hear_all(self) -> None:
        for row in self.unheard():
            self.hear(row)

    def unheard(self) -> list[Row]:
        return [row for row in self.rows.values() if not row.is_heard]

    def restart(self, *, cold: bool) -> None:
        """Kill the node and start it again; cold, it knows ended orders by their names only."""
        self.hear_all()
        self.gone.clear()
        self.refused_cancels.clear()
        if cold:
            for row in self.rows.values():
                row.is_name_only = row.is_name_only or not row.works

    # -- What the plan is made from ------------------------------------------------------------

    def situation(self, rooms: Rooms, close_ms: int, target: Any) -> Any:
        orders = {order.client_order_id: order for order in self._views(rooms, close_ms)}
        return rooms.situation.Situation(
            owner=rooms.owner,
            close_ms=close_ms,
            target=target,
            position=self.heard_position,
            orders=orders,
            last_exit_fill_ms=self.heard_exit_ms,
            last_slot_fill_ms=dict(self.heard_slot_ms),
            refused_cancels=set(self.refused_cancels),
            gone=set(self.gone),
            tick_size=TICK,
        )

    def _views(self, rooms: Rooms, close_ms: int) -> Iterator[Any]:
        phases = rooms.situation.Phase
        yield from strangers(rooms, close_ms)
        for row in self.rows.values():
            phase = phases.WORKING if row.heard_works else phases.ENDED
            if not row.is_answered:
                phase = phases.IN_FLIGHT
            if phase is phases.ENDED and row.close_ms != close_ms:
                continue  # the shell tells of these no more
            nothing = row.is_name_only and phase is phases.ENDED
            yield rooms.situation.OrderView(
                row.name,
                phase,
                row.heard_filled,
                Decimal(0) if nothing else row.quantity,
                None if nothing else row.trigger,
                None if nothing else row.price,
            )


def strangers(rooms: Rooms, close_ms: int) -> Iterator[Any]:
    """Orders of another trader that must neither be touched nor counted."""
    make, leg, phases = rooms.ids.make, rooms.ids.Leg, rooms.situation.Phase
    for side in (-1, 1):
        for each in leg:
            slot = 0 if each is leg.RESTING else None
            yield rooms.situation.OrderView(
                make(rooms.stranger, close_ms, each, side + 1, slot),
                phases.IN_FLIGHT if each is leg.ENTRY else phases.WORKING,
                Decimal(0),
                side * SIZE,
                Decimal(60_000 - side * 1_000) if each is leg.STOP else None,
                Decimal(60_000 + side * 1_000) if each is not leg.STOP else None,
            )
    yield rooms.situation.OrderView("web_1", phases.WORKING, Decimal(0), SIZE, Decimal(59_000))

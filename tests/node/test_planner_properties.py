"""Whatever fills, is refused or is lost, and wherever the node dies: never doubled, never naked."""

import importlib
from dataclasses import dataclass, field
from decimal import Decimal
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SIZE = Decimal("0.010")
TICK = Decimal("0.1")
FIRST_BAR = 1_704_067_259_999
MOST_COMMANDS = 40
"""Commands for one bar: every leg's attempts and every stop's cancelling fit in."""


@pytest.fixture(scope="session")
def planner(importable: str) -> ModuleType:
    """The planner under test."""
    return importlib.import_module(f"{importable}.planner")


@dataclass
class Row:
    """One order at the model exchange."""

    quantity: Decimal
    trigger: Decimal | None
    working: bool = False
    refused: bool = False
    filled: Decimal = Decimal(0)


@dataclass
class ModelExchange:
    """Accepts, fills, refuses or cancels as it is told, and keeps what happened."""

    position: Decimal = Decimal(0)
    rows: dict[str, Row] = field(default_factory=dict)
    last_stop_fill_ms: int = 0
    ghosts: set[str] = field(default_factory=set)
    """Stops that have ended unheard: the node believes that they work."""
    gone: set[str] = field(default_factory=set)
    """What it has refused to cancel, because it knows no such working order."""

    def cancel(self, name: str) -> None:
        if not self.rows[name].working:
            self.gone.add(name)
        self.rows[name].working = False

    def stops(self) -> dict[str, Row]:
        return {name: row for name, row in self.rows.items() if row.working}

    def submit(self, name: str, row: Row, outcome: str) -> None:
        assert name not in self.rows, f"{name} was sent twice"
        self.rows[name] = row
        row.refused = outcome == "refuse"
        if row.refused:
            return
        if row.trigger is not None:
            row.working = True
            return
        share = row.quantity / 2 if outcome == "part" else row.quantity
        self.fill(row, share.quantize(Decimal("0.001")))

    def fill(self, row: Row, quantity: Decimal) -> None:
        row.filled += abs(quantity)
        self.position += quantity

    def trigger(self, name: str, market_ms: int) -> None:
        row = self.rows[name]
        row.working = False
        if self.position * row.quantity < 0:  # reduce-only
            size = min(abs(row.quantity), abs(self.position))
            self.fill(row, size if row.quantity > 0 else -size)
            self.last_stop_fill_ms = market_ms


OUTCOMES = st.sampled_from(["fill", "fill", "fill", "part", "refuse"])
LOST = st.sampled_from([False, False, False, True])
SIDES = st.sampled_from([-1, 0, 1])


@st.composite
def bars(draw: st.DrawFn) -> tuple[int, int, bool]:
    """One bar: the side that is wanted, the rung of its stop, and whether a stop triggers."""
    return draw(SIDES), draw(st.integers(0, 3)), draw(st.booleans())


@settings(max_examples=300, deadline=None)
@given(data=st.data(), script=st.lists(bars(), min_size=1, max_size=12))
def test_never_doubled_never_naked(
    planner: ModuleType, data: st.DataObject, script: list[tuple[int, int, bool]]
) -> None:
    exchange = ModelExchange()
    for index, (side, rung, triggers) in enumerate(script):
        close_ms = FIRST_BAR + index * 60_000
        stop = Decimal(60_000 - side * (1_000 + 100 * rung)) if side else None
        _settle(planner, exchange, close_ms, side * SIZE, stop, data)
        _judge(planner, exchange, close_ms, side, stop)
        if triggers and exchange.stops():
            name = data.draw(st.sampled_from(sorted(exchange.stops())))
            exchange.trigger(name, close_ms + 30_000)
            entries = {name for name in exchange.rows if "-E" in name}
            # The same bar again, as after a restart: no entry after the stop, no stop left over.
            _settle(planner, exchange, close_ms, side * SIZE, stop, data)
            _judge(planner, exchange, close_ms, side, stop)
            if exchange.last_stop_fill_ms > close_ms:
                assert {name for name in exchange.rows if "-E" in name} == entries


PRICES = st.decimals(Decimal("0.1"), Decimal(1_000_000), allow_nan=False, places=None)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), side=st.sampled_from([-1, 1]), prices=st.lists(PRICES, min_size=1))
def test_any_stop_price_leads_to_exactly_one_stop(
    planner: ModuleType, data: st.DataObject, side: int, prices: list[Decimal]
) -> None:
    exchange = ModelExchange(position=side * SIZE)
    for index, price in enumerate(prices[:8]):
        close_ms = FIRST_BAR + index * 60_000
        _carry_out(planner, exchange, close_ms, side * SIZE, price)
        [guard] = exchange.stops().values()
        assert guard.trigger is not None
        assert 0 <= (price - guard.trigger) * side < TICK
        assert guard.trigger % TICK == 0
        sent = len(exchange.rows)
        _carry_out(planner, exchange, close_ms + 60_000, side * SIZE, price)
        assert len(exchange.rows) == sent, "the same price was sent again"


@settings(max_examples=300, deadline=None)
@given(data=st.data(), script=st.lists(bars(), min_size=1, max_size=12))
def test_ghost_stops_guard_nothing_for_long(
    planner: ModuleType, data: st.DataObject, script: list[tuple[int, int, bool]]
) -> None:
    """A stop that the node cancelled and the exchange did not know must never replace another."""
    exchange = ModelExchange()
    for index, (side, rung, becomes_ghost) in enumerate(script):
        close_ms = FIRST_BAR + index * 60_000
        stop = Decimal(60_000 - side * (1_000 + 100 * rung)) if side else None
        known = set(exchange.gone)
        _carry_out(planner, exchange, close_ms, side * SIZE, stop)
        trusted = exchange.ghosts - known
        if exchange.position and not trusted:
            [guard] = exchange.stops().values()
            assert guard.trigger == stop
        if becomes_ghost and exchange.stops():
            name = data.draw(st.sampled_from(sorted(exchange.stops())))
            exchange.trigger(name, close_ms - 30_000)
            exchange.ghosts.add(name)


@given(quantity=st.sampled_from([-SIZE, SIZE]), guarded=st.booleans())
def test_without_bars_nothing_is_naked(
    planner: ModuleType, quantity: Decimal, guarded: bool
) -> None:
    exchange = ModelExchange(position=quantity)
    if guarded:
        _carry_out(planner, exchange, FIRST_BAR, quantity, Decimal(59_000))
    _carry_out(planner, exchange, FIRST_BAR + 60_000, None, None)
    assert len(exchange.stops()) == int(guarded)
    assert exchange.position == (quantity if guarded else 0)


def _carry_out(
    planner: ModuleType,
    exchange: ModelExchange,
    close_ms: int,
    quantity: Decimal | None,
    stop: Decimal | None,
) -> None:
    """Carry out plans until there is nothing to do; nothing is refused or lost."""
    for _ in range(MOST_COMMANDS):
        action = planner.plan(_situation(planner, exchange, close_ms, quantity, stop))
        if isinstance(action, planner.Settled):
            return
        if isinstance(action, planner.Cancel):
            exchange.cancel(action.client_order_id)
        else:
            row = Row(action.quantity, action.trigger_price)
            exchange.submit(action.client_order_id, row, "fill")
    raise AssertionError("The plan never comes to rest.")


def _settle(
    planner: ModuleType,
    exchange: ModelExchange,
    close_ms: int,
    quantity: Decimal | None,
    stop: Decimal | None,
    data: st.DataObject,
) -> None:
    """Carry out plans until there is nothing to do; a crash before a command loses it."""
    for _ in range(MOST_COMMANDS):
        action = planner.plan(_situation(planner, exchange, close_ms, quantity, stop))
        if isinstance(action, planner.Settled):
            return
        if data.draw(LOST):
            continue  # it never left: asked again, the plan must be the same
        was_guarded = _guards(exchange)
        if isinstance(action, planner.Cancel):
            assert action.client_order_id not in exchange.gone, "cancelled again"
            exchange.cancel(action.client_order_id)
            assert _guards(exchange) or not was_guarded, "cancelling left the position naked"
            continue
        assert isinstance(action, planner.Submit)
        price = action.trigger_price
        assert price is None or price % TICK == 0, "the stop is between two price steps"
        row = Row(action.quantity, price)
        outcome = data.draw(OUTCOMES)
        exchange.submit(action.client_order_id, row, outcome)
        assert abs(exchange.position) <= SIZE, "the position was doubled"
    raise AssertionError("The plan never comes to rest.")


def _situation(
    planner: ModuleType,
    exchange: ModelExchange,
    close_ms: int,
    quantity: Decimal | None,
    stop: Decimal | None,
) -> object:
    target = importlib.import_module(planner.__name__.replace("planner", "target"))
    phases = planner.Phase
    return planner.Situation(
        tag="EMA001",
        close_ms=close_ms,
        target=None if quantity is None else target.Target(quantity, stop),
        position=exchange.position,
        orders={
            name: planner.OrderView(
                client_order_id=name,
                phase=phases.WORKING if row.working or name in exchange.ghosts else phases.ENDED,
                filled=row.filled,
                quantity=row.quantity,
                trigger_price=row.trigger,
            )
            for name, row in exchange.rows.items()
        },
        last_stop_fill_ms=exchange.last_stop_fill_ms,
        gone=exchange.gone,
        tick_size=TICK,
    )


def _guards(exchange: ModelExchange) -> bool:
    return any(row.quantity * exchange.position < 0 for row in exchange.stops().values())


def _judge(
    planner: ModuleType,
    exchange: ModelExchange,
    close_ms: int,
    side: int,
    stop: Decimal | None,
) -> None:
    """Check what must hold when the plan is at rest."""
    for leg in "EX":
        prefix = f"EMA001-{close_ms // 1000}-{leg}"
        filled = [n for n, row in exchange.rows.items() if n.startswith(prefix) and row.filled]
        assert len(filled) <= 1, f"one decision, two fills: {filled}"
    stops = exchange.stops()
    if exchange.position == 0:
        assert stops == {}, "a stop is left over"
        return
    stopped = f"EMA001-{close_ms // 1000}-S"
    tried = [row for name, row in exchange.rows.items() if name.startswith(stopped)]
    gave_up = len(tried) == planner.MAX_STOP_ATTEMPTS and any(row.refused for row in tried)
    if exchange.position * side > 0 and not gave_up:
        [guard] = stops.values()
        assert guard.quantity == -exchange.position
        assert guard.trigger == stop

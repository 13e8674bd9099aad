"""Whatever fills, is refused or is lost, and wherever the node dies: never doubled, never naked."""

import importlib
import random
import shutil
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.planner_model import FIRST_BAR, SIZE, TICK, Exchange, Rooms
from node.planner_mutants import MUTANTS, Mutant
from node.planner_play import SLOTS, Draw, Play, Wish

EVENTS = ("limit", "limit", "part", "part", "stop", "end", "news", "restart", "cold restart")
LIMITS = ("limit", "part", "part", "news")
MOST_PLAYS = 3_000
"""Plays in which a mutant must be found out; most need fewer than ten."""


def wish(draw: Draw) -> Wish:
    """Draw what a rule wants in one bar, and what happens in it."""
    rungs, events = (0, 1, 2), draw([EVENTS, LIMITS])
    return Wish(
        side=draw([1, 1, 0, -1, None]),
        stop_rung=draw([*rungs, None]),
        profit_rung=draw([None, 0, 1]),
        follows=draw([False, True]),
        resting=tuple(
            (slot, draw([1, -1]), draw(rungs)) for slot in range(SLOTS) if draw([False, True])
        ),
        events=tuple(draw(events) for _ in range(draw(range(10)))),
        times=draw([1, 1, 2, 3]),
        may_open=draw([True, True, True, False]),
    )


def play(rooms: Rooms, draw: Draw) -> None:
    run = Play(rooms, draw, weather=draw(["calm", "rough", "stormy"]))
    for index in range(draw(range(1, 6))):
        run.bar(index, wish(draw))


@pytest.fixture(scope="session")
def rooms(importable: str) -> Rooms:
    return Rooms.of(f"{importable}.plan")


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_whatever_happens(rooms: Rooms, data: st.DataObject) -> None:
    def draw(values: Sequence[Any]) -> Any:
        return data.draw(st.sampled_from(values))

    play(rooms, draw)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_each_check_finds_its_mutant(
    importable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mutant: Mutant
) -> None:
    room = importlib.import_module(f"{importable}.plan").__path__[0]
    package = f"mutant_{MUTANTS.index(mutant)}"
    shutil.copytree(room, tmp_path / package)
    mutant.edit(tmp_path / package)
    monkeypatch.syspath_prepend(tmp_path)
    rooms = Rooms.of(package)
    found = (complaint(rooms, seed) for seed in range(MOST_PLAYS))
    assert any(mutant.complaint in each for each in found), "Nobody has noticed."
    for name in [name for name in sys.modules if name.startswith(package)]:
        del sys.modules[name]


def complaint(rooms: Rooms, seed: int) -> str:
    """Return what is wrong in one play; empty when nothing is."""
    draw = random.Random(seed).choice  # noqa: S311 - a script that can be played again
    try:
        play(rooms, draw)
    except AssertionError as broken:
        return str(broken)
    return ""


PRICES = st.decimals(Decimal("0.1"), Decimal(1_000_000), allow_nan=False, places=6)


@settings(max_examples=200, deadline=None)
@given(side=st.sampled_from([-1, 1]), prices=st.lists(PRICES, min_size=1, max_size=8))
def test_any_price_leads_to_exactly_one_order_of_each_kind(
    rooms: Rooms, side: int, prices: list[Decimal]
) -> None:
    exchange = Exchange(position=side * SIZE, heard_position=side * SIZE)
    run = Play(rooms, lambda values: values[0], exchange)
    for index, price in enumerate(prices):
        resting = rooms.target.Resting(7, side * SIZE, price)
        target = rooms.target.Target(side * SIZE, price, price, (resting,))
        run.bar(2 * index, Fixed(target))
        [stop], [profit] = exchange.working("S"), exchange.working("T")
        [rest] = exchange.working("R")
        assert stop.trigger is not None
        assert profit.price is not None
        assert rest.price is not None
        assert 0 <= (price - stop.trigger) * side < TICK
        assert 0 <= (profit.price - price) * side < TICK
        assert 0 <= (price - rest.price) * side < TICK
        sent = len(exchange.rows)
        run.bar(2 * index + 1, Fixed(target))
        assert len(exchange.rows) == sent, "the same price was sent again"


class Fixed(Wish):
    """A wish for exactly one target."""

    def __init__(self, target: Any) -> None:
        super().__init__(side=None)
        object.__setattr__(self, "_target", target)

    def target(self, rooms: Rooms, position: Decimal) -> Any:
        return object.__getattribute__(self, "_target")


def test_parts_of_limit_orders_never_use_up_the_stops(rooms: Rooms) -> None:
    """Each part changes the position, and each position has a stop of its size."""
    events = ("part", "part", "limit") * 3
    wanted = Wish(side=0, follows=True, resting=((0, 1, 0), (1, 1, 0), (2, 1, 0)), events=events)
    exchange = Exchange()
    Play(rooms, lambda values: values[0], exchange).bar(0, wanted)
    [guard] = exchange.working("S")
    assert guard.quantity == -exchange.position
    stops = [row for row in exchange.rows.values() if row.leg == "S"]
    assert len(stops) > rooms.attempts.MAX_STOP_ATTEMPTS


def test_a_stop_that_has_ended_unheard_is_replaced_once_it_is_known(rooms: Rooms) -> None:
    exchange = Exchange(position=SIZE, heard_position=SIZE)
    run = Play(rooms, lambda values: values[0], exchange)
    run.bar(0, Wish(side=1, stop_rung=0))
    [ghost] = exchange.working("S")
    exchange.end(ghost)
    situation = exchange.situation(
        rooms, FIRST_BAR + 60_000, Wish(side=1, stop_rung=0).target(rooms, SIZE)
    )
    assert rooms.planner.plan(situation) == rooms.situation.Settled()
    exchange.gone.add(ghost.name)
    run.bar(1, Wish(side=1, stop_rung=0))
    [guard] = exchange.working("S")
    assert guard.name != ghost.name

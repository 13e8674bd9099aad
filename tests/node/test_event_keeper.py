"""What an event-driven strategy asks for happens once, and is protected, wherever it is killed."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from node.event_world import (
    BAR_MS,
    BEGAN_MS,
    EVENTS,
    IDS,
    ONE,
    OWNER,
    PLAN_MEMORY,
    RECORD,
    SENDING,
    TRADED,
    KeptStore,
    Killed,
    Life,
    World,
    line,
)

BARS = 4
STOP, TARGET = Decimal(90), Decimal(120)


def in_and_out(life: Life, bar: Any) -> None:
    """Enter with a bracket when flat, leave in the bar after; count what was done."""
    life.keeper.remember(life.keeper.memory + 1)
    if life.world.position == 0:
        life.keeper.protect(RECORD.Protection(True, STOP, TARGET))
        life.submit_market("BUY", "E")
    else:
        life.submit_market("SELL", "X")


def played(kill_at: int | None = None, make: Any = None, decide: Any = in_and_out) -> World:
    """Return the world after some bars; the keeper is killed once, and started again at once."""
    world = World(kill_at=kill_at)

    async def play() -> None:
        life = Life(world, decide)
        last = world.bars + BARS
        try:
            await life.begin(line(first_memory=0), make)
        except Killed:
            life = await again(world, make, decide)
        while world.bars < last:
            try:
                await life.step()
            except Killed:
                life = await again(world, make, decide)

    asyncio.run(play())
    return world


async def again(world: World, make: Any, decide: Any) -> Life:
    """Return the next life."""
    world.is_killed, world.kill_at = False, None
    life = Life(world, decide)
    await life.begin(line(first_memory=0), make)
    return life


def value(world: World) -> Any:
    """Return what the strategy remembers, by the store."""
    assert world.stored is not None
    return RECORD.from_json(PLAN_MEMORY.read(world.stored).after).value


def differences(make: Any = None) -> list[str]:
    """Kill at each place that there is, and return how each play differs from the undisturbed."""
    reference = played(make=make)
    found = []
    for kill_at in range(1, reference.steps + 1):
        try:
            world = played(kill_at, make)
        except AssertionError as error:
            found.append(f"at {kill_at}: {error}")
            continue
        if list(world.orders) != list(reference.orders):
            found.append(f"at {kill_at}: {list(world.orders)} for {list(reference.orders)}")
        elif value(world) != value(reference):
            found.append(f"at {kill_at}: remembers {value(world)} for {value(reference)}")
        elif world.position and not [row for row in world.working() if row.trigger_price]:
            found.append(f"at {kill_at}: {world.position} without a stop")
    return found


def test_a_kill_at_any_place_changes_nothing() -> None:
    reference = played()
    assert reference.steps > 30
    assert len(reference.own()) == BARS + 1
    assert value(reference) == BARS + 1
    assert differences() == []


class SendsFirst(EVENTS.EventKeeper):  # type: ignore[misc]  # a bake has no types
    """Sends before the store has it."""

    def do(self, deed: Any) -> None:
        self._desk.send(deed)


class AsksNobody(EVENTS.EventKeeper):  # type: ignore[misc]  # a bake has no types
    """Sends what is due after a start without asking whether it was sent."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._sending.is_known = lambda name: False


class FinishesNothing(EVENTS.EventKeeper):  # type: ignore[misc]  # a bake has no types
    """Gives the strategy the last bar again after each start."""

    _sending: Any

    def _decide(self, bar: Any) -> None:
        before = self._sending.now.finished_ms
        super()._decide(bar)
        self._sending.now = replace(self._sending.now, finished_ms=before)


class ForgetsItsStop(EVENTS.EventKeeper):  # type: ignore[misc]  # a bake has no types
    """Does not remember what protects."""

    def protect(self, protection: Any) -> None:
        self.protection = protection

    def target(self, view: Any) -> Any:
        found = super().target(view)
        levels = getattr(self, "protection", None)
        if view.position and levels:
            return type(found)(view.position, levels.stop, levels.take_profit)
        return found


@pytest.mark.parametrize("mutant", [SendsFirst, AsksNobody, FinishesNothing, ForgetsItsStop])
def test_each_promise_has_a_keeper_that_breaks_it(mutant: Any) -> None:
    assert differences(mutant), mutant.__doc__


# -- One by one --------------------------------------------------------------------------------


def lived(decide: Any, bars: int = 1, world: World | None = None, **changes: Any) -> Life:
    """Return a life after some bars."""
    life = Life(world or World(), decide)

    async def play() -> None:
        await life.begin(line(first_memory=0, **changes))
        for _ in range(bars):
            await life.step()

    asyncio.run(play())
    return life


def nothing(life: Life, bar: Any) -> None:
    """Decide nothing."""


def test_the_last_closed_bar_is_decided_at_the_start_and_those_before_it_are_past() -> None:
    life = lived(nothing, bars=1)
    assert life.past == [BEGAN_MS]
    assert life.given == [BEGAN_MS + BAR_MS, BEGAN_MS + 2 * BAR_MS]


@pytest.mark.parametrize(("bar", "past"), [(0, 4), (2, 2), (9, 1)])
def test_past_bars_are_as_many_as_were_asked_for_and_no_fewer_than_the_window(
    bar: int, past: int
) -> None:
    world = World()
    world.bars += 3
    life = Life(world, nothing, wanted_since=BEGAN_MS + bar * BAR_MS)
    asyncio.run(life.begin(line(first_memory=0)))
    assert len(life.past) == past  # and the last one is decided
    assert life.given == [world.closed()[-1].close_ms]


def test_a_bar_that_was_finished_is_not_given_again() -> None:
    world = World()
    lived(nothing, bars=0, world=world)
    life = lived(nothing, bars=0, world=world)
    assert (life.past, life.given) == ([BEGAN_MS, BEGAN_MS + BAR_MS], [])
    assert life.keeper.has_decided == BEGAN_MS + BAR_MS


def test_a_position_without_a_stop_is_closed_and_said() -> None:
    def naked(life: Life, bar: Any) -> None:
        if not life.world.orders:
            life.submit_market("BUY", "E")

    life = lived(naked)
    assert life.world.position == 0
    assert any("No stop is declared" in line for line in life.warned)
    left = lived(naked, stops=False)
    assert left.world.position == ONE


def test_a_stop_that_goes_missing_is_sent_again() -> None:
    def enter_once(life: Life, bar: Any) -> None:
        if not life.world.own():
            in_and_out(life, bar)

    world = World()
    lived(enter_once, world=world)
    [stop] = [row for row in world.working() if row.trigger_price == STOP]
    [target] = [row for row in world.working() if row.price == TARGET]
    for row in (stop, target):
        world.orders[row.client_order_id] = replace(row, status="CANCELED")
    lived(enter_once, bars=0, world=world)
    again = [row for row in world.working() if row.trigger_price == STOP]
    assert len(again) == 1
    assert again[0].client_order_id != stop.client_order_id
    assert len([row for row in world.working() if row.price == TARGET]) == 1


def test_where_the_store_is_lost_the_stop_that_works_counts_as_declared() -> None:
    def enter_once(life: Life, bar: Any) -> None:
        if not life.world.own():
            in_and_out(life, bar)

    world = World()
    lived(enter_once, world=world)
    before = list(world.orders)
    world.stored = None
    life = lived(enter_once, bars=1, world=world)
    assert (list(world.orders), world.position) == (before, ONE)
    assert any("The store has nothing that EVT001 remembers" in line for line in life.warned)


def test_an_old_store_does_not_move_a_stop_that_later_bars_have_set() -> None:
    def trail(life: Life, bar: Any) -> None:
        level = STOP + len(life.given)
        life.keeper.protect(RECORD.Protection(True, level, TARGET))
        if not life.world.own():
            life.submit_market("BUY", "E")

    world = World()
    life = Life(world, trail)

    async def play() -> None:
        await life.begin(line(first_memory=0))
        old = world.stored
        await life.step()
        await life.step()
        world.stored = old

    asyncio.run(play())
    [before] = [row for row in world.working() if row.trigger_price]
    assert before.trigger_price == STOP + 3
    orders = list(world.orders)
    lived(nothing, bars=0, world=world)
    assert list(world.orders) == orders


def test_siblings_go_with_their_position_and_so_do_own_exits() -> None:
    def enter_once(life: Life, bar: Any) -> None:
        if not life.world.own():
            in_and_out(life, bar)

    world = World()
    life = lived(enter_once, world=world)
    assert len(world.working()) == 2
    world.position = Decimal(0)
    life2 = lived(nothing, bars=1, world=world)
    assert world.working() == []
    assert life2.keeper._sending.now.protections == ()
    assert life.denied == []


def enter_always(life: Life, bar: Any) -> None:
    """Enter at every bar."""
    life.keeper.protect(RECORD.Protection(True, STOP, TARGET))
    life.submit_market("BUY", "E")


def test_while_a_condition_holds_an_entry_waits_until_its_bar_is_over() -> None:
    world = World()
    life = Life(world, enter_always, may_open_now=False)

    async def play() -> None:
        await life.begin(line(first_memory=0))
        assert (world.orders, life.denied) == ({}, [])
        await life.step()
        assert world.orders == {}
        assert life.denied == ["Until its bar was over, a condition held: /state names it."]
        life.may_open_now = True
        life.keeper.look_again()
        await life.rest()

    asyncio.run(play())
    assert [IDS.parse(name).close_seconds for name in world.own()] == [life.given[-1] // 1000]
    assert len(life.denied) == 1


def test_while_a_condition_holds_exits_go() -> None:
    def leave(life: Life, bar: Any) -> None:
        life.submit_market("SELL", "X")

    world = World(position=ONE)
    life = Life(world, leave, may_open_now=False)
    asyncio.run(life.begin(line(first_memory=0, stops=False)))
    assert world.position == 0


def test_an_entry_that_is_cancelled_before_it_is_sent_is_never_sent() -> None:
    def change_of_mind(life: Life, bar: Any) -> None:
        enter_always(life, bar)
        life.keeper.do(RECORD.Deed(life.keeper._sending.unsent[-1].client_order_id))

    life = lived(change_of_mind, bars=0)
    assert life.world.orders == {}
    assert life.denied == ["It was cancelled before it was sent."]
    assert RECORD.from_json(PLAN_MEMORY.read(life.world.stored).after).due == ()


def test_before_it_trades_nothing_is_sent() -> None:
    world = World()
    life = Life(world, nothing)
    memory = EVENTS.Memory("EVT001", line(first_memory=0).memory_form, KeptStore(world))
    life.keeper = EVENTS.EventKeeper(line(first_memory=0), OWNER, life, life, life, memory)
    life.submit_market("BUY", "E")
    assert life.denied == ["The node does not trade yet, or not any more."]
    assert world.orders == {}


def test_a_failing_call_leaves_nothing_done_and_is_a_condition() -> None:
    def failing(life: Life, bar: Any) -> None:
        if len(life.given) == 1:
            in_and_out(life, bar)
            raise ZeroDivisionError("seeded")
        in_and_out(life, bar)

    life = lived(failing, bars=0)
    assert life.world.orders == {}
    assert life.keeper.memory == 0
    assert "ZeroDivisionError: seeded" in life.wrongs["strategy"]
    life = lived(failing, bars=1)
    assert life.wrongs == {}
    assert life.world.position == ONE


def test_while_the_store_is_away_entries_wait_and_are_denied_when_their_bar_is_over() -> None:
    world = World(store_away=True)
    life = Life(world, in_and_out)
    SENDING.AGAIN_SECONDS, before = 0.001, SENDING.AGAIN_SECONDS

    async def play() -> None:
        asyncio.get_running_loop().call_later(0.05, world_is_back)
        await life.begin(line(first_memory=0))

    def world_is_back() -> None:
        assert world.orders == {}
        assert "memory" in life.wrongs
        world.bars += 1
        life.keeper.bar(world.closed()[-1])
        life.soon(life.keeper.look_again)
        asyncio.get_running_loop().call_later(0.05, lambda: setattr(world, "store_away", False))

    try:
        asyncio.run(play())
    finally:
        SENDING.AGAIN_SECONDS = before
    assert "Until its bar was over, a condition held: /state names it." in life.denied
    assert life.wrongs == {}


def test_one_that_never_arrived_is_sent_again_under_its_id() -> None:
    def enter_once(life: Life, bar: Any) -> None:
        if not life.world.own():
            in_and_out(life, bar)

    world = World()
    life = Life(world, enter_once)

    async def play() -> None:
        await life.begin(line(first_memory=0))
        [entry] = world.own()
        world.position = Decimal(0)
        del world.orders[entry]
        life.keeper.never_arrived(entry)
        await life.rest()
        assert world.own() == [entry]

    asyncio.run(play())


def test_what_stands_in_the_store_and_is_no_record_is_refused() -> None:
    world = World(stored=b'{"version":1,"close_ms":0,"before":7,"after":7}')
    with pytest.raises(EVENTS.NodeExit) as refused:
        asyncio.run(Life(world, nothing).begin(line()))
    assert refused.value.code == 78
    assert "is not what an event-driven strategy remembers" in refused.value.sentence


def test_an_id_names_bar_leg_and_number() -> None:
    record = RECORD.EventRecord()
    for number in range(3):
        name, record = record.next_id(OWNER, BEGAN_MS, IDS.Leg.ENTRY)
        assert name == f"{OWNER}-{BEGAN_MS // 1000}-E0{number}0"
    name, record = record.next_id(OWNER, BEGAN_MS, IDS.Leg.EXIT)
    assert name.endswith("-X000")
    name, record = record.next_id(OWNER, BEGAN_MS + BAR_MS, IDS.Leg.ENTRY)
    assert name.endswith("-E000")
    assert RECORD.from_json(record.to_json()) == record


def test_what_is_wrong_with_a_line_is_said() -> None:
    good = line()
    assert TRADED.complaints([good], "TRADER-001") == []
    assert replace(good, symbol="ETHUSDT").rule.window == good.window
    [window] = TRADED.complaints([line(window=0)], "TRADER-001")
    assert "looks at 0 bars; 1 to 1,000 can be had" in window
    [version] = TRADED.complaints([line(memory_version=0)], "TRADER-001")
    assert "has a memory_version of 0; it counts from 1" in version
    [first] = TRADED.complaints([line(first_memory=Decimal(1))], "TRADER-001")
    assert "has a first_memory that cannot be kept" in first


def test_a_memory_of_an_earlier_version_is_made_one_of_this() -> None:
    def count(life: Life, bar: Any) -> None:
        life.keeper.remember(life.keeper.memory + 1)

    world = World()
    lived(count, world=world)

    def upgraded(version: int, value: int) -> dict[str, int]:
        return {"bars": value, "from": version}

    life = Life(world, nothing)
    asyncio.run(life.begin(line(first_memory={}, memory_version=2, upgraded=upgraded)))
    assert life.keeper.memory == {"bars": 2, "from": 1}
    assert life.given == []

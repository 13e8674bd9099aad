"""Schedules that might leave a position naked, an order doubled, or one sent that came too late."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from node.event_world import (
    CHANGES,
    IDS,
    ONE,
    PLAN_MEMORY,
    RECORD,
    SENDING,
    Killed,
    Life,
    World,
    line,
)

LONG = RECORD.Protection(True, Decimal(90), Decimal(120))
SHORT = RECORD.Protection(False, Decimal(110), Decimal(80))
BRACKETS = {"BUY": LONG, "SELL": SHORT}


def enter(life: "Played", side: str = "BUY", kind: str = "LIMIT") -> str:
    """Submit an entry, and declare what protects its position."""
    life.keeper.protect(BRACKETS[side])
    return life.make(side, kind, "E")


@dataclass
class Played(Life):
    """A life in which orders rest, fill in parts, and are refused, as a test says."""

    refused: set[str] = field(default_factory=set)
    uncancellable: set[str] = field(default_factory=set)
    cancels: list[str] = field(default_factory=list)
    on_denied: Callable[[str], None] = lambda name: None
    on_sent: Callable[[], None] = lambda: None

    def make(self, side: str, kind: str, leg: str, *, opens: bool | None = None) -> str:
        """Make and submit an order; return its id."""
        name = str(self.keeper.next_id(IDS.Leg(leg)))
        opens = leg == "E" if opens is None else opens
        self.keeper.do(RECORD.Deed(name, {"side": side, "type": kind}, opens=opens))
        return name

    def cancel_own(self, name: str) -> None:
        """Ask for an own order to be cancelled."""
        self.keeper.do(RECORD.Deed(name))

    def send(self, deed: Any) -> None:
        if deed.client_order_id in self.refused:
            self.on_denied(deed.client_order_id)
            return
        super().send(deed)
        self.soon(self.on_sent)

    def deny(self, deed: Any, reason: str) -> None:
        super().deny(deed, reason)
        self.on_denied(deed.client_order_id)

    def cancel(self, client_order_id: str) -> None:
        self.cancels.append(client_order_id)
        if client_order_id in self.uncancellable:
            kind = CHANGES.ChangeKind.CANCEL_REFUSED
            change = CHANGES.OrderChange(client_order_id, kind, 0, "-1000")
            self.soon(lambda: self.keeper.order_changed(change))
            return
        super().cancel(client_order_id)

    def fill(self, name: str, quantity: Decimal = ONE) -> None:
        """Let the exchange fill a part of an order, or all of it; a stop's position is gone."""
        row = self.world.orders[name]
        filled = row.filled + quantity
        status = "FILLED" if filled == row.quantity else "PARTIALLY_FILLED"
        self.world.orders[name] = replace(row, filled=filled, status=status)
        self.world.position += quantity if row.side == "BUY" else -quantity
        at_ms = self.world.closed()[-1].close_ms + 1
        self.keeper.order_changed(CHANGES.OrderChange(name, CHANGES.ChangeKind.FILLED, at_ms))
        self.keeper.position_changed()

    def stops(self) -> list[Any]:
        """Return what guards the position."""
        return [row for row in self.world.working() if IDS.parse(row.client_order_id).leg == "S"]

    def is_guarded(self, level: Decimal) -> bool:
        """Return whether one stop guards all that is held, at this level."""
        found = [(row.signed_quantity, row.trigger_price) for row in self.stops()]
        return found == [(-self.world.position, level)]


def run(play: Coroutine[Any, Any, None]) -> None:
    """Run a play, which ends by itself well before this bound."""
    asyncio.run(asyncio.wait_for(play, 30))


def nothing(life: Any, bar: Any) -> None:
    """Decide nothing."""


def script(*steps: Callable[[Any], Any]) -> Callable[[Any, Any], None]:
    """Return an ``on_bar`` that does one thing at each bar, and then nothing."""

    def decide(life: Any, bar: Any) -> None:
        place = len(life.given) - 1
        if place < len(steps):
            steps[place](life)

    return decide


def idle(life: Any) -> None:
    """Do nothing at this bar."""


def started(world: World, decide: Any = nothing, life: Any = None, **changes: Any) -> Any:
    """Return a life that begins."""
    life = life or Played(world, decide)

    async def begun() -> Any:
        await life.begin(line(first_memory=0, **changes))
        return life

    return begun()


def test_a_cancel_that_a_kill_has_left_undone_is_done_though_a_bar_has_closed_since() -> None:
    @dataclass
    class DiesAtItsCancel(Played):
        def cancel(self, client_order_id: str) -> None:
            self.world.is_killed = True
            raise Killed

    async def play() -> None:
        world, names = World(), []
        decide = script(
            lambda life: names.append(enter(life)), lambda life: life.cancel_own(*names)
        )
        life = await started(world, life=DiesAtItsCancel(world, decide))
        with pytest.raises(Killed):
            await life.step()
        assert [row.status for row in world.working()] == ["ACCEPTED"]
        world.is_killed = False
        world.bars += 1
        await started(world)
        assert world.working() == []

    run(play())


@pytest.mark.parametrize("is_sent", [False, True])
def test_an_order_that_never_arrived_and_was_cancelled_meanwhile_is_not_sent(is_sent: bool) -> None:
    async def play() -> None:
        world = World()
        life = await started(world, script(enter))
        [name] = world.own()
        if is_sent:
            life.uncancellable.add(name)  # it is not known there
        life.cancel_own(name)
        if is_sent:
            await life.rest()
        del world.orders[name]
        life.keeper.never_arrived(name)
        await life.rest()
        assert world.own() == []

    run(play())


def test_what_is_due_waits_until_the_node_trades() -> None:
    @dataclass
    class WaitsForOthers(Played):
        def ready(self, tag: str) -> None:
            """Another line is not ready yet."""

    async def play() -> None:
        world = World()
        life = await started(world, script(enter), Played(world, script(enter), may_open_now=False))
        assert world.own() == []
        life = await started(world, life=WaitsForOthers(world, nothing))
        life.keeper.remember(7)  # as a handler of an event might
        await life.rest()
        assert (world.own(), life.denied) == ([], [])
        life.is_trading = True
        life.keeper.begin()
        await life.rest()
        assert len(world.own()) == 1

    run(play())


def test_an_order_that_is_cancelled_while_its_sibling_is_denied_ends_nothing() -> None:
    async def play() -> None:
        world, names = World(), []
        life = Played(world, script(lambda life: names.extend([enter(life), enter(life)])))

        def cancel_its_sibling(name: str) -> None:
            if name == names[0]:
                life.cancel_own(names[1])

        life.on_denied = cancel_its_sibling
        first = IDS.make(IDS.owner_of("TRADER-001", "EVT001", "BTCUSDT"),
                         world.closed()[-1].close_ms, IDS.Leg.ENTRY, 0, 0)  # fmt: skip
        life.refused = {first}
        await started(world, life=life)
        assert names[0] == first
        assert world.own() == []

    run(play())


@pytest.mark.parametrize("price", ["NaN", "Infinity", "0", "-3"])
@pytest.mark.parametrize("leg", ["stop", "take_profit"])
def test_a_level_that_is_no_price_is_refused_where_it_is_declared(price: str, leg: str) -> None:
    def mistaken(life: Any) -> None:
        life.keeper.protect(replace(LONG, **{leg: Decimal(price)}))
        life.make("BUY", "MARKET", "E")

    async def play() -> None:
        world = World()
        life = await started(world, script(mistaken))
        assert "is no price" in life.wrongs["strategy"]
        assert world.orders == {}
        await started(world)  # what is remembered can be read

    run(play())


def test_an_entry_whose_bar_is_over_is_not_sent_while_the_next_bars_are_asked_for() -> None:
    @dataclass
    class HasNoBarsYet(Played):
        answered: Any = None

        async def closed_bars(self, count: int) -> list[Any]:
            if self.answered is not None:
                await self.answered.wait()
            return await super().closed_bars(count)

    async def play() -> None:
        world = World()
        life = HasNoBarsYet(world, script(enter), may_open_now=False)
        await started(world, life=life)
        life.answered = asyncio.Event()
        world.bars += 2  # one is missed
        life.keeper.bar(world.closed()[-1])
        life.may_open_now = True
        life.keeper.remember(7)  # as a handler of an event might
        for _ in range(20):
            await asyncio.sleep(0)
        assert world.own() == []
        life.answered.set()
        await life.rest()
        assert world.own() == []
        assert life.denied == ["Until its bar was over, a condition held: /state names it."]

    run(play())


def test_an_exit_whose_cancelling_is_refused_is_left_alone_until_the_next_bar() -> None:
    async def play() -> None:
        world = World(position=ONE)
        exits = script(lambda life: life.make("SELL", "LIMIT", "X"))
        life = await started(world, exits, stops=False)
        [name] = world.own()
        life.uncancellable.add(name)
        world.position = Decimal(0)
        life.keeper.position_changed()
        await asyncio.wait_for(life.rest(), 5)
        assert life.cancels == [name] * 3
        await asyncio.wait_for(life.step(), 5)
        assert life.cancels == [name] * 6

    run(play())


def test_what_is_too_long_to_be_remembered_is_refused_where_it_is_asked_for() -> None:
    def greedy(life: Any) -> None:
        enter(life)
        life.keeper.remember("x" * 40_000)

    async def play() -> None:
        life = await started(World(), script(greedy, enter))
        assert "ValueError" in life.wrongs["strategy"]
        await life.step()
        assert len(life.world.own()) == 1

    run(play())


def test_orders_that_do_not_fit_into_what_is_remembered_are_a_condition_and_exits_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SENDING, "AGAIN_SECONDS", 0.001)

    def many(life: Any) -> None:
        for _ in range(500):
            enter(life)
        life.make("SELL", "MARKET", "X")

    async def play() -> None:
        world = World(position=ONE)
        life = Played(world, script(many))

        def next_bar() -> None:
            assert "are allowed" in life.wrongs["memory"]
            assert (world.position, len(world.own())) == (Decimal(0), 1)
            world.bars += 1
            life.keeper.bar(world.closed()[-1])

        life.on_sent = next_bar
        await started(world, life=life)
        assert (len(life.denied), len(world.own()), life.wrongs) == (500, 1, {})

    run(play())


def test_an_order_that_was_to_close_what_is_gone_by_now_is_not_sent() -> None:
    def leave(life: Any) -> None:
        life.make("SELL", "MARKET", "E", opens=False)
        # Its stop fills before the store has answered.
        life.soon(lambda: setattr(life.world, "position", Decimal(0)))

    async def play() -> None:
        world = World(position=ONE)
        life = await started(world, script(leave), stops=False)
        assert (world.own(), world.position) == ([], Decimal(0))
        assert life.denied == ["What it was to make smaller is smaller by now, or gone."]

    run(play())


# -- Protection ----------------------------------------------------------------------------------


def test_a_part_of_an_entry_is_stopped_out_and_after_a_restart_the_rest_is_guarded_as_well() -> (
    None
):
    async def play() -> None:
        world = World()
        life = await started(world, script(enter))
        [name] = world.own()
        half = ONE / 2
        life.fill(name, half)
        await life.rest()
        assert life.is_guarded(LONG.stop)
        life.fill(life.stops()[0].client_order_id, half)
        await life.rest()
        life = await started(world)
        assert (world.position, life.stops()) == (Decimal(0), [])
        await life.step()
        life.fill(name, half)
        await life.rest()
        assert world.position == half
        assert life.is_guarded(LONG.stop)

    run(play())


@pytest.mark.parametrize("first", ["BUY", "SELL"])
@pytest.mark.parametrize("restarts", [False, True])
def test_two_brackets_of_opposite_sides_guard_each_its_own_position(
    first: str, restarts: bool
) -> None:
    async def play() -> None:
        world = World()
        life = await started(world, script(lambda life: (enter(life, "BUY"), enter(life, "SELL"))))
        by_side = {world.orders[name].side: name for name in world.own()}
        second = "SELL" if first == "BUY" else "BUY"
        life.fill(by_side[first])
        await life.rest()
        assert life.is_guarded(BRACKETS[first].stop)
        if restarts:
            life = await started(world)
        life.fill(life.stops()[0].client_order_id)
        await life.rest()
        assert (world.position, life.stops()) == (Decimal(0), [])
        await life.step()
        life.fill(by_side[second])
        await life.rest()
        assert life.is_guarded(BRACKETS[second].stop)

    run(play())


def test_a_stop_for_the_other_side_leaves_that_of_the_held_position_alone() -> None:
    async def play() -> None:
        world = World()
        life = await started(world, script(enter, lambda life: life.keeper.protect(SHORT)))
        life.fill(world.own()[0])
        await life.rest()
        await life.step()
        assert life.is_guarded(LONG.stop)
        life = await started(world, script(lambda life: (enter(life, "SELL"), enter(life, "SELL"))))
        await life.step()
        for name in world.own()[1:]:
            life.fill(name)
            await life.rest()
        assert world.position == -ONE
        assert life.is_guarded(SHORT.stop)

    run(play())


def test_a_part_that_fills_while_its_entry_is_cancelled_is_guarded() -> None:
    async def play() -> None:
        world = World()
        life = await started(world, script(enter, lambda life: life.cancel_own(world.own()[0])))
        [name] = world.own()
        life.fill(name, ONE / 2)
        await life.step()
        assert world.orders[name].status == "CANCELED"
        assert life.is_guarded(LONG.stop)
        life = await started(world)
        await life.step()
        assert life.is_guarded(LONG.stop)

    run(play())


def test_a_call_that_fails_after_it_has_moved_the_stop_leaves_it_where_it_was() -> None:
    def mistaken(life: Any) -> None:
        life.keeper.protect(replace(LONG, stop=Decimal(95)))
        life.make("SELL", "MARKET", "X")
        raise ZeroDivisionError

    async def play() -> None:
        world = World()
        life = await started(world, script(enter, mistaken))
        life.fill(world.own()[0])
        await life.rest()
        await life.step()
        assert (world.position, len(world.own())) == (ONE, 1)
        assert life.is_guarded(LONG.stop)
        life = await started(world, script(mistaken))
        assert (world.position, len(world.own())) == (ONE, 1)
        assert life.is_guarded(LONG.stop)

    run(play())


def test_the_stop_does_not_wait_for_limit_orders_that_are_always_on_their_way() -> None:
    async def play() -> None:
        world = World()
        life = await started(world, script(lambda life: (enter(life), enter(life))))
        first, second = world.own()
        world.orders[second] = replace(world.orders[second], status="SUBMITTED", price=Decimal(99))
        life.fill(first)
        await life.rest()
        assert life.is_guarded(LONG.stop)

    run(play())


def test_a_halt_cancels_the_entries_that_rest_and_leaves_exits_and_protection() -> None:
    def several(life: Any) -> None:
        enter(life)
        enter(life, "SELL")
        life.make("SELL", "LIMIT", "E", opens=False)  # it closes what is held, and says so itself
        life.make("SELL", "LIMIT", "X")

    async def play() -> None:
        world = World(position=ONE)
        life = await started(world, script(several))
        buys, sells, closes, leaves = world.own()
        world.orders[sells] = replace(world.orders[sells], quantity=2 * ONE)  # it would turn it
        life.halted = True
        life.keeper.look_again()
        await life.rest()
        assert sorted(life.cancels) == [buys, sells]
        assert {closes, leaves} < {row.client_order_id for row in world.working()}
        assert life.is_guarded(LONG.stop)

    run(play())


# -- Once, and in time ---------------------------------------------------------------------------


def test_the_same_bar_again_is_no_new_bar() -> None:
    async def play() -> None:
        world = World()
        life = await started(world, lambda life, bar: enter(life, kind="MARKET"))
        for _ in range(3):
            life.keeper.bar(world.closed()[-1])
            await life.rest()
        assert (len(life.given), len(world.own())) == (1, 1)

    run(play())


def test_a_condition_that_begins_between_remembering_and_sending_keeps_the_entry_back() -> None:
    @dataclass
    class ConditionBegins(Played):
        def decided(self) -> None:
            self.may_open_now = False

    async def play() -> None:
        world = World()

        def decide(life: Any, bar: Any) -> None:
            enter(life)
            life.soon(life.decided)

        life = ConditionBegins(world, decide)
        await started(world, life=life)
        assert world.own() == []
        # A restart, and the condition holds: it waits on, and its bar ends.
        life = await started(world, life=Played(world, nothing, may_open_now=False))
        assert world.own() == []
        await life.step()
        life.may_open_now = True
        life.keeper.look_again()
        await life.rest()
        assert world.own() == []
        assert len(life.denied) == 1

    run(play())


def test_an_entry_that_waits_is_not_sent_once_a_stop_out_has_begun_the_cool_down() -> None:
    async def play() -> None:
        world = World()
        life = await started(world, script(enter), cool_down=2)
        [name] = world.own()
        life.fill(name)
        await life.rest()
        life.may_open_now = False
        second = enter(life)
        await life.rest()
        life.fill(life.stops()[0].client_order_id)
        life.may_open_now = True
        await life.rest()
        assert second not in world.orders
        assert "after a stop-out" in life.denied[0]
        # The strategy has heard that it is not sent: a restart must not find it due.
        assert world.stored is not None
        assert RECORD.from_json(PLAN_MEMORY.read(world.stored).after).due == ()

    run(play())


def test_what_is_sent_while_the_store_is_away_is_sent_once_when_it_is_back_and_after_a_kill(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SENDING, "AGAIN_SECONDS", 0.001)

    async def play() -> None:
        world = World(position=ONE, store_away=True)
        exits = script(lambda life: life.make("SELL", "MARKET", "X"))
        life = Played(world, exits)
        life.on_sent = lambda: setattr(world, "store_away", False)
        await started(world, life=life, stops=False)
        assert (len(world.own()), world.position) == (1, Decimal(0))
        world.stored = None  # what it had was lost with the machine
        await started(world, exits, stops=False)
        assert (len(world.own()), world.position) == (1, Decimal(0))

    run(play())

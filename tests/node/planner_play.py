"""Plays one bar after another against the model exchange, and judges what must hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from node.planner_model import BAR_MS, FIRST_BAR, SIZE, TICK, Exchange, Rooms, Row

MOST_COMMANDS = 150
"""Plans for one bar: every leg's attempts, and cancelling each, fit in."""
MOST_STOPS = 2
SLOTS = 3

OUTCOMES = {
    "calm": ("fill",),
    "rough": ("fill", "fill", "fill", "part", "refuse"),
    "stormy": ("fill", "part", "refuse", "refuse", "refuse", "refuse"),
}

Draw = Callable[[Sequence[Any]], Any]
"""Picks one of some values."""


@dataclass(frozen=True)
class Wish:
    """What a rule wants in one bar; `side` is ``None`` when nobody can say, for lack of bars."""

    side: int | None
    stop_rung: int | None = 0
    profit_rung: int | None = None
    follows: bool = False
    resting: tuple[tuple[int, int, int], ...] = ()
    """Slot, side and rung of the price of each."""
    events: tuple[str, ...] = ()
    """What happens beside the commands, in order."""
    times: int = 1
    """How many sizes it wants to hold."""
    may_open: bool = True

    def target(self, rooms: Rooms, position: Decimal) -> Any:
        if self.side is None:
            return None
        quantity = position if self.follows else self.side * self.times * SIZE
        side = (quantity > 0) - (quantity < 0)
        stop = profit = None
        if side and self.stop_rung is not None:
            stop = Decimal(60_000 - side * (1_000 + 100 * self.stop_rung))
        if side and self.profit_rung is not None:
            profit = Decimal(60_000 + side * (1_000 + 100 * self.profit_rung))
        resting = tuple(
            rooms.target.Resting(slot, way * SIZE, Decimal(60_000 + 10 * rung))
            for slot, way, rung in self.resting
        )
        return rooms.target.Target(quantity, stop, profit, resting)


@dataclass
class Play:
    """One run of a node, over any number of bars."""

    rooms: Rooms
    draw: Draw
    exchange: Exchange = field(default_factory=Exchange)
    close_ms: int = FIRST_BAR
    weather: str = "calm"
    """How much goes wrong beside the events: calm, rough or stormy."""

    def bar(self, index: int, wish: Wish) -> None:
        """Play one bar until the plan has come to rest and nothing more happens."""
        exchange = self.exchange
        self.close_ms = FIRST_BAR + index * BAR_MS
        exchange.now_ms = self.close_ms
        exchange.refused_cancels.clear()
        at_start = exchange.position
        events = list(wish.events)
        for _ in range(MOST_COMMANDS):
            self._check_exposure(wish, at_start)
            if events and self.draw([False, True]):
                self._happen(events.pop(0))
            target = wish.target(self.rooms, exchange.heard_position)
            situation = exchange.situation(self.rooms, self.close_ms, target)
            situation = replace(situation, may_open=wish.may_open)
            action = self.rooms.planner.plan(situation)
            waiting = [row for row in exchange.rows.values() if not row.is_answered]
            kind = type(action).__name__
            if waiting:
                assert kind == "Wait", f"{action} was planned while {waiting} was in flight"
                exchange.hear(waiting[0])
            elif kind == "Wait":
                raise AssertionError("It waits for nothing.")
            elif kind != "Settled":
                if not isinstance(action, self.rooms.situation.Cancel):
                    is_opening = str(action.leg) in "ER"
                    assert wish.may_open or not is_opening, "opened while nothing may be"
                self._carry_out(action, self._on_tick(target))
            elif exchange.unheard():
                exchange.hear_all()
            else:
                self._judge(self._allowed(wish, self._on_tick(target)))
                if not events:
                    return
                self._happen(events.pop(0))
        raise AssertionError("The plan never comes to rest.")

    def _on_tick(self, target: Any) -> Any:
        return None if target is None else self.rooms.target.on_tick(target, TICK)

    def _allowed(self, wish: Wish, target: Any) -> Any:
        """Return what is left of a target when nothing may be opened."""
        if target is None or wish.may_open:
            return target
        position = self.exchange.position
        same_side = position * target.quantity > 0
        kept = min(target.quantity, position, key=abs) if same_side else Decimal(0)
        return replace(target, quantity=kept, resting=())

    # -- What happens --------------------------------------------------------------------------

    def _happen(self, event: str) -> None:
        exchange = self.exchange
        if event in {"restart", "cold restart"}:
            exchange.restart(cold=event == "cold restart")
        if event == "news":
            exchange.hear_all()
        legs = "S" if event == "stop" else "TR"
        working = [row for leg in legs for row in exchange.working(leg)]
        if event in {"stop", "limit", "part"} and working:
            exchange.fill(self.draw(working), whole=event != "part")
        if event == "end" and working:
            exchange.end(self.draw(working))  # a limit that the exchange ends, told later

    def _carry_out(self, action: Any, target: Any) -> None:
        exchange, name = self.exchange, action.client_order_id
        is_calm = self.weather == "calm"
        if not is_calm and self.draw([False, False, False, True]):
            return  # the node died before: asked again, the plan must be the same
        if isinstance(action, self.rooms.situation.Cancel):
            assert name in exchange.rows, f"{name} is not this owner's"
            assert name not in exchange.gone | exchange.refused_cancels, "cancelled in vain again"
            row = exchange.rows[name]
            closes = row.leg == "T" and row.quantity * exchange.heard_position < 0
            assert target is not None or not closes, "without bars, what closes the position stays"
            before = self._covered()
            exchange.cancel(name, refuse=not is_calm and self.draw([False] * 5 + [True]))
            is_any_lost = any(each.leg == "S" for each in exchange.unheard())
            if row.leg == "S" and not is_any_lost:
                assert self._covered() >= before, "cancelling left the position naked"
            return
        self._check(action, target)
        parts = self.rooms.ids.parse(name)
        sent = Row(
            name=name,
            leg=str(action.leg),
            slot=parts.slot,
            close_ms=self.close_ms,
            quantity=action.quantity,
            trigger=action.trigger_price,
            price=action.price,
            reduce_only=action.reduce_only,
        )
        exchange.submit(sent, self.draw(OUTCOMES[self.weather]))
        if self.draw([True, False]):
            exchange.hear(sent)

    # -- What must hold ------------------------------------------------------------------------

    def _covered(self) -> Decimal:
        """How much of the position, as far as it is heard of, some working stop would close."""
        position = self.exchange.heard_position
        stops = [r for r in self.exchange.working("S") if r.quantity * position < 0]
        widest = max((abs(row.quantity) for row in stops), default=Decimal(0))
        return min(widest, abs(position))

    def _check(self, action: Any, target: Any) -> None:
        exchange, leg = self.exchange, str(action.leg)
        for price in (action.price, action.trigger_price):
            assert price is None or price % TICK == 0, "a price between two price steps"
        if leg == "S":
            doubtful = exchange.gone | exchange.refused_cancels
            heard = [r for r in exchange.rows.values() if r.leg == "S" and r.heard_works]
            guards = [r for r in heard if r.quantity * exchange.heard_position < 0]
            trusted = [r for r in guards if r.name not in doubtful]
            assert len(trusted) < MOST_STOPS, "a third stop beside two that work"
        assert action.reduce_only == (leg in "XST")
        held, wanted = exchange.heard_position, target.quantity if target else Decimal(0)
        if leg == "E":
            assert abs(held + action.quantity) <= abs(wanted), "an entry beyond the target"
            assert exchange.heard_exit_ms <= self.close_ms, "entered after it was stopped out"
        if leg == "X":
            is_reduction = held * wanted > 0 and abs(held) > abs(wanted)
            is_given_up = len(self._mine("S")) >= 5 or self.exchange.refused_cancels
            most = held - wanted if is_reduction and not is_given_up else held
            assert abs(action.quantity) <= abs(most), "an exit of more than is too much"
        if leg == "T":
            assert not exchange.working("T"), "a second take-profit beside the first"
        if leg in "TR" and exchange.heard_position:
            stop = target.stop if target.quantity * exchange.heard_position > 0 else None
            wanted = (-exchange.heard_position, stop)
            stops = [r for r in exchange.rows.values() if r.leg == "S" and r.heard_works]
            is_right = stop is None or wanted in [(r.quantity, r.trigger) for r in stops]
            assert is_right, "a limit order before the stop was right"
        if leg == "R":
            slot = self.rooms.ids.parse(action.client_order_id).slot
            beside = [row for row in exchange.working("R") if row.slot == slot]
            assert not beside, f"a second order in slot {slot}"

    def _check_exposure(self, wish: Wish, at_start: Decimal) -> None:
        exchange = self.exchange
        filled = [row for ms, row in exchange.fills if ms > self.close_ms]
        for slot in range(SLOTS):
            names = {row.name for row in filled if row.slot == slot}
            assert len(names) <= 1, f"one slot, one bar, two orders that filled: {names}"
        entries = {row.name for row in filled if row.leg == "E"}
        assert len(entries) <= 1, f"one decision, two entries: {entries}"
        wanted = wish.times * SIZE if wish.side and not wish.follows else Decimal(0)
        slots = {row.slot for row in filled if row.leg == "R"}
        most = max(abs(at_start), wanted) + SIZE * len(slots)
        assert abs(exchange.position) <= most, "more than target and resting orders allow"

    def _mine(self, leg: str) -> list[Row]:
        """Return what this decision has sent for a leg."""
        rows = self.exchange.rows.values()
        return [row for row in rows if row.leg == leg and row.close_ms == self.close_ms]

    def _have_limits_filled(self) -> bool:
        return any(ms > self.close_ms and row.leg in "TR" for ms, row in self.exchange.fills)

    def _judge(self, target: Any) -> None:
        """Check what must hold when the plan is at rest and everything is heard."""
        exchange = self.exchange
        position, refused = exchange.position, exchange.refused_cancels
        assert position == exchange.heard_position
        stops, profits = exchange.working("S"), exchange.working("T")
        if target is not None:
            self._judge_position(target)
        if position == 0:
            left = [row.name for row in stops + profits if row.name not in refused]
            assert left == [], f"left over beside no position: {left}"
        is_protected = self._judge_stop(target, stops)
        self._judge_profit(target, profits, is_protected=is_protected)
        self._judge_resting(() if target is None else target.resting, is_protected=is_protected)

    def _judge_position(self, target: Any) -> None:
        position, wanted = self.exchange.position, target.quantity
        if position == wanted:
            return
        is_entry = position == 0 or (position * wanted > 0 and abs(position) < abs(wanted))
        if is_entry:
            tried = self._mine("E")
            is_overtaken = self.exchange.heard_exit_ms > self.close_ms
            is_done = any(row.filled for row in tried) or len(tried) == 3
            assert is_done or is_overtaken, "an entry was missed"
        else:
            failed = [r for r in self._mine("X") if r.remaining or r.is_name_only]
            assert failed, "what should be closed is open"

    def _judge_stop(self, target: Any, stops: list[Row]) -> bool:
        """Return whether the position is protected as it should be."""
        position, refused = self.exchange.position, self.exchange.refused_cancels
        if position == 0:
            return True
        if target is None:
            facing = [row for row in stops if row.quantity * position < 0]
            assert facing or self._mine("X"), "naked, and nobody can say where a stop belongs"
            return any(r.quantity == -position and r.name not in refused for r in facing)
        trusted = [row for row in stops if row.name not in refused]
        if target.quantity * position <= 0 or target.stop is None:
            facing = [row for row in stops if row.quantity * position < 0]
            is_right = any(row.quantity == -position for row in facing if row in trusted)
            assert not facing or is_right or len(self._mine("S")) >= 5, "a stop of the wrong size"
            return not facing or is_right
        if [(r.quantity, r.trigger) for r in trusted] == [(-position, target.stop)]:
            return True
        tried = self._mine("S")
        has_given_up = len(tried) >= 5 and (
            tried[-1].quantity == -position or not self._have_limits_filled()
        )
        assert has_given_up, f"not the one stop that should be: {stops}"
        exits = self._mine("X")
        assert any(r.quantity * position < 0 for r in trusted) or exits, "naked, and not closed"
        return False

    def _judge_profit(self, target: Any, profits: list[Row], *, is_protected: bool) -> None:
        position, refused = self.exchange.position, self.exchange.refused_cancels
        assert len(profits) <= 1, f"two take-profits: {profits}"
        if target is None or not is_protected:
            return
        is_wanted = target.quantity * position > 0 and target.take_profit is not None
        found = [(row.remaining, row.price) for row in profits if row.name not in refused]
        if not is_wanted:
            assert found == [], "a take-profit that the target does not have"
        elif found != [(-position, target.take_profit)]:
            is_blocked = any(row.name in refused for row in profits)
            has_given_up = found == [] and len(self._mine("T")) >= 5
            assert is_blocked or has_given_up, f"not the one take-profit it should be: {profits}"

    def _judge_resting(self, resting: Sequence[Any], *, is_protected: bool) -> None:
        exchange, refused = self.exchange, self.exchange.refused_cancels
        wanted = {each.slot: each for each in resting}
        working = exchange.working("R")
        assert len({row.slot for row in working}) == len(working), f"two in a slot: {working}"
        for row in working:
            each = wanted.get(row.slot)
            is_right = each is not None and (
                each.price == row.price and each.quantity in {row.quantity, row.remaining}
            )
            assert is_right or row.name in refused, f"{row} is not in the target"
        for slot in set(wanted) - {row.slot for row in working}:
            mine = [row for row in self._mine("R") if row.slot == slot]
            has_filled = exchange.heard_slot_ms.get(slot, 0) > self.close_ms
            assert has_filled or len(mine) == 3 or not is_protected, f"slot {slot} is empty"

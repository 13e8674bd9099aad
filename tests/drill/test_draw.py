"""What chance draws is a value: always the same, possible, and made smaller while it fails."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from drill.evidence_builder import POLICY
from recovery_drill.campaign.draw import Finder, points
from recovery_drill.campaign.random_search import possible
from recovery_drill.campaign.run import subject_of
from recovery_drill.play.ground import Ground
from recovery_drill.play.scenario import UNEQUAL
from recovery_drill.record.drawn import Drawn, Strike
from recovery_drill.record.schedule import Case, Schedule, read_schedule
from recovery_drill.scenarios.drawn import (
    BY_NAME,
    MOST_AFTER,
    MOST_STRIKES,
    ROWS,
    drawn_scenario,
    longest,
)

COUNT = 60
FINDER = Finder(ROWS, 5, COUNT)
DRAWN = FINDER.draw()
KILL = Strike(fault="node.kill")


def test_the_same_seed_draws_the_same_again_and_another_one_does_not() -> None:
    assert len(set(DRAWN)) == COUNT
    assert Finder(ROWS, 5, COUNT).draw() == DRAWN
    assert Finder(ROWS, 6, COUNT).draw() != DRAWN


def test_what_is_drawn_stays_within_the_fault_budget() -> None:
    for drawn in DRAWN:
        assert 1 <= len(drawn.strikes) <= MOST_STRIKES
        for strike in drawn.strikes:
            row = BY_NAME[strike.fault]
            assert 0 <= strike.after <= MOST_AFTER
            assert row.bars[0] <= strike.bars <= row.bars[1]
            assert strike.kill in row.kills
            assert strike.at is None or (row.group == "kill" and strike.at in points())
        bars = drawn.length[1]
        assert bars < longest()


def test_every_group_of_faults_is_drawn() -> None:
    groups = {BY_NAME[strike.fault].group for drawn in DRAWN for strike in drawn.strikes}
    assert groups == {row.group for row in ROWS}


def test_names_are_told_apart() -> None:
    assert len(BY_NAME) == len(ROWS)


Fails = Callable[[Drawn], bool]


def two_kills(drawn: Drawn) -> bool:
    return [strike.fault for strike in drawn.strikes].count("node.kill") >= 2


def late_kill(drawn: Drawn) -> bool:
    return any(strike.fault == "node.kill" and strike.after >= 3 for strike in drawn.strikes)


def stored_kill(drawn: Drawn) -> bool:
    return any(strike.at is not None for strike in drawn.strikes)


@pytest.mark.parametrize(
    ("fails", "length"), [(two_kills, (2, 0)), (late_kill, (1, 3)), (stored_kill, (1, 0))]
)
def test_what_fails_is_made_as_small_as_it_can_be(fails: Fails, length: tuple[int, int]) -> None:
    failing = max(filter(fails, DRAWN), key=lambda drawn: drawn.length)
    played: list[Drawn] = []

    def play(drawn: Drawn) -> bool:
        played.append(drawn)
        return fails(drawn)

    smallest, plays = FINDER.shrink(failing, play, 60)
    assert (smallest.length, fails(smallest)) == (length, True)
    assert plays == len(played) == len(set(played)) <= 60
    assert failing not in played


def test_what_takes_long_to_be_made_smaller_is_told_in_the_drill_s_own_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hypothesis.internal.conjecture.engine.MAX_SHRINKING_SECONDS", 0)
    failing = max(filter(two_kills, DRAWN), key=lambda drawn: drawn.length)
    FINDER.shrink(failing, two_kills, 60)
    assert capsys.readouterr() == ("", "")


def test_no_more_is_played_than_may_be() -> None:
    failing = max(DRAWN, key=lambda drawn: drawn.length)
    played: list[Drawn] = []

    def play(drawn: Drawn) -> bool:
        played.append(drawn)
        return False

    assert FINDER.shrink(failing, play, 3) == (failing, 3)
    assert len(played) == 3


def test_a_schedule_of_what_was_drawn_is_read_back_and_played_as_such(tmp_path: Path) -> None:
    drawn = max(DRAWN, key=lambda each: each.length)
    case = Case(name="random 1", scenario="random", folder="cases/1", drawn=drawn)
    Schedule(seed=5, policy=POLICY, cases=(case,)).write(tmp_path)
    (again,) = read_schedule(tmp_path).cases
    assert again.drawn == drawn
    assert drawn.words in subject_of(again).scenario.purpose


def test_a_fault_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no fault node\.melt"):
        drawn_scenario(Drawn((Strike(fault="node.melt"),)))


def test_equality_is_promised_where_each_fault_promises_it() -> None:
    assert drawn_scenario(Drawn((KILL, KILL))).is_compared
    paused = drawn_scenario(Drawn((KILL, Strike(fault="node.pause"))))
    assert UNEQUAL in paused.leave_out


async def test_a_node_without_stops_is_not_robbed_of_one(tmp_path: Path) -> None:
    ground = Ground(policy=POLICY, project=tmp_path, exchange_command=("exchange",))
    bare = msgspec.structs.replace(POLICY, protective_stop=False)
    assert "account" in {row.group for row in possible(ground)}
    without = Ground(policy=bare, project=tmp_path, exchange_command=("exchange",))
    assert "account" not in {row.group for row in possible(without)}


TRADING = (
    # What a play of a node has recorded, of the engine that is drilled.
    *("order.new", "conditional.new", "conditional.cancel", "ACCOUNT_UPDATE", "ALGO_UPDATE"),
    *("ORDER_TRADE_UPDATE TRADE", "RPUSH orders OrderInitialized", "RPUSHX orders OrderSubmitted"),
    *("RPUSHX orders OrderAccepted", "RPUSHX orders OrderFilled", "RPUSH positions"),
    *("RPUSHX positions", "bar"),
)


def test_a_node_is_killed_where_nodes_come_to() -> None:
    assert {point.boundary.what for point in points()} == set(TRADING)

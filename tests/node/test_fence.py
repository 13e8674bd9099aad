"""What a sender sends is carried out in its own epoch, whatever happens; see `fence`."""

from pathlib import Path

import pytest

from node.fence import Field, Judged, judge

RUNS = 4
FEWEST_ORDERS = 50


def play(folder: Path, first: int, runs: int, mutant: str = "") -> list[Judged]:
    """Play some runs, one after the other."""
    field = Field(folder, mutant=mutant)
    try:
        return [field.play(seed) for seed in range(first, first + runs)]
    finally:
        field.close()


@pytest.mark.long
def test_nothing_is_carried_out_outside_of_its_epoch(tmp_path: Path) -> None:
    runs = play(tmp_path, 1, RUNS)
    assert [each for run in runs for each in run.outside] == []
    assert sum(run.carried_out for run in runs) > FEWEST_ORDERS
    assert all(run.epochs for run in runs)


def test_the_judge_finds_what_was_carried_out_too_late() -> None:
    told = [
        {"event": "taken", "epoch": 1, "mono_ns": 100},
        {"event": "taken", "epoch": 2, "mono_ns": 300_000_000},
        {"event": "fenced", "epoch": 1, "mono_ns": 400},
    ]
    at = {"1.1-1-1": 200, "1.1-1-2": 400_000_000, "1.2-2-1": 400_000_001}
    accepted = [{"mono_ns": ns, "data": {"client_order_id": name}} for name, ns in at.items()]
    judged = Judged(1)
    judge(judged, told, accepted)
    assert judged.outside == ["1.1-1-2 was carried out 100 ms after epoch 1."]
    assert (judged.epochs, judged.carried_out, judged.fenced) == (2, 3, 1)


def test_the_judge_finds_two_holders_of_one_epoch() -> None:
    judged = Judged(1)
    judge(judged, [{"event": "taken", "epoch": 1, "mono_ns": n} for n in (1, 2)], [])
    assert judged.outside == ["Epoch 1 has two holders."]

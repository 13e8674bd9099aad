"""``schedule.json``: what it keeps, and what it refuses."""

import json
from pathlib import Path

import msgspec
import pytest

from drill.evidence_builder import POLICY
from recovery_drill.record.boundary import Boundary, CrashPoint
from recovery_drill.record.schedule import Case, Market, Schedule, market_of, read_schedule

POINT = CrashPoint(Boundary("store", "RPUSH positions", "before"), 4)
CASE = Case(
    name="one",
    scenario="workload",
    options={"bars": 40},
    crash_points=(POINT,),
    folder="cases/one",
    reference="reference",
)
SCHEDULE = Schedule(seed=7, epoch=1_704_085_200_000, policy=POLICY, cases=(CASE, CASE))


def test_a_schedule_comes_back_as_it_was_written(tmp_path: Path) -> None:
    SCHEDULE.write(tmp_path)
    assert read_schedule(tmp_path) == SCHEDULE
    assert read_schedule(tmp_path / "schedule.json") == SCHEDULE


def test_a_case_stands_alone_in_its_folder() -> None:
    alone = SCHEDULE.alone(CASE)
    (case,) = alone.cases
    assert (case.folder, case.reference) == (".", "../../reference")
    assert case.crash_points == (POINT,)
    own = msgspec.structs.replace(CASE, folder="kill", reference="kill/undisturbed")
    assert SCHEDULE.alone(own).cases[0].reference == "undisturbed"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "another version of the drill wrote it"),
        ('{"schema": 1, "scenarios": []}', "another version of the drill wrote it"),
        ("[]", "another version of the drill wrote it"),
        ("}", "JSON is malformed"),
        ('{"schema": 2}', "missing required field"),
    ],
)
def test_what_is_no_schedule_is_refused_in_a_sentence(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "schedule.json").write_text(text)
    with pytest.raises(ValueError, match="is not the folder of a drill") as refused:
        read_schedule(tmp_path)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_without_a_schedule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No such file or directory"):
        read_schedule(tmp_path)


def test_a_market_is_known_by_its_content(tmp_path: Path) -> None:
    bars = tmp_path / "bars.csv"
    bars.write_text("timestamp,open\n")
    market = market_of(bars)
    assert market == Market("bars.csv", json.loads(msgspec.json.encode(market))["sha256"])
    bars.write_text("timestamp,close\n")
    assert market_of(bars) != market
    assert market_of(None) is None

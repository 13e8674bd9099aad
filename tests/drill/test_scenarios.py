"""Every named scenario is played with the production node; what it does not survive yet is listed.

A row of `NOT_YET` is seen by hand with ``recovery-drill run SCENARIO`` in a generated project.
"""

import json
import re
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from baking import PROJECT, TEMPLATE, BakedProject
from drill.drilled import selected
from recovery_drill.checks import CHECKS
from recovery_drill.faults import node as node_faults
from recovery_drill.play.scenario import Scenario
from recovery_drill.runtimes.protocol import Runtime
from recovery_drill.scenarios.catalogue import SCENARIOS, find_scenario
from recovery_drill.scenarios.kills import LONG_HAUL, kill_places, long_haul

SEED = 7
AT_ONCE = 2


class NotYet(NamedTuple):
    """A scenario that breaks.

    Parameters
    ----------
    check : str
        The check that says so most plainly.
    guard : str
        What the node has to have for it to hold.

    """

    check: str
    guard: str


NOT_YET: dict[str, NotYet] = {}
"""The scenarios that break today, each with the guard that it waits for."""

# The default ones are played in test_drill.py, and so is the long one.
PLAYED = [s for s in SCENARIOS if not s.default and s.name != LONG_HAUL]
QUICK = ("stop-holding-position", "host-kill", "exchange-thin", "exchange-fail-orders-all")
"""One of each kind; the others are long together."""


class Plays:
    """Plays scenarios with the production node, two at a time, each once.

    Parameters
    ----------
    project : BakedProject
        What is drilled.
    folder : Path
        Where everything is recorded.

    """

    def __init__(self, project: BakedProject, folder: Path) -> None:
        self._project = project
        self._folder = folder
        self._places = ThreadPoolExecutor(AT_ONCE)
        self._begun: dict[str, Future[dict[str, Any]]] = {}

    def play(self, name: str) -> Future[dict[str, Any]]:
        """Begin to play a scenario, unless it has begun; the answer is its part of the verdict."""
        if name not in self._begun:
            self._begun[name] = self._places.submit(self._play, name)
        return self._begun[name]

    def _play(self, name: str) -> dict[str, Any]:
        root = self._folder / name
        drill = (sys.executable, "-m", "recovery_drill", "run", name)
        ended = self._project.run(*drill, "--folder", str(root), "--seed", str(SEED))
        written = root / "latest" / "verdict.json"
        assert written.exists(), ended.stdout + ended.stderr
        (found,) = json.loads(written.read_text("utf-8"))["scenarios"]
        return cast("dict[str, Any]", found)

    def close(self) -> None:
        """Forget what has not begun, and wait for the rest."""
        self._places.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def plays(
    request: pytest.FixtureRequest,
    baked_project: BakedProject,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Plays]:
    """Where scenarios are played; it begins with all that have been selected, in their order."""
    begun = Plays(baked_project, tmp_path_factory.mktemp("scenarios"))
    for chosen in selected(request):
        if "name" in chosen:
            begun.play(str(chosen["name"]))
    yield begun
    begun.close()


def broken(verdict: dict[str, Any]) -> dict[str, list[str]]:
    """Return the sentences of each broken check."""
    return {check["name"]: check["broken"] for check in verdict["checks"] if check["broken"]}


def _held(name: str) -> Any:
    marks = [] if name in QUICK else [pytest.mark.long]
    if name in NOT_YET:
        reason = f"missing: {NOT_YET[name].guard}; recovery-drill run {name}"
        marks.append(pytest.mark.xfail(reason=reason, raises=AssertionError))
    return pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", [_held(scenario.name) for scenario in PLAYED])
def test_a_scenario_holds(plays: Plays, name: str) -> None:
    verdict = plays.play(name).result()
    if verdict["outcome"] == "skipped":
        pytest.skip(verdict["reason"])
    assert verdict["outcome"] == "held", broken(verdict) or verdict["reason"]


@pytest.mark.long
@pytest.mark.parametrize("name", NOT_YET)
def test_what_is_not_survived_is_named_by_its_check(plays: Plays, name: str) -> None:
    assert NOT_YET[name].check in broken(plays.play(name).result())


def test_scenarios_are_told_apart() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", name) for name in names)
    assert all(find_scenario(name).name == name for name in names)
    assert all(re.fullmatch(r"[A-Z].+\.", s.purpose) and s.needs for s in SCENARIOS)
    assert len({scenario.purpose for scenario in SCENARIOS}) == len(names)
    assert set(NOT_YET) | set(QUICK) <= {scenario.name for scenario in PLAYED}
    assert not set(NOT_YET) & set(QUICK)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_what_a_scenario_leaves_out_is_a_check_with_a_reason(scenario: Scenario) -> None:
    assert set(scenario.leave_out) <= set(CHECKS)
    assert all(re.fullmatch(r"[A-Z].+\.", reason) for reason in scenario.leave_out.values())


def test_the_track_record_names_what_is_not_survived() -> None:
    page = (TEMPLATE / "docs" / "track-record.md").read_text("utf-8")
    section = page.split("## Open: what named scenarios do not survive")[1].split("\n## ")[0]
    named = re.findall(r"^\| `([a-z-]+)` \|", section, flags=re.MULTILINE)
    assert sorted(named) == sorted(NOT_YET)


def test_each_fault_of_the_contract_has_a_scenario() -> None:
    elsewhere = {
        "gate": "kill-with-order-in-flight",
        "delay": "exchange-late-answers",
        "wick": "kill-then-stop-fills",
        "reach": "kill-then-stop-fills",
        "mark": "exchange-band-exits",
    }
    contract = (PROJECT / "drill" / "contract.md").read_text("utf-8")
    table = contract.split("| fault | what happens |")[1].split("\n\n")[0]
    faults = re.findall(r"^\| `(\w+)", table, flags=re.MULTILINE)
    assert len(faults) > 10
    names = [scenario.name for scenario in SCENARIOS]
    for fault in faults:
        wanted = elsewhere.get(fault, f"exchange-{fault.replace('_', '-')}")
        assert any(name.startswith(wanted) for name in names), fault


@pytest.mark.parametrize(("bars", "kills", "places"), [(2_000, 50, 50), (3, 9, 2), (1, 4, 0)])
def test_a_long_haul_kills_at_places_of_its_own_the_same_each_time(
    bars: int, kills: int, places: int
) -> None:
    found = kill_places(bars, kills)
    assert found == kill_places(bars, kills) == sorted(set(found))
    assert len(found) == places
    assert all(0 < place < bars for place in found)
    gaps = {after - before for before, after in pairwise(found)}
    assert places < 50 or len(gaps) > 10  # spread evenly they would be one or two


def test_a_long_haul_may_take_longer_the_longer_it_is() -> None:
    assert long_haul(2_000, 50).seconds > long_haul(500, 4).seconds > SCENARIOS[0].seconds


@pytest.mark.parametrize("name", ["clock-step", "clock-drift"])
def test_without_libfaketime_a_wrong_clock_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(node_faults, "FAKETIME_PLACES", ("/nowhere",))
    anywhere = cast("Runtime", None)  # what is not installed is lacking wherever it is played
    assert "libfaketime is not installed" in find_scenario(name).unavailable(anywhere)

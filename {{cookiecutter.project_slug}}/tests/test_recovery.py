"""The recovery drill as tests: one for each scenario, failing with the promises that broke."""

import asyncio
import sys
from pathlib import Path

import pytest

from recovery_drill.play import Setting
from recovery_drill.policy import read_policy
from recovery_drill.report import write_reports
from recovery_drill.run import cases_of, run, schedule_of
from recovery_drill.scenarios.catalogue import SCENARIOS
from recovery_drill.verdict import ScenarioVerdict

PROJECT = Path(__file__).parents[1]
PLAYED = tuple(scenario for scenario in SCENARIOS if scenario.default)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ScenarioVerdict]:
    """Play every scenario, two at a time, against the simulated exchange and a store of its own."""
    folder = tmp_path_factory.mktemp("drill")
    setting = Setting(
        policy=read_policy(PROJECT),
        project=PROJECT,
        exchange_command=(sys.executable, "-m", "simulated_exchange"),
    )
    verdict = asyncio.run(run(setting, schedule_of(setting, cases_of(PLAYED)), folder, jobs=2))
    print(f"The drill's report: {write_reports(folder, verdict)}")
    return {scenario.name: scenario for scenario in verdict.scenarios}


@pytest.mark.parametrize("name", [scenario.name for scenario in PLAYED])
def test_the_node_recovers(name: str, verdicts: dict[str, ScenarioVerdict]) -> None:
    scenario = verdicts[name]
    assert scenario.outcome == "held", "\n".join([*scenario.broken, scenario.reason])

"""The recovery drill as tests: one for each scenario, failing with the promises that broke.

Five are played with a store that the drill starts as a process, and two of them once more with the
store that compose.yaml names, in a container of its own.
"""

import asyncio
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from recovery_drill.play.case import Setting
from recovery_drill.record.policy import read_policy
from recovery_drill.report import write_reports
from recovery_drill.runs.run import cases_of, run, schedule_of
from recovery_drill.scenarios.catalogue import SCENARIOS
from recovery_drill.play.scenario import Scenario
from recovery_drill.record.verdict import ScenarioVerdict

PROJECT = Path(__file__).parents[1]
PLAYED = [scenario for scenario in SCENARIOS if scenario.default]
# What a store in a container can change: answers take longer, and a kill finds other writes open.
PLAYED_WITH_A_CONTAINER = [
    scenario
    for scenario in PLAYED
    if scenario.name in ("kill-then-stop-fills", "kill-with-order-in-flight")
]
STORE_PORT = 6379
SECONDS_TO_START = 60

SETTING = Setting(
    policy=read_policy(PROJECT),
    project=PROJECT,
    exchange_command=(sys.executable, "-m", "simulated_exchange"),
)

type Verdicts = dict[str, ScenarioVerdict]


def named(scenarios: Sequence[Scenario]) -> list[str]:
    return [scenario.name for scenario in scenarios]


def play(setting: Setting, scenarios: Sequence[Scenario], folder: Path) -> Verdicts:
    """Play scenarios, two at a time, and print where the report lies."""
    verdict = asyncio.run(run(setting, schedule_of(setting, cases_of(scenarios)), folder, jobs=2))
    print(f"The drill's report: {write_reports(folder, verdict)}")
    return {scenario.name: scenario for scenario in verdict.scenarios}


def assert_held(scenario: ScenarioVerdict) -> None:
    assert scenario.outcome == "held", "\n".join([*scenario.broken, scenario.reason])


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    """What came of them with a store of the drill's own for each play."""
    return play(SETTING, PLAYED, tmp_path_factory.mktemp("drill"))


@pytest.mark.parametrize("name", named(PLAYED))
def test_the_node_recovers(name: str, verdicts: Verdicts) -> None:
    assert_held(verdicts[name])


def settings() -> dict[str, str]:
    """Return what compose reads: .env, or its example where there is none yet."""
    path = next(path for path in (PROJECT / ".env", PROJECT / ".env.example") if path.is_file())
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


@pytest.fixture(scope="module")
def store_in_a_container() -> Iterator[str]:
    """The address of a store of the image that compose.yaml runs."""
    try:
        docker.from_env(timeout=10).ping()
    except DockerException as error:
        pytest.skip(f"A store in a container needs a container engine, and none answers: {error}")
    chosen = settings()
    # Its port is published to whoever reaches this machine.
    password = secrets.token_hex(16)
    server = (
        f"{chosen['STORE_SERVER']}-server --appendonly yes "
        f"--appendfsync {chosen['STORE_APPENDFSYNC']} --requirepass {password}"
    )
    ready = LogMessageWaitStrategy("Ready to accept connections")
    container = (
        DockerContainer(chosen["STORE_IMAGE"])
        .with_command(server)
        .with_exposed_ports(STORE_PORT)
        .waiting_for(ready.with_startup_timeout(SECONDS_TO_START))
    )
    with container as store:
        host, port = store.get_container_host_ip(), store.get_exposed_port(STORE_PORT)
        yield f"redis://:{password}@{host}:{port}"


@pytest.fixture(scope="module")
def verdicts_with_a_container(
    store_in_a_container: str, tmp_path_factory: pytest.TempPathFactory
) -> Verdicts:
    """What came of them with a store that is given, and goes on between the plays."""
    setting = replace(SETTING, store_url=store_in_a_container)
    return play(setting, PLAYED_WITH_A_CONTAINER, tmp_path_factory.mktemp("drill"))


@pytest.mark.parametrize("name", named(PLAYED_WITH_A_CONTAINER))
def test_the_node_recovers_with_its_store_in_a_container(
    name: str, verdicts_with_a_container: Verdicts
) -> None:
    assert_held(verdicts_with_a_container[name])

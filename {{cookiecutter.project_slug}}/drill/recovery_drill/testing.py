"""What a project's own tests import: the drill as pytest tests, one for each scenario.

::

    played = plays(PROJECT, DEFAULT)


    @pytest.mark.parametrize("name", DEFAULT)
    def test_the_node_recovers(name: str, played: Played) -> None:
        played.assert_held(name)

All scenarios of a fixture are played when its first test asks for them, two at a time.
"""

import asyncio
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from recovery_drill.campaign.run import cases_of, run, schedule_of
from recovery_drill.play.ground import Ground
from recovery_drill.record.policy import read_policy
from recovery_drill.record.verdict import ScenarioVerdict
from recovery_drill.report import write_reports
from recovery_drill.scenarios.catalogue import SCENARIOS, find_scenario

DEFAULT = tuple(scenario.name for scenario in SCENARIOS if scenario.default)
"""The scenarios that ``recovery-drill run`` plays."""
STORE_PORT = 6379
SECONDS_TO_START = 60

StoreOf = Callable[[Path], AbstractContextManager[str | None]]
"""Lends a project the address of a store; None for one of the drill's own for each play."""


@dataclass(frozen=True)
class Played:
    """What came of scenarios that have been played.

    Parameters
    ----------
    verdicts : dict[str, ScenarioVerdict]
        By the scenario's name.

    """

    verdicts: dict[str, ScenarioVerdict]

    def assert_held(self, name: str) -> None:
        """Fail with the promises that a scenario broke, or with why nothing was shown."""
        found = self.verdicts[name]
        assert found.outcome == "held", "\n".join([*found.broken, found.reason])


def own_store(project: Path) -> AbstractContextManager[str | None]:
    """Lend no store: the drill starts one of its own for each play."""
    return nullcontext()


def plays(project: Path, scenarios: Sequence[str], *, store: StoreOf = own_store) -> object:
    """Return a fixture of pytest that plays scenarios once for a module, and gives a `Played`.

    Parameters
    ----------
    project : Path
        The drilled project's folder.
    scenarios : Sequence[str]
        Names, as ``recovery-drill list`` has them.
    store : Callable
        Lends a store; `store_of_compose` starts the one that ``compose.yaml`` names.

    """

    @pytest.fixture(scope="module")
    def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
        with store(project) as url:
            yield play(project, scenarios, tmp_path_factory.mktemp("drill"), store_url=url)

    return played


def play(
    project: Path, scenarios: Sequence[str], folder: Path, *, store_url: str | None = None
) -> Played:
    """Play scenarios, two at a time, and print where the report lies."""
    policy = read_policy(project)
    ground = Ground(
        policy=policy,
        epoch=policy.epoch_ms(),
        project=project,
        exchange_command=(sys.executable, "-m", "simulated_exchange"),
        store_url=store_url,
    )
    cases = cases_of([find_scenario(name) for name in scenarios])
    verdict = asyncio.run(run(ground, schedule_of(ground, cases), folder, jobs=2))
    print(f"The drill's report: {write_reports(folder, verdict)}")
    return Played({scenario.name: scenario for scenario in verdict.scenarios})


@contextmanager
def store_of_compose(project: Path) -> Iterator[str | None]:
    """Lend a store of the image that ``compose.yaml`` runs, in a container of its own.

    It goes on between the plays. Where no container engine answers, the tests are skipped.
    """
    # Whoever does not test so need not have them.
    import docker
    from docker.errors import DockerException
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    try:
        docker.from_env(timeout=10).ping()
    except DockerException as error:
        pytest.skip(f"A store in a container needs a container engine, and none answers: {error}")
    chosen = _settings(project)
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


def _settings(project: Path) -> dict[str, str]:
    """Return what compose reads: .env, or its example where there is none yet."""
    path = next(path for path in (project / ".env", project / ".env.example") if path.is_file())
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

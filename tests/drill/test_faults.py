"""A fault says why it cannot happen somewhere, and what it does is recorded and undone."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from drill.evidence_builder import POLICY
from recovery_drill.failures import Unsettled
from recovery_drill.faults import node as node_faults
from recovery_drill.faults.fault import Fault, Site
from recovery_drill.play.world import World
from recovery_drill.runtimes.containers.runtime import Containers
from recovery_drill.runtimes.processes import Processes
from recovery_drill.runtimes.protocol import Runtime
from recovery_drill.scenarios.catalogue import SCENARIOS
from recovery_drill.scenarios.containers import CONTAINERS
from recovery_drill.scenarios.failover import FAILOVER
from recovery_drill.scenarios.standby import STANDBY

NOT_WITH_A_GIVEN_STORE = {
    *("store-kill", "store-pause", "store-full", "store-read-only", "store-away-at-start"),
    *("store-idle-connections", "store-snapshot-fails", "store-old-backup"),
    *("host-kill", "power-loss-everysec", "power-loss-always"),
}
NOT_BEHIND_TLS = {"store-slow"}
NOT_IN_CONTAINERS = {
    *(
        "two-nodes",
        "kill-beside-standby",
        "pause-beside-standby",
        "pause-in-flight-beside-standby",
        "clock-step",
        "clock-drift",
        "store-slow",
        "power-loss-everysec",
        "power-loss-always",
    ),
    *("exchange-drop-sockets", "exchange-expire-listen-key", "exchange-refuse-listen-key"),
    *("store-snapshot-fails", "exchange-settle", "exchange-band-exits", "exchange-band-stop"),
}
WITH_REPLICAS = {scenario.name for scenario in FAILOVER}
CONTAINERS_ONLY = {scenario.name for scenario in CONTAINERS}

STANDS_BY = msgspec.structs.replace(POLICY, standby_arguments=("--standby",))


def processes(folder: Path, store_url: str | None = None) -> Runtime:
    return Processes(
        STANDS_BY,
        project=folder,
        folder=folder,
        exchange_command=("exchange",),
        store_url=store_url,
    )


def with_a_given_store(folder: Path) -> Runtime:
    return processes(folder, "redis://127.0.0.1:1")


def behind_tls(folder: Path) -> Runtime:
    return processes(folder, "rediss://127.0.0.1:1")


def containers(folder: Path) -> Runtime:
    (folder / "secrets").mkdir()
    (folder / "secrets" / "store_operator_password").write_text("secret")
    return Containers(STANDS_BY, project=folder, folder=folder, exchange_options=())


@pytest.fixture(autouse=True)
def libfaketime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There is one, whether or not this machine has it."""
    (tmp_path / node_faults.FAKETIME).touch()
    monkeypatch.setattr(node_faults, "FAKETIME_PLACES", (str(tmp_path),))


@pytest.mark.parametrize(
    ("made", "lacking"),
    [
        pytest.param(processes, CONTAINERS_ONLY, id="processes"),
        pytest.param(with_a_given_store, CONTAINERS_ONLY | NOT_WITH_A_GIVEN_STORE, id="given"),
        pytest.param(
            behind_tls, CONTAINERS_ONLY | NOT_WITH_A_GIVEN_STORE | NOT_BEHIND_TLS, id="tls"
        ),
        pytest.param(containers, NOT_IN_CONTAINERS, id="containers"),
    ],
)
async def test_each_runtime_says_what_it_lacks(
    tmp_path: Path, made: Callable[[Path], Runtime], lacking: set[str]
) -> None:
    runtime = made(tmp_path)
    reasons = {s.name: s.unavailable(runtime) for s in (*SCENARIOS, *CONTAINERS)}
    told = {name: why for name, why in reasons.items() if why}
    assert set(told) == lacking | WITH_REPLICAS
    for why in told.values():
        assert re.fullmatch(r"[A-Z].+[.]", why)


async def test_where_the_policy_tells_no_arguments_for_it_nobody_stands_by(tmp_path: Path) -> None:
    runtime = Processes(POLICY, project=tmp_path, folder=tmp_path, exchange_command=("exchange",))
    skipped = {s.name for s in SCENARIOS if "standby_arguments" in s.unavailable(runtime)}
    assert skipped == {scenario.name for scenario in STANDBY}


async def test_only_one_that_stands_by_gets_the_arguments_for_it(tmp_path: Path) -> None:
    runtime = processes(tmp_path)
    assert isinstance(runtime, Processes)
    # As if it had been opened.
    runtime._addresses = dict.fromkeys(("store_url", "exchange_http", "exchange_ws"), "")
    node, _ = runtime.node(1, rival=False)
    standing_by, _ = runtime.node(2, rival=True, stands_by=True)
    assert standing_by.command == (*node.command, "--standby")


@pytest.mark.parametrize("scenario", [*SCENARIOS, *CONTAINERS], ids=lambda s: s.name)
def test_a_scenario_has_a_fault_of_its_own_for_each_play(scenario: Any) -> None:
    first, second = scenario.fault(), scenario.fault()
    assert first is not second
    assert re.fullmatch(r"none|[a-z]+\.[a-z_-]+", first.name)
    assert not first.shows or first.shows in scenario.needs


class Remembered(Fault):
    """Remembers what was done to it."""

    name = "node.tickled"
    shows = "laughter"
    must_notice = True

    def __init__(self, *, met: bool = True) -> None:
        self.done: list[str] = []
        self._met = met

    async def prepare(self, site: Site) -> None:
        self.done.append("prepared")

    async def begin(self, site: Site) -> None:
        self.done.append("begun")

    async def met(self, site: Site) -> bool:
        self.done.append("asked")
        return self._met

    async def end(self, site: Site) -> None:
        self.done.append("ended")


class Unexcused(Remembered):
    """The node gets no allowance for it."""

    excuses = False


def recorded(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    lines = (folder / "history.jsonl").read_text("utf-8").splitlines()
    return [(r["kind"], r["data"]) for r in map(json.loads, lines)]


BEGAN = ("fault.began", {"name": "node.tickled", "must_notice": True, "store": False})
SEEN = ("seen", {"what": "laughter"})
ENDED = ("fault.ended", {"name": "node.tickled"})


async def test_a_fault_that_lasts_is_recorded_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    world, fault = World(POLICY, processes(tmp_path), tmp_path), Remembered()
    await world.prepare(fault)
    async with world.fault(fault):
        world.saw("pain")
    assert fault.done == ["prepared", "begun", "asked", "ended"]
    assert recorded(tmp_path) == [BEGAN, ("seen", {"what": "pain"}), SEEN, ENDED]


async def test_a_fault_that_begins_excuses_that_moment_only(tmp_path: Path) -> None:
    world, fault = World(POLICY, processes(tmp_path), tmp_path), Remembered()
    await world.begin(fault)
    assert recorded(tmp_path) == [BEGAN, ENDED]
    await world.end(fault)
    assert recorded(tmp_path) == [BEGAN, ENDED, SEEN]


async def test_a_fault_that_was_not_met_is_ended_all_the_same(tmp_path: Path) -> None:
    world, fault = World(POLICY, processes(tmp_path), tmp_path), Remembered(met=False)
    await world.strike(fault)
    assert fault.done == ["begun", "asked", "ended"]
    assert recorded(tmp_path) == [BEGAN, ENDED]


async def test_what_goes_wrong_meanwhile_ends_the_record_of_it(tmp_path: Path) -> None:
    world, fault = World(POLICY, processes(tmp_path), tmp_path), Remembered()
    with pytest.raises(Unsettled):
        async with world.fault(fault):
            raise Unsettled("the node fell asleep")
    assert recorded(tmp_path) == [BEGAN, ENDED]


async def test_a_fault_without_excuse_is_not_recorded(tmp_path: Path) -> None:
    world = World(POLICY, processes(tmp_path), tmp_path)
    await world.strike(Unexcused())
    assert recorded(tmp_path) == [SEEN]


async def test_undisturbed_nothing_goes_wrong(tmp_path: Path) -> None:
    world = World(POLICY, processes(tmp_path), tmp_path, disturbed=False)
    fault = Remembered()
    await world.prepare(fault)
    async with world.fault(fault):
        pass
    await world.begin(fault)
    await world.end(fault)
    await world.strike(fault)
    assert fault.done == []
    assert recorded(tmp_path) == []

"""What the drill makes of an engine's words and of a project's compose.yaml; no engine is asked."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from baking import BakedProject
from drill.drilled import Drilled
from drill.evidence_builder import POLICY
from recovery_drill.failures import UsageError
from recovery_drill.record.schedule import Case, Schedule, read_schedule
from recovery_drill.report.material import program
from recovery_drill.runtimes.containers.clock import apart_ns, heard, moved
from recovery_drill.runtimes.containers.engine import (
    EngineError,
    Event,
    call,
    check_engine,
    read_event,
    signed,
    version_of,
)
from recovery_drill.runtimes.containers.overlay import (
    environment_of,
    node_settings,
    overlay,
    own_images,
)
from recovery_drill.scenarios.catalogue import IN_CONTAINERS, SCENARIOS, find_scenario
from recovery_drill.scenarios.containers import CONTAINERS

SECOND_NS = 1_000_000_000
DIED: dict[str, Any] = {
    "Type": "container",
    "Action": "die",
    "Actor": {
        "ID": "0123456789abcdef",
        "Attributes": {
            "com.docker.compose.oneoff": "False",
            "com.docker.compose.project": "drill-1",
            "com.docker.compose.service": "node",
            "exitCode": "137",
        },
    },
    "timeNano": 1_700_000_000_000_000_001,
}


def died(**labels: str) -> dict[str, Any]:
    """Return the message of a container's end with other labels."""
    attributes = {**DIED["Actor"]["Attributes"], **labels}
    return {**DIED, "Actor": {**DIED["Actor"], "Attributes": attributes}}


def test_the_end_of_a_container_is_read_with_its_signal() -> None:
    event = Event("node", "0123456789abcdef", "die", -9, 1_700_000_000_000_000_001)
    assert read_event(DIED) == event


def test_a_beginning_has_no_exit_code() -> None:
    labels = {"com.docker.compose.service": "store"}
    actor = {"ID": "01", "Attributes": labels}
    event = read_event({"Type": "container", "Action": "start", "Actor": actor, "timeNano": 1})
    assert event == Event("store", "01", "start", None, 1)


@pytest.mark.parametrize(
    "message",
    [
        {**DIED, "Type": "network"},
        died(**{"com.docker.compose.oneoff": "True"}),
        {"Type": "container", "Action": "die", "Actor": {"ID": "01", "Attributes": {}}},
        {},
    ],
    ids=["of a network", "of a script's container", "of no service", "empty"],
)
def test_what_is_not_about_a_service_is_passed_over(message: dict[str, Any]) -> None:
    assert read_event(message) is None


@pytest.mark.parametrize(
    ("status", "code"), [(0, 0), (1, 1), (75, 75), (128, 128), (137, -9), (143, -15), (255, 255)]
)
def test_an_exit_code_beyond_128_is_a_signal(status: int, code: int) -> None:
    assert signed(status) == code


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("26.1.5+dfsg1", (26, 1)),
        ("v2.40.3", (2, 40)),
        ("2.26.1-4", (2, 26)),
        ("", (0, 0)),
    ],
)
def test_versions_are_compared_as_numbers(text: str, version: tuple[int, int]) -> None:
    assert version_of(text) == version


async def test_a_call_that_fails_says_how() -> None:
    with pytest.raises(EngineError, match="`sh -c echo no >&2; exit 3` ended with code 3: no"):
        await call("sh", "-c", "echo no >&2; exit 3")


async def test_a_call_that_hangs_is_ended() -> None:
    with pytest.raises(EngineError, match=r"was not over after 0\.1 s"):
        await call("sleep", "60", seconds=0.1)


@pytest.mark.parametrize(("whole", "is_done"), [(True, True), (False, False)])
async def test_an_interrupt_waits_for_a_call_that_must_be_whole(
    tmp_path: Path, whole: bool, is_done: bool
) -> None:
    begun, done = tmp_path / "begun", tmp_path / "done"
    script = f"touch {begun}; sleep 1; touch {done}"
    calling = asyncio.ensure_future(call("sh", "-c", script, whole=whole))
    async with asyncio.timeout(20):
        while not begun.exists():  # noqa: ASYNC110  # nobody tells of a file
            await asyncio.sleep(0.01)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert done.exists() is is_done


async def test_without_an_engine_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="There is no docker command"):
        await check_engine()
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 24.0.9\n")
    docker.chmod(0o755)
    with pytest.raises(UsageError, match=r"Docker Engine is 24\.0\.9; the drill needs 25\.0"):
        await check_engine()
    docker.write_text("#!/bin/sh\necho Cannot connect >&2\nexit 1\n")
    with pytest.raises(UsageError, match=r"does not answer.*Cannot connect"):
        await check_engine()


def test_the_overlay_says_what_a_play_needs_and_nothing_else(tmp_path: Path) -> None:
    value = overlay(POLICY, ["--stepped", "--seed", "3"], store_port=5000)
    services = value["services"]
    assert services["store"] == {"ports": ["127.0.0.1:5000:6379"], "networks": {"drill": {}}}
    command = ["--host=0.0.0.0", "--port=8090", "--state=/state", "--stepped", "--seed", "3"]
    assert services["exchange"] == {"command": command}
    assert services["node"]["environment"]["TRADER_PROFILE"] == "simulated"
    assert value["networks"] == {"drill": {}}

    market = tmp_path / "bars.csv.gz"
    exchange = overlay(POLICY, [], store_port=1, market=market)["services"]["exchange"]
    assert exchange["command"][-1] == "--market=/market/bars.csv.gz"
    (mount,) = exchange["volumes"]
    assert (mount["source"], mount["read_only"]) == (str(market), True)


def test_the_node_is_told_the_projects_settings_and_never_another_profile() -> None:
    own = {"TRADER_ID": "LAB-001", "TRADER_PROFILE": "live", "TRADER_URL": "{exchange_http}"}
    policy = msgspec.structs.replace(POLICY, environment=own)
    assert node_settings(policy) == {
        "TRADER_ID": "LAB-001",
        "TRADER_PROFILE": "simulated",
        "TRADER_URL": "http://exchange:8090",
    }


def test_another_projects_environment_does_not_reach_compose() -> None:
    inherited = {
        "PATH": "/bin",
        "NODE_IMAGE": "mine",
        "TRADER_API_KEY": "real",
        "COMPOSE_FILE": "other.yaml",
        "COMPOSE_PROFILES": "",
    }
    policy = msgspec.structs.replace(POLICY, environment={"TRADER_ID": "LAB-001"})
    assert environment_of(inherited, policy, {"NODE_PORT": "1"}) == {
        "PATH": "/bin",
        "NODE_IMAGE": "mine",
        "TRADER_ID": "LAB-001",
        "TRADER_PROFILE": "simulated",
        "COMPOSE_PROFILES": "simulated",
        "NODE_PORT": "1",
    }


def test_images_are_built_under_names_of_the_drill_unless_the_environment_names_them() -> None:
    here, there = (own_images({"PATH": "/bin"}, Path(place)) for place in ("/a/x", "/b/x"))
    assert here == {
        "NODE_IMAGE": "recovery-drill-30388766-node",
        "EXCHANGE_IMAGE": "recovery-drill-30388766-exchange",
    }
    assert not set(here.values()) & set(there.values())
    own = own_images({"NODE_IMAGE": "trader:1.4", "EXCHANGE_IMAGE": ""}, Path("/a/x"))
    assert own == {"EXCHANGE_IMAGE": here["EXCHANGE_IMAGE"]}


def test_a_clock_of_its_own_is_seen_and_wall_clocks_a_little_apart_are_not() -> None:
    here = {"here_mono_ns": 500 * SECOND_NS, "here_wall_ns": 9000 * SECOND_NS}
    assert apart_ns(400 * SECOND_NS, 8900 * SECOND_NS, **here) == 0
    assert apart_ns(400 * SECOND_NS, 8900 * SECOND_NS + 1000, **here) == 0
    # Started 300 s later: what it calls 100 was 400 here.
    assert apart_ns(100 * SECOND_NS, 8900 * SECOND_NS, **here) == 300 * SECOND_NS


def test_a_line_without_times_is_stamped_when_it_is_heard() -> None:
    assert heard({"event": "stage"})["mono_ns"] > 0


def test_a_journal_is_moved_as_a_whole_or_left_as_it_is() -> None:
    wall_ns = time.time_ns()
    rows = [{"seq": n, "mono_ns": 100 + n, "wall_ns": wall_ns + n} for n in range(3)]
    journal = b"".join(msgspec.json.encode(row) + b"\n" for row in rows) + b'{"torn'
    there = [json.loads(line)["mono_ns"] for line in moved(journal).splitlines()]
    assert 0 <= time.monotonic_ns() - there[-1] < SECOND_NS
    assert [at - there[0] for at in there] == [0, 1, 2]
    now = {"mono_ns": time.monotonic_ns(), "wall_ns": time.time_ns()}
    near = msgspec.json.encode(now) + b"\n"
    assert moved(near) == near
    assert moved(b"") == b""


def test_a_schedule_keeps_its_runtime_and_an_old_one_is_of_processes(tmp_path: Path) -> None:
    case = Case(name="one", scenario="container-kill", folder="one")
    schedule = Schedule(seed=7, policy=POLICY, cases=(case,), runtime="compose")
    schedule.write(tmp_path)
    assert read_schedule(tmp_path).runtime == "compose"
    value = json.loads((tmp_path / "schedule.json").read_text())
    del value["runtime"]
    (tmp_path / "schedule.json").write_text(json.dumps(value))
    assert read_schedule(tmp_path).runtime == "process"


def test_what_is_played_in_containers_has_names_of_its_own() -> None:
    names = [scenario.name for scenario in CONTAINERS]
    assert all(name.startswith("container-") for name in names)
    assert len({*names, *(s.name for s in SCENARIOS)}) == len(names) + len(SCENARIOS)
    assert all(find_scenario(s.name) == s for s in IN_CONTAINERS)
    assert {"kill-holding-position", "kill-then-stop-fills", *names} == {
        scenario.name for scenario in IN_CONTAINERS
    }


def test_without_containers_their_scenarios_are_skipped(
    baked_project: BakedProject, tmp_path: Path
) -> None:
    drilled = Drilled(baked_project, tmp_path, "container-kill")
    assert drilled.ended.returncode == 3, drilled.output
    (scenario,) = drilled.verdict["scenarios"]
    assert scenario["outcome"] == "skipped"
    assert "--runtime compose" in scenario["reason"]


def test_the_drill_is_named_as_it_can_be_called_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drill = tmp_path / ".venv" / "bin" / "recovery-drill"
    drill.parent.mkdir(parents=True)
    drill.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    assert program(str(drill)) == program(".venv/bin/recovery-drill") == ".venv/bin/recovery-drill"
    assert program("recovery_drill/__main__.py") == "recovery-drill"
    # With an activated environment a shell finds it by its name.
    monkeypatch.setenv("PATH", str(drill.parent))
    assert program(str(drill)) == "recovery-drill"
    monkeypatch.setenv("PATH", "/nowhere")
    # Its path from there is no more than its name.
    monkeypatch.chdir(drill.parent)
    assert program(str(drill)) == str(drill)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert program(str(drill)) == str(drill)


@pytest.mark.parametrize("option", ["--store", "--node-command"])
def test_what_is_of_processes_is_refused_for_containers(
    baked_project: BakedProject, tmp_path: Path, option: str
) -> None:
    drilled = Drilled(baked_project, tmp_path, "--runtime", "compose", option, "something")
    assert drilled.ended.returncode == 2
    assert f"{option} is of processes" in drilled.output
    assert list(tmp_path.iterdir()) == []


def test_a_project_without_containers_is_refused(
    baked_project: BakedProject, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(baked_project.read("pyproject.toml"))
    place = ("--project", str(tmp_path))
    drilled = Drilled(baked_project, tmp_path / "runs", "--runtime", "compose", *place)
    assert drilled.ended.returncode == 2, drilled.output
    assert "There is no compose.yaml" in drilled.output

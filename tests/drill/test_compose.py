"""The drill in containers: the baked project's own images and compose.yaml, a real engine.

What breaks is seen by hand with ``recovery-drill run --runtime compose SCENARIO``.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baking import BakedProject, bake
from drill.drilled import NODES, Drilled
from engine import REQUIRED, why_none
from processes import Process
from recovery_drill.runtimes.containers.overlay import own_images
from recovery_drill.scenarios.catalogue import IN_CONTAINERS
from recovery_drill.scenarios.containers import CONTAINERS

SEED = 7
SLUG = "drilled-in-containers"
QUICK = ("container-process-kill", "container-down-up")
LONG = tuple(
    name
    for name in dict.fromkeys(s.name for s in (*CONTAINERS, *IN_CONTAINERS))
    if name not in QUICK
)
STOCK = ("python", "/nodes/drill/nodes/stock_adapter.py")
WATCHES = ("python", "/nodes/drill/nodes/watches_store.py")
MUTANT = ("python", "/nodes/drill/nodes/mutants")
SECONDS_TO_PLAY = 900
SECONDS_UNTIL_PLAYED = 300


def docker(*words: str, given: str | None = None, seconds: float = 300) -> str:
    """Run docker and return what it printed."""
    ended = subprocess.run(
        ["docker", *words],
        input=given,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BakedProject]:
    """A project whose images are removed at the end."""
    if why_none() and REQUIRED not in os.environ:
        pytest.skip(f"needs a container engine: {why_none()}")
    baked = bake(tmp_path_factory.mktemp("containers"), project_slug=SLUG)
    yield baked
    docker("image", "rm", "--force", *own_images({}, baked.path).values())


def drilled(project: BakedProject, root: Path, *scenarios: str, **options: Any) -> Drilled:
    """Drill in containers."""
    seed = ("--seed", str(SEED))
    return Drilled(
        project, root, "--runtime", "compose", *seed, *scenarios, seconds=SECONDS_TO_PLAY, **options
    )


def events(place: Path) -> list[dict[str, Any]]:
    """Return what the engine told of a play's containers."""
    lines = (place / "engine.log").read_text().splitlines()
    return [json.loads(line)["event"] for line in lines]


def told(place: Path, service: str, *actions: str) -> list[str]:
    """Return what the engine told of a service, less what it was not asked for."""
    return [
        event["Action"]
        for event in events(place)
        if event["Type"] == "container"
        and event["Actor"]["Attributes"].get("com.docker.compose.service") == service
        and event["Action"] in actions
    ]


def left_over(root: Path) -> list[str]:
    """Return the containers, networks and volumes of the plays in a folder that are still there."""
    found = []
    for log in root.rglob("engine.log"):
        names = {
            event["Actor"]["Attributes"]["com.docker.compose.project"]
            for event in events(log.parent)
        }
        assert all(name.startswith("drill-") for name in names)
        for name in names:
            label = f"label=com.docker.compose.project={name}"
            found += docker("ps", "--all", "--quiet", "--filter", label).split()
            found += docker("network", "ls", "--quiet", "--filter", label).split()
            found += docker("volume", "ls", "--quiet", "--filter", label).split()
    return found


@pytest.fixture(scope="module")
def quick(project: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """The quick scenarios, played once."""
    return drilled(project, tmp_path_factory.mktemp("quick"), *QUICK)


def test_the_node_comes_back_in_containers(quick: Drilled) -> None:
    assert quick.ended.returncode == 0, quick.output
    assert [s["outcome"] for s in quick.verdict["scenarios"]] == ["held", "held"]
    assert quick.output.startswith("Building the images.\n")


def test_the_image_that_the_projects_settings_name_is_left_alone(
    project: BakedProject, quick: Drilled
) -> None:
    own = own_images({}, project.path)
    settings = dict(line.split("=", 1) for line in project.read(".env").splitlines() if "=" in line)

    def found(image: str) -> str:
        return docker("image", "ls", "--quiet", "--filter", f"reference={image}")

    for setting, image in own.items():
        assert found(image)
        assert not found(settings[setting])


def test_a_crash_is_answered_by_the_restart_policy_alone(quick: Drilled) -> None:
    name = "container-process-kill"
    first, second = quick.history(name, "node.ended")
    assert (first["how"], first["code"]) == ("killed", -9)
    assert (second["how"], second["code"]) == ("stopped", 0)
    # The drill's own kills are told as such; between the first two starts there is none.
    actions = told(quick.folder / name, "node", "start", "die", "kill")
    assert actions == ["start", "die", "start", "kill", "die"]
    (scenario,) = [s for s in quick.verdict["scenarios"] if s["name"] == name]
    assert scenario["kills"] == 1
    assert 0 < scenario["seconds_down"] < 60


def test_down_and_up_makes_new_containers_of_the_old_volumes(quick: Drilled) -> None:
    name = "container-down-up"
    first, second = (life["command"] for life in quick.history(name, "node.started"))
    assert first != second
    # Its records go on: the exchange's own are numbered through.
    numbers = [r["seq"] for r in quick.journal(name, "order.filled", "request")]
    assert numbers == sorted(set(numbers))
    assert told(quick.folder / name, "exchange", "start") == ["start", "start"]


def test_nothing_is_left_of_a_play_but_its_folder(quick: Drilled) -> None:
    assert left_over(quick.folder) == []
    for name in QUICK:
        left = {path.name for path in (quick.folder / name).iterdir()}
        logs = {"node-1.log", "node-2.log", "exchange.log", "store.log", "engine.log"}
        assert logs | {"compose.drill.json", "exchange.jsonl", "history.jsonl"} <= left
        assert "trading" in (quick.folder / name / "node-2.log").read_text()


def test_a_folder_of_containers_is_judged_again_without_them(
    project: BakedProject, quick: Drilled
) -> None:
    before = quick.verdict
    again = project.run(
        *(sys.executable, "-m", "recovery_drill", "check", str(quick.folder)),
        environment={**project.environment, "DOCKER_HOST": "unix:///nowhere"},
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert quick.verdict == before


def trades(folder: Path) -> bool:
    """Say whether the node of a play has said that it trades."""
    return any('"trading"' in log.read_text() for log in folder.rglob("node-1.log"))


def test_an_interrupted_run_leaves_nothing(project: BakedProject, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "recovery_drill", "run", "--runtime", "compose")
    arguments = ("--folder", str(tmp_path), "container-kill")
    running = Process([*command, *arguments], project.path, inherits=project.environment)
    running.until_seen(lambda: trades(tmp_path), SECONDS_UNTIL_PLAYED)
    code = running.stop(signal.SIGINT, SECONDS_UNTIL_PLAYED)
    assert code == 3, running.everything()
    assert "interrupted" in running.whole()
    assert list(tmp_path.rglob("engine.log"))
    assert left_over(tmp_path) == []


@pytest.mark.long
def test_a_replay_plays_in_containers_again(
    project: BakedProject, quick: Drilled, tmp_path: Path
) -> None:
    case = str(quick.folder / "container-process-kill")
    again = Drilled(project, tmp_path, case, command="replay", seconds=SECONDS_TO_PLAY)
    assert again.ended.returncode == 0, again.output
    assert told(again.folder / "1-1", "node", "start") == ["start", "start"]
    assert again.ledger("1-1") == quick.ledger("container-process-kill")


@pytest.fixture(scope="module")
def long(project: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """The other scenarios, played once."""
    return drilled(project, tmp_path_factory.mktemp("long"), *LONG)


@pytest.mark.long
@pytest.mark.parametrize("name", LONG)
def test_what_an_engine_does_is_survived(long: Drilled, name: str) -> None:
    (found,) = [s for s in long.verdict["scenarios"] if s["name"] == name]
    assert found["outcome"] == "held", long.broken(name) or found["reason"]


@pytest.mark.long
def test_out_of_memory_is_told_by_the_engine(long: Drilled) -> None:
    place = long.folder / "container-out-of-memory"
    actions = told(place, "node", "start", "oom", "die")
    # Told more than once: until the node is dead, each page that is asked for is one too many.
    assert list(dict.fromkeys(actions[: actions.index("die")])) == ["start", "oom"]
    assert actions[actions.index("die") + 1] == "start"
    assert long.history(place.name, "node.ended")[0]["code"] == -9


def drilled_as(project: BakedProject, root: Path, name: str, node: tuple[str, ...]) -> Drilled:
    """Drill an image that starts the node in another way."""
    program, launcher, *more = node
    entry = json.dumps([program, launcher, project.package, *more])
    image, sound = f"{SLUG}-other", own_images({}, project.path)["NODE_IMAGE"]
    docker(
        *("build", "--tag", image, "--file", "-", str(NODES.parent)),
        given=f"FROM {sound}\nCOPY nodes /nodes/drill/nodes\nENTRYPOINT {entry}\nCMD []\n",
    )
    try:
        return drilled(project, root, name, environment={"NODE_IMAGE": image})
    finally:
        docker("image", "rm", "--force", image)


@pytest.mark.long
def test_lives_that_end_for_a_cut_are_started_until_it_is_mended(
    project: BakedProject,
    quick: Drilled,  # has built the sound image
    tmp_path: Path,
) -> None:
    name = "container-store-cut"
    found = drilled_as(project, tmp_path, name, WATCHES)
    ends = found.history(name, "node.ended")
    gone = [end for end in ends if end["code"] == 75]
    assert len(gone) > 1
    assert all((e["how"], e["said"]) == ("by itself", "The store is away.") for e in gone)
    # What it did until it noticed is in no store: other checks say so. It did notice.
    assert "loss-is-noticed" not in found.broken(name)
    assert "no-zombie" not in found.broken(name)
    trading = [s for s in found.history(name, "node.stage") if s["stage"] == "trading"]
    assert trading[1]["number"] > len(gone)


# The sound node holds in all of these; see above.
@pytest.mark.parametrize(
    ("name", "node", "check"),
    [
        pytest.param("kill-holding-position", STOCK, "position-equals-exchange"),
        pytest.param(
            "container-process-kill",
            (*MUTANT, "orders_cancelled_at_start"),
            "one-protective-stop",
            marks=pytest.mark.long,
        ),
        pytest.param(
            "container-down-up",
            (*MUTANT, "stop_cancelled_on_sigterm"),
            "one-protective-stop",
            marks=pytest.mark.long,
        ),
        pytest.param(
            "container-down-up", (*MUTANT, "ignores_sigterm"), "no-zombie", marks=pytest.mark.long
        ),
        pytest.param(
            "container-all-killed",
            (*MUTANT, "store_not_loaded"),
            "restart-changes-nothing",
            marks=pytest.mark.long,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-1].rsplit("/")[-1],
)
def test_an_image_with_a_bug_is_caught(
    project: BakedProject,
    quick: Drilled,
    tmp_path: Path,
    name: str,
    node: tuple[str, ...],
    check: str,
) -> None:
    # `quick` has built the sound image.
    found = drilled_as(project, tmp_path, name, node)
    assert found.ended.returncode == 1, found.output
    assert check in found.broken(name), found.output
    assert left_over(tmp_path) == []

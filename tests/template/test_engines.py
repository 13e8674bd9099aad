"""One template, two engines: what differs between their bakes, and that nothing else does."""

import difflib
import json
import re
import tomllib
from pathlib import Path

import pytest

from baking import OPTIONS, TEMPLATE, BakedProject, bake, cookiecutter

ROOM = re.compile(r"src/[a-z_]+/engine/v[12]/")
LOCKS = frozenset(
    {
        "requirements/dev.txt",
        "requirements/runtime.in",
        "requirements/runtime.txt",
    }
)
LINES = (
    "requires-python",
    '"nautilus_trader==',
    'engine = "',
    ".engine.v",
    "python_version",
    "exclude =",
    "follow_imports",
)
"""How the lines of pyproject.toml begin, or what they hold, that name the engine."""


@pytest.fixture(scope="module")
def bakes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, BakedProject]:
    folder = tmp_path_factory.mktemp("engines")
    made = {}
    for engine in OPTIONS["engine"]:
        (folder / engine).mkdir()
        made[engine] = bake(folder / engine, project_slug="trader", engine=engine)
    return made


def test_everything_outside_of_the_room_and_the_lock_is_the_same(
    bakes: dict[str, BakedProject],
) -> None:
    first, second = (bake.files() for bake in bakes.values())
    shared = {name for name in first if not ROOM.match(name)}
    assert shared == {name for name in second if not ROOM.match(name)}
    differing = {n for n in shared if first[n].read_bytes() != second[n].read_bytes()}
    assert differing == LOCKS | {"pyproject.toml"}


def test_pyproject_differs_in_the_lines_that_name_the_engine(
    bakes: dict[str, BakedProject],
) -> None:
    one, other = (bake.read("pyproject.toml").splitlines() for bake in bakes.values())
    lines = difflib.ndiff(one, other)
    changed = [line[2:].strip() for line in lines if line[:2] in ("- ", "+ ")]
    assert changed
    assert [line for line in changed if not any(word in line for word in LINES)] == []


@pytest.mark.parametrize("engine", OPTIONS["engine"])
def test_a_bake_has_its_own_room_alone(bakes: dict[str, BakedProject], engine: str) -> None:
    project = bakes[engine]
    rooms = {path.name for path in (project.path / "src/trader/engine").glob("v[0-9]")}
    assert rooms == {engine}
    assert not (project.path / "requirements/v2").exists()
    locked = re.search(
        r"^nautilus-trader==([^ ]+)", project.read("requirements/runtime.txt"), re.MULTILINE
    )
    assert locked is not None
    room = project.read(f"src/trader/engine/{engine}/__init__.py")
    assert f'NAUTILUS_TRADER = "{locked[1]}"' in room
    table = tomllib.loads(project.read("pyproject.toml"))
    assert f"nautilus_trader=={locked[1]}" in table["project"]["dependencies"]
    oldest = table["project"]["requires-python"].partition(",")[0].removeprefix(">=")
    assert f"OLDEST_PYTHON = ({oldest.replace('.', ', ')})" in room
    assert table["tool"]["recovery-drill"]["engine"] == engine


def test_baked_over_the_other_one_a_project_has_one_room(tmp_path: Path) -> None:
    bake(tmp_path, project_slug="trader", engine="v2")
    answers = {"project_slug": "trader", "engine": "v1"}
    done = cookiecutter(tmp_path, TEMPLATE, "--overwrite-if-exists", **answers)
    assert done.returncode == 0, done.stderr
    again = BakedProject(tmp_path / "baked" / "trader")
    rooms = {path.name for path in (again.path / "src/trader/engine").glob("v[0-9]")}
    assert rooms == {"v1"}
    assert json.loads(again.read(".cruft.json"))["context"]["cookiecutter"]["engine"] == "v1"

"""The drill's scenarios hold with a node that archives all the time while it is drilled."""

from pathlib import Path

import msgspec
import pytest

from baking import BakedProject
from drill.drilled import NODES, Drilled
from node.past import DAY_MS, moved_stops
from node.test_archive import KIND, in_files

EPOCH_MS = 1_704_067_200_000
"""When the drill's market begins."""
COUNT = 1_500


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stops that ended long before the market begins, as a file."""
    path: Path = tmp_path_factory.mktemp("past") / "past.bin"
    rows = moved_stops(EPOCH_MS - 90 * DAY_MS, EPOCH_MS - 12 * DAY_MS, COUNT)
    path.write_bytes(msgspec.msgpack.encode(list(rows)))
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("trade-through", "--bars", "60", "--kills", "3"), id="trade-through"),
        pytest.param((), id="default", marks=pytest.mark.long),
    ],
)
def test_a_node_that_archives_is_held(
    baked_project: BakedProject, past: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    node = f"{{python}} {NODES / 'archives.py'} {baked_project.package} {past}"
    drilled = Drilled(baked_project, tmp_path, "--jobs", "1", "--node-command", node, *arguments)
    assert drilled.ended.returncode == 0, drilled.output
    for scenario in drilled.verdict["scenarios"]:
        [archive] = (drilled.folder / scenario["name"] / "state" / "archive").iterdir()
        archived = in_files(archive, KIND.ORDERS)
        assert archived, scenario["name"]
        assert len(archived) == len(set(archived)), scenario["name"]

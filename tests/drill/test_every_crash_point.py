"""The whole exploration of the generated project's node: minutes, not seconds."""

import json

import pytest

from baking import BakedProject
from drill.drilled import Drilled

pytestmark = pytest.mark.long

SECONDS_TO_EXPLORE = 3600


@pytest.fixture(scope="module")
def everywhere(baked_project: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """A kill at each boundary, and a second one at each of the way back."""
    root = tmp_path_factory.mktemp("everywhere")
    return Drilled(baked_project, root, command="explore", seconds=SECONDS_TO_EXPLORE)


def test_the_node_is_killed_at_every_boundary(everywhere: Drilled) -> None:
    boundaries = json.loads((everywhere.folder / "coverage.json").read_text())["boundaries"]
    assert len([b for b in boundaries if not b["recovery"]]) > 120
    assert len([b for b in boundaries if b["recovery"]]) > 80
    assert {b["kind"] for b in boundaries} == {"request", "event", "store", "stage", "bar"}
    missed = {b["name"]: b["skipped"] for b in boundaries if not b["killed"]}
    assert missed == {}, everywhere.output


def test_nothing_breaks_anywhere(everywhere: Drilled) -> None:
    broken = [s["name"] for s in everywhere.verdict["scenarios"] if s["outcome"] == "broken"]
    assert broken == [], everywhere.output

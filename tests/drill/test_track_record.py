"""Nothing is claimed in the track record that no command shows."""

import re
from typing import NamedTuple

import pytest

from baking import TEMPLATE
from drill.nodes.mutants.bugs import BUGS
from recovery_drill.scenarios.catalogue import find_scenario

PAGE = (TEMPLATE / "docs" / "track-record.md").read_text("utf-8")
NODES = TEMPLATE / "tests" / "drill" / "nodes"
PLACES = ("adapter", "engine", "store", "our node", "our drill", "simulated exchange")


class Row(NamedTuple):
    """One finding."""

    what: str
    where: str
    found_by: str
    versions: str
    reproduced: str
    shown_by: str


def rows() -> list[Row]:
    table = PAGE.split("| what | where |")[1].split("\n\n")[0].splitlines()[2:]
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in table]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.what[:40])
def test_a_finding_says_where_by_whom_and_when(row: Row) -> None:
    assert all(row)
    assert set(row.where.split(", ")) <= set(PLACES)
    assert re.match(r"(us|elsewhere)\b", row.found_by)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d, [0-9a-f]{7}", row.reproduced)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.what[:40])
def test_what_shows_a_finding_exists(row: Row) -> None:
    named = re.findall(r"(run|mutant)?(?: of)? ?`([^`]+)`", row.shown_by)
    assert named
    for kind, name in named:
        if kind == "mutant":
            assert name in BUGS
        elif name.startswith("tests/"):
            path, _, test = name.partition("::")
            assert f"def {test}" in (TEMPLATE / path).read_text("utf-8")
        elif name.endswith(".py"):
            assert (NODES / name).is_file()
        elif name.startswith("run "):
            assert find_scenario(name.removeprefix("run ")).name.startswith("known-")
        else:
            assert name.startswith(("make drill ARGS=", "make drill-compose ARGS="))
            assert find_scenario(name.partition("=")[2])

"""The rooms of the exchange know each other in one direction only."""

import ast
from pathlib import Path

import pytest

import simulated_exchange

ROOT = Path(simulated_exchange.__file__).parent
ROOMS = ("market", "journal", "account", "matching", "faults", "protocol")


def rooms_known(source: str) -> set[str]:
    """Return the rooms that a module in one of them imports from."""
    return {
        node.module.split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.level == 2 and node.module
    } & set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_knows_only_those_before_it(room: str) -> None:
    before = set(ROOMS[: ROOMS.index(room)])
    for module in (ROOT / room).glob("*.py"):
        later = rooms_known(module.read_text()) - before
        assert not later, f"{module.name} of {room} imports from {later}"


def test_an_import_against_the_direction_is_seen() -> None:
    assert rooms_known("from ..protocol.server import Server") == {"protocol"}

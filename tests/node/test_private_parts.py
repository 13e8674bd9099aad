"""What is used of the engine and not promised stands in one list; a lack is seen."""

import ast
from pathlib import Path

import pytest

from baking import PROJECT
from node.baked import module

PRIVATE = module("engine.private_parts")
[ROOT] = (PROJECT / "src").iterdir()


@pytest.mark.parametrize("part", PRIVATE.PARTS["v1"], ids=lambda part: part.name)
def test_the_installed_engine_has_it(part: object) -> None:
    assert part.is_there() is not False  # type: ignore[attr-defined]  # the package is baked


def test_what_is_not_there_any_more_is_named() -> None:
    part = PRIVATE.Part("nautilus_trader.adapters.binance.execution", "_never_was", "adapter.py")
    assert part.is_there() is False
    gone = PRIVATE.Part("nautilus_trader.never.was", "anything", "adapter.py")
    assert gone.is_there() is False


@pytest.mark.parametrize("room", ["v1", "v2"])
def test_each_module_that_is_named_is_there(room: str) -> None:
    for part in PRIVATE.PARTS[room]:
        folder = ROOT / "engine" / ("" if part.used_by.endswith("/") else room)
        assert (folder / part.used_by).exists(), part


def test_every_private_name_of_the_adapter_that_is_replaced_is_on_the_list() -> None:
    """Whatever `existing` is asked for by a constant begins with an underscore there."""
    listed = {part.name for part in PRIVATE.PARTS["v1"]}
    asked: set[str] = set()
    for path in (ROOT / "engine" / "v1").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "existing":
                value = node.args[1]
                if isinstance(value, ast.Constant):
                    asked.add(str(value.value))
    private = {name for name in asked if name.startswith("_") and name not in {"_clients"}}
    assert private <= listed | {"_client", "_query_order"}, private - listed
    assert Path(PRIVATE.__file__).exists()

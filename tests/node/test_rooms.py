"""The production package's rooms know each other in one direction, and one knows the engine."""

import ast
from functools import cache
from pathlib import Path

import pytest

from baking import PROJECT

[ROOT] = (PROJECT / "src").iterdir()
ROOMS = (
    "plan",
    "config",
    "strategies",
    "venue",
    "books",
    "face",
    "notify",
    "engine",
    "guards",
    "life",
    "commands",
)
"""From the one that knows nobody to the one that may know all."""
EVERYBODY_KNOWS = ("exit_codes", "__version__")
"""What is outside of the rooms and any of them may import."""
ENGINE_ROOMS = (Path("engine", "v1"), Path("engine", "v2"))
CHOOSES = Path("engine", "chosen.py")
EVENT_DRIVEN = {Path("strategies/bracket.py")}
"""The user's strategies that are NautilusTrader's; a line imports them where it makes them."""
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))


def known(module: Path, source: str) -> set[tuple[str, ...]]:
    """Return what a module imports from: its own package's as parts of a path, others by name."""
    found: set[tuple[str, ...]] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {("", alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(("", node.module or ""))
        elif isinstance(node, ast.ImportFrom):
            parts = list(module.parent.parts)
            above = parts[: len(parts) - (node.level - 1)]
            inner = [*above, *(node.module or "").split(".")] if node.module else above
            found |= {tuple(inner) if inner else (alias.name,) for alias in node.names}
    return found


def arrows_up(module: Path, source: str) -> list[str]:
    """Return the rooms that a module imports from and must not know."""
    room = module.parts[0] if len(module.parts) > 1 else None
    before = set(ROOMS) if room is None else set(ROOMS[: ROOMS.index(room)]) | {room}
    wrong = []
    for target in known(module, source):
        if target[0] == "" or target[0] in EVERYBODY_KNOWS:
            continue
        if module in EVENT_DRIVEN and target == ("engine", "v1", "event_driven"):
            continue
        if target[0] not in before:
            wrong.append(target[0])
    return wrong


def imports_the_engine(source: str) -> bool:
    """Return whether a module imports NautilusTrader."""
    names = (target[1] for target in known(Path("x.py"), source) if target[0] == "")
    return any(name.split(".")[0] == "nautilus_trader" for name in names)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_room_knows_only_those_before_it(module: Path) -> None:
    if module == Path("__main__.py"):
        return  # it is what all of this is for
    assert arrows_up(module, (ROOT / module).read_text("utf-8")) == []


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_only_the_engine_s_room_imports_the_engine(module: Path) -> None:
    if not in_an_engine_s_room(module) and module not in EVENT_DRIVEN:
        assert not imports_the_engine((ROOT / module).read_text("utf-8"))


def test_only_commands_know_the_user_s_room_and_only_one_module_an_engine_by_name() -> None:
    for module in MODULES:
        targets = known(module, (ROOT / module).read_text("utf-8"))
        if module.parts[0] not in ("strategies", "commands"):
            assert not {t for t in targets if t[0] == "strategies"}, module
        if in_an_engine_s_room(module) or module in EVENT_DRIVEN:
            continue
        assert not {t for t in targets if t[:2] in [room.parts for room in ENGINE_ROOMS]}, module


def in_an_engine_s_room(module: Path) -> bool:
    """Return whether a module is one version's."""
    return any(module.is_relative_to(room) for room in ENGINE_ROOMS)


def test_no_engine_s_room_knows_another_one() -> None:
    for module in MODULES:
        for own, other in (ENGINE_ROOMS, ENGINE_ROOMS[::-1]):
            if module.is_relative_to(own):
                targets = known(module, (ROOT / module).read_text("utf-8"))
                assert not {t for t in targets if t[:2] == other.parts}, module


def loaded(module: Path) -> set[Path]:
    """Return the package's modules that are imported with one, itself and those above it too."""
    found: set[Path] = set()
    left = [module]
    while left:
        module = left.pop()
        if module in found or not (ROOT / module).exists():
            continue
        found.add(module)
        left += [Path(*module.parts[:n], "__init__.py") for n in range(len(module.parts))]
        for target in at_once(module):
            left += [Path(*target).with_suffix(".py"), Path(*target, "__init__.py")]
    return found


@cache
def at_once(module: Path) -> set[tuple[str, ...]]:
    """Return what of the package is imported when a module is, not when a function runs."""
    tree = ast.parse((ROOT / module).read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [ast.Pass()]
    return {target for target in known(module, ast.unparse(tree)) if target[0] != ""}


def test_of_the_commands_only_run_starts_an_engine() -> None:
    """Whoever asks what is wrong should not wait for an engine, nor wake one."""
    mine = [module for module in MODULES if module.parts[0] == "commands"]
    assert Path("commands/doctor/store.py") in mine
    for module in mine:
        source = (ROOT / module).read_text("utf-8")
        named = {Path(*t).with_suffix(".py") for t in known(module, source) if t[0] == "engine"}
        assert not {each for each in named if any(map(touches_the_engine, loaded(each)))}
        assert not any(map(touches_the_engine, loaded(module))), module


@cache
def touches_the_engine(module: Path) -> bool:
    """Return whether a module of the package imports NautilusTrader."""
    return imports_the_engine((ROOT / module).read_text("utf-8"))


def test_an_engine_that_is_loaded_in_passing_is_seen() -> None:
    assert any(map(touches_the_engine, loaded(Path("engine/v1/start.py"))))
    assert not any(map(touches_the_engine, loaded(Path("engine/mending/formats.py"))))


def test_every_module_is_in_a_room() -> None:
    outside = {module.name for module in MODULES if len(module.parts) == 1}
    assert outside == {"__init__.py", "__main__.py", "exit_codes.py"}
    assert {module.parts[0] for module in MODULES if len(module.parts) > 1} == set(ROOMS)


@pytest.mark.parametrize(
    "line",
    [
        "from ..life.keeper import Keeper",
        "from ..commands import run",
        "def f():\n    from ..engine.desk import Desk",
        "if TYPE_CHECKING:\n    from ..guards import GUARDS",
    ],
)
def test_an_arrow_up_is_seen(line: str) -> None:
    assert arrows_up(Path("plan/bars.py"), line) != []


def test_an_arrow_down_and_one_inside_are_none() -> None:
    lines = "from ..plan.bars import ClosedBar\nfrom .hold import hold\nfrom ..exit_codes import x"
    assert arrows_up(Path("life/keeper.py"), lines) == []


def test_an_import_of_the_engine_is_seen() -> None:
    assert imports_the_engine("from nautilus_trader.model import Bar")
    assert imports_the_engine("def f():\n    import nautilus_trader")

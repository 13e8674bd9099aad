"""The rooms of the drill know each other in one direction only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import recovery_drill

ROOT = Path(recovery_drill.__file__).parent
PACKAGE = recovery_drill.__name__
ROOMS = (
    "failures",
    "record",
    "checks",
    "proc",
    "store",
    "runtimes",
    "faults",
    "play",
    "scenarios",
    "report",
    "campaign",
)
"""Each knows those before it: what is recorded and judged knows no process, a fault no play."""
COMMANDS = (
    *("__init__", "__main__", "choice", "cli", "commands", "commands_random", "kit", "options"),
    *("options_random", "testing"),
)
"""What a user starts or imports; no room knows them."""
KIT, ENGINE = "kit", "nautilus_trader"
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))
MOST_LINES = 305


def room_of(module: Path) -> str:
    """Return the room of a module, by its path in the package."""
    return module.parts[0].removesuffix(".py")


def known(source: str, module: Path) -> set[str]:
    """Return the rooms that a module imports from; an import for type checkers is one, too."""
    found = set()
    for name in _imported(source, module):
        top, *rest = name.split(".")
        if top == PACKAGE and rest:
            found.add(rest[0])
    return found - {"__version__"}


def _imported(source: str, module: Path) -> Iterator[str]:
    here = [PACKAGE, *module.parts[:-1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            place = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{place}.{alias.name}" for alias in node.names)


def against(room: str, others: set[str]) -> set[str]:
    """Return those of the others that a room must not know."""
    if room in COMMANDS:
        return others - {*ROOMS, *COMMANDS}
    return others - set(ROOMS[: ROOMS.index(room) + 1])


def engine_imports(source: str, *, at_once: bool = False) -> int:
    """Count the imports of the engine: all, or those that are carried out with the module."""
    tree = ast.parse(source)
    found = list(_carried_out(tree) if at_once else ast.walk(tree))
    names = [n.module or "" for n in found if isinstance(n, ast.ImportFrom)]
    names += [a.name for n in found if isinstance(n, ast.Import) for a in n.names]
    return sum(name.split(".")[0] == ENGINE for name in names)


def _carried_out(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is carried out with a module: not what is in functions, or for type checkers."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.If):
            yield child
            yield from _carried_out(child)


def kinds_asked_for(source: str, ours: set[str]) -> set[str]:
    """Return the classes of the drill that a module asks whether something is one of."""
    calls = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("isinstance", "issubclass")
    ]
    named = [n for call in calls for n in ast.walk(call.args[1]) if isinstance(n, ast.Name)]
    return {name.id for name in named} & ours


def reached(source: str) -> set[str]:
    """Return what a scenario reaches for behind the words of its world."""
    return {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name | ast.Attribute)
        and node.attr.startswith("_")
    }


def classes() -> set[str]:
    trees = [ast.parse((ROOT / module).read_text("utf-8")) for module in MODULES]
    return {n.name for tree in trees for n in ast.walk(tree) if isinstance(n, ast.ClassDef)}


def test_every_module_is_in_a_room_or_a_command() -> None:
    assert {room_of(module) for module in MODULES} == {*ROOMS, *COMMANDS}


@pytest.mark.parametrize("room", [*ROOMS, *COMMANDS])
def test_a_room_knows_only_those_before_it(room: str) -> None:
    for module in filter(lambda m: room_of(m) == room, MODULES):
        later = against(room, known((ROOT / module).read_text("utf-8"), module))
        assert not later, f"{module} imports from {sorted(later)}"


def test_nobody_knows_the_kit_and_it_knows_only_what_is_recorded() -> None:
    for module in MODULES:
        knows = known((ROOT / module).read_text("utf-8"), module)
        if room_of(module) == KIT:
            assert knows <= {KIT, "record"}, module
        else:
            assert KIT not in knows, module


def test_only_the_kit_knows_the_engine_and_only_when_it_is_called() -> None:
    texts = {module: (ROOT / module).read_text("utf-8") for module in MODULES}
    knows = {room_of(module) for module, text in texts.items() if engine_imports(text)}
    assert knows == {KIT}
    assert not any(engine_imports(text, at_once=True) for text in texts.values())
    assert engine_imports("from nautilus_trader.config import CacheConfig", at_once=True)
    assert not engine_imports("def f():\n    import nautilus_trader.live", at_once=True)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("record/model.py", "from recovery_drill.proc.child import Child"),
        ("record/model.py", "from recovery_drill import play"),
        ("record/model.py", "import recovery_drill.store.view"),
        ("record/model.py", "from ..checks import CHECKS"),
        ("record/model.py", "if TYPE_CHECKING:\n    from recovery_drill.play.world import World"),
        ("faults/store.py", "def late():\n    from recovery_drill.scenarios import store"),
        ("runtimes/containers/stack.py", "from ...runs.run import run"),
        ("campaign/run.py", "from recovery_drill.cli import main"),
    ],
)
def test_an_import_against_the_direction_is_seen(module: str, source: str) -> None:
    path = Path(module)
    assert against(room_of(path), known(source, path))


def test_nobody_asks_which_runtime_or_store_it_has() -> None:
    ours = classes()
    asked = {str(m): kinds_asked_for((ROOT / m).read_text("utf-8"), ours) for m in MODULES}
    assert {module: kinds for module, kinds in asked.items() if kinds} == {}
    assert kinds_asked_for("isinstance(world.store, (EmbeddedStore, int))", ours)


def test_a_scenario_speaks_in_the_words_of_its_world() -> None:
    for module in (ROOT / "scenarios").glob("*.py"):
        assert reached(module.read_text("utf-8")) == set(), module.name
    assert reached("await world._runtime.store.kill()") == {"_runtime"}


def test_a_module_is_read_at_one_sitting() -> None:
    lines = {str(m): len((ROOT / m).read_text("utf-8").splitlines()) for m in MODULES}
    assert {module: count for module, count in lines.items() if count > MOST_LINES} == {}

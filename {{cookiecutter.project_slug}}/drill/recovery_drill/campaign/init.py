"""Make a repository ready to be drilled: its policy, its test, and its workflow."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recovery_drill.failures import UsageError
from recovery_drill.record.policy import TABLE, read_policy

NODE = "TradingNode"
NOT_OURS = frozenset({"drill", "tests", "test", "build", "dist", "node_modules", "site-packages"})
SYMBOL = re.compile(r"\b([A-Z0-9]+)-PERP\.BINANCE\b")
STOPS = re.compile(r"\bstop_market\(|\bstop_limit\(|\btrailing_stop|\bSTOP_MARKET\b|\bbracket\(")
USUAL_SYMBOL = "BTCUSDT"
TEST = Path("tests", "test_recovery.py")
WORKFLOW = Path(".github", "workflows", "recovery-drill.yml")
ACTION = Path("drill", "action")

POLICY = """\
# What this project promises the recovery drill; drill/README.md says what each key means.
[tool.recovery-drill]
node_command = ["{{python}}", "-m", "recovery_drill.kit", "{file}"]
symbols = {symbols}
# Whether each open position must have exactly one working stop.
protective_stop = {stops}
# The engine's own order ids carry the time: orders are compared by side, size, price and sequence.
ledger = "orders"
# The market begins half a day ago with two days before it, for a node that asks for the last day.
epoch = "now"
# How many closed bars your strategy must have asked for before its first order.
warm_up_bars = 0

[tool.recovery-drill.budgets]
# The engine takes ten seconds to stop, unless its timeout_post_stop says otherwise.
stop_seconds = 30
"""
PYTEST = '''\
"""The recovery drill as tests: one for each scenario, failing with the promises that broke."""

from pathlib import Path

import pytest
from recovery_drill.testing import DEFAULT, Played, plays

played = plays(Path(__file__).parents[1], DEFAULT)


@pytest.mark.parametrize("name", DEFAULT)
def test_the_node_recovers(name: str, played: Played) -> None:
    played.assert_held(name)
'''


@dataclass(frozen=True)
class Found:
    """What was found in a repository.

    Parameters
    ----------
    file : Path
        Where its node is made, in the project's folder.
    symbols : tuple[str, ...]
        The perpetual contracts of Binance that its own files name.
    stops : tuple[str, ...]
        The files that place stops.

    """

    file: Path
    symbols: tuple[str, ...]
    stops: tuple[str, ...]

    @property
    def policy(self) -> str:
        """The tables for its ``pyproject.toml``."""
        names = ", ".join(f'"{name}"' for name in self.symbols or (USUAL_SYMBOL,))
        stops = "true" if self.stops else "false"
        return POLICY.format(file=self.file.as_posix(), symbols=f"[{names}]", stops=stops)

    def told(self) -> Iterator[str]:
        """Say what was found, in sentences."""
        yield f"{self.file} makes a {NODE}; it is started by recovery_drill.kit, and not changed."
        if self.symbols:
            yield f"Its symbols: {', '.join(self.symbols)}."
        else:
            yield f"No symbol of Binance USD-M is named; {USUAL_SYMBOL} is written for now."
        if self.stops:
            yield f"Stops are placed in {', '.join(self.stops)}: each position must have one."
        else:
            yield "No stops are placed, so none is asked for."


def find_node(project: Path, named: Path | None = None) -> Found:
    """Look at a repository's own files; a file that is named is taken for the node's.

    Raises
    ------
    UsageError
        If none of them makes a node, or several do.

    """
    texts = {path.relative_to(project): _text(path) for path in _files(project)}
    if named is None:
        makers = [path for path, text in texts.items() if _makes_node(text)]
        if not makers:
            raise UsageError(
                f"No Python file in {project} calls {NODE}(…): name the one that runs your node "
                "with --node FILE. Another engine's node has to speak what contract.md says."
            )
        if len(makers) > 1:
            raise UsageError(
                f"{', '.join(str(path) for path in makers)} each make a {NODE}: name the one to "
                "drill with --node FILE."
            )
        named = makers[0]
    elif not (project / named).is_file():
        raise UsageError(f"There is no file {named} in {project}.")
    symbols = {name for text in texts.values() for name in SYMBOL.findall(text)}
    stops = [str(path) for path, text in texts.items() if STOPS.search(text)]
    return Found(named, tuple(sorted(symbols)), tuple(stops))


def _files(project: Path) -> list[Path]:
    def ours(path: Path) -> bool:
        parts = path.relative_to(project).parts
        return not any(part.startswith(".") or part in NOT_OURS for part in parts)

    return sorted(path for path in project.rglob("*.py") if ours(path))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _makes_node(text: str) -> bool:
    try:
        calls = [node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    except SyntaxError:
        return False
    names = [f.id if isinstance(f, ast.Name) else getattr(f, "attr", "") for f in calls]
    return NODE in names


def init(project: Path, named: Path | None = None) -> Iterator[str]:
    """Write what is missing, and say in sentences what was found and written.

    Raises
    ------
    UsageError
        If there is no node to be found, or there is a policy already.

    """
    found = find_node(project, named)
    _write_policy(project, found.policy)
    yield from found.told()
    yield f"Written: [tool.{TABLE}] in pyproject.toml."
    yield _write_new(project / TEST, PYTEST, TEST)
    workflow = project / ACTION / WORKFLOW.name
    if workflow.is_file():
        yield _write_new(project / WORKFLOW, workflow.read_text(encoding="utf-8"), WORKFLOW)
    yield "Next: recovery-drill run"


def _write_policy(project: Path, policy: str) -> None:
    """Add the policy below all that there is, which stays byte for byte."""
    path = project / "pyproject.toml"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        document = tomllib.loads(before)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not readable as TOML: {error}.") from error
    if TABLE in document.get("tool", {}):
        raise UsageError(f"{path} has a table [tool.{TABLE}] already; nothing was written.")
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    path.write_text(f"{before}{gap}{policy}", encoding="utf-8")
    read_policy(project)


def _write_new(path: Path, text: str, name: Path) -> str:
    if path.exists():
        return f"Left as it is: {name}."
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return f"Written: {name}."

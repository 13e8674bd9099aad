"""A rule that a test directs while the node runs, and that writes down what it has seen."""

import json
from pathlib import Path
from typing import Any

CODE = """
import sys
sys.path.append({tests!r})
from decimal import Decimal
from pathlib import Path
from node.scripted_rule import Remembering, Scripted
from trading_node import strategies
from trading_node.commands import main
from trading_node.plan.traded import Traded

FOLDER = Path({folder!r})
strategies.traded = lambda settings, own: [{lines}]
sys.exit(main.main(["run"]))
"""


class Script:
    """
    What one rule is to answer, and what it has seen.

    Parameters
    ----------
    folder : Path
        Where script and notes are.
    name : str
        Which rule's.

    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(exist_ok=True)
        self._script, self._seen = folder / f"{name}.json", folder / f"{name}.seen"
        self.says(quantity="0")

    def says(self, **answer: Any) -> None:
        """Let the rule answer so from its next look on."""
        fresh = self._script.with_suffix(".new")
        fresh.write_text(json.dumps(answer), "utf-8")
        fresh.replace(self._script)

    def looks(self) -> list[dict[str, Any]]:
        """Return what it has seen at each look."""
        if not self._seen.exists():
            return []
        return [json.loads(line) for line in self._seen.read_text("utf-8").splitlines()]

    def last(self, bar: int) -> dict[str, Any]:
        """Return what it has seen at its last look at a bar."""
        return [look for look in self.looks() if look["bar"] == bar][-1]


def code(folder: Path, *lines: str) -> str:
    """Return the code of a node that trades these lines."""
    tests = str(Path(__file__).parents[1])
    return CODE.format(tests=tests, folder=str(folder), lines=", ".join(lines))

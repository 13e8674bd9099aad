"""A word that a command does not know is answered with those that it knows, as one types them."""

import subprocess
import sys
from pathlib import Path

import pytest

from node.baked import PACKAGE

pytestmark = pytest.mark.processes

CHOICES = {
    ("pnl", "--by", "fortnight"): ("day", "week", "month"),
    ("taxes", "2026", "--method", "lifo"): ("average", "fifo"),
    ("archive", "everything"): ("days", "orders", "fills", "income"),
}


@pytest.mark.parametrize("words", CHOICES, ids=" ".join)
def test_a_wrong_choice_is_answered_with_the_right_ones(
    project: Path, words: tuple[str, ...]
) -> None:
    said = subprocess.run(
        [sys.executable, "-m", PACKAGE, *words],
        cwd=project / "src",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.returncode == 2
    named = " ".join(said.stderr.split()).partition("(choose from ")[2]
    assert named.replace("'", "").rstrip(")") == ", ".join(CHOICES[words])

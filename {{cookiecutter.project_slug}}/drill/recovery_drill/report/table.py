"""The verdict on the terminal: a table of scenarios, or what broke in an exploration."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from recovery_drill.record.coverage import NOT_CHOSEN, Coverage
from recovery_drill.record.verdict import ScenarioVerdict, Verdict
from recovery_drill.report.material import Material, asides, figures, read_material, sentences

SHOWN = 3
CASES = 10
INDENT = 4
STYLES = {"held": "green", "broken": "bold red", "inconclusive": "yellow", "skipped": "dim"}


def print_verdict(console: Console, verdict: Verdict, folder: Path | None = None) -> None:
    """Print what held and, below it or instead of it, every broken promise and every reason.

    Parameters
    ----------
    console : Console
        Where to.
    verdict : Verdict
        On the run.
    folder : Path, optional
        The run's: then an exploration is told by what broke, and how to play it again is told too.

    """
    if folder is None:
        _print_scenarios(console, Material(Path(), verdict), replays=False)
        return
    material = read_material(folder, verdict)
    if material.exploration:
        _print_cases(console, material)
    else:
        _print_scenarios(console, material, replays=True)


def _print_scenarios(console: Console, material: Material, *, replays: bool) -> None:
    scenarios = material.verdict.scenarios
    table = _table("scenario", "verdict", "kills", "fills", "seconds down", "to trading", numbers=4)
    for scenario in scenarios:
        outcome = Text(scenario.outcome, style=STYLES[scenario.outcome])
        table.add_row(scenario.name, outcome, *figures(scenario))
    console.print(table)
    for scenario in scenarios:
        for line in _remarks(scenario):
            _print(console, f"{scenario.name}: {line}")
        if scenario.broken and replays:
            _print(console, f"{scenario.name}: again: {material.replay(scenario)}")


def _remarks(scenario: ScenarioVerdict) -> Iterator[str]:
    broken = sentences(scenario, checks=len(scenario.checks), each=SHOWN)
    yield from (f"broke {check}: {sentence}" for check, sentence in broken)
    yield from asides(scenario)
    if scenario.reason:
        yield f"{scenario.outcome}: {scenario.reason}"


def _print_cases(console: Console, material: Material) -> None:
    """Print the cases that did not hold; of those that broke alike the first tells how."""
    for group in material.groups():
        _print(console, group.title, STYLES[group.outcome])
        for number, case in enumerate(group.cases[:CASES]):
            _print(console, f"  {case.name}")
            if number == 0:
                for check, sentence in sentences(case, checks=SHOWN, each=1):
                    _print_indented(console, f"{check}: {sentence}")
            _print(console, f"    {material.replay(case)}")
        if (more := len(group.cases) - CASES) > 0:
            _print(console, f"  and {more} more, see report.html")
        console.print()
    for note in material.notes():
        _print(console, note)
    _print(console, f"{material.counts()}.")


def print_coverage(console: Console, coverage: Coverage) -> None:
    """Print how many boundaries were found, killed at and broken, and why some were skipped."""
    table = _table("boundaries", "found", "killed at", "broken", "skipped", numbers=4)
    for called, *counts in coverage.rows():
        table.add_row(called, *map(str, counts))
    console.print(table)
    for boundary in coverage.boundaries:
        if boundary.skipped and boundary.skipped != NOT_CHOSEN:
            where = "recovering: " if boundary.recovery else ""
            _print(console, f"skipped {where}{boundary.name}: {boundary.skipped}")


def _table(*names: str, numbers: int) -> Table:
    """Return an empty table; its last columns are numbers, and its first is never broken."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for place, name in enumerate(names):
        right = place >= len(names) - numbers
        table.add_column(name, justify="right" if right else "left", no_wrap=not right)
    return table


def _print(console: Console, line: str, style: str | None = None) -> None:
    console.print(line, style=style, markup=False, soft_wrap=True)


def _print_indented(console: Console, line: str) -> None:
    """Print a line below a name; a terminal breaks it between words, a file keeps it whole."""
    if console.is_terminal:
        console.print(Padding(Text(line), (0, 0, 0, INDENT)))
    else:
        _print(console, " " * INDENT + line)

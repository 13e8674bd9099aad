"""The verdict as a table on the terminal."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from recovery_drill.coverage import NOT_CHOSEN, Coverage
from recovery_drill.report.summary import seconds
from recovery_drill.verdict import ScenarioVerdict, Verdict

SHOWN = 3
STYLES = {"held": "green", "broken": "bold red", "inconclusive": "yellow"}


def print_verdict(console: Console, verdict: Verdict) -> None:
    """Print the table and, below it, every broken promise and every reason."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("scenario", "verdict"):
        table.add_column(name)
    for name in ("kills", "fills", "seconds down", "to trading"):
        table.add_column(name, justify="right")
    for scenario in verdict.scenarios:
        table.add_row(
            scenario.name,
            Text(scenario.outcome, style=STYLES[scenario.outcome]),
            str(scenario.kills),
            str(scenario.fills),
            seconds(scenario.seconds_down),
            seconds(scenario.seconds_to_trading),
        )
    console.print(table)
    for scenario in verdict.scenarios:
        for line in _remarks(scenario):
            console.print(f"{scenario.name}: {line}", markup=False, soft_wrap=True)


def _remarks(scenario: ScenarioVerdict) -> Iterator[str]:
    for check in scenario.checks:
        yield from (f"broke {check.name}: {sentence}" for sentence in check.broken[:SHOWN])
        if (more := len(check.broken) - SHOWN) > 0:
            yield f"broke {check.name}: and {more} times more, see verdict.json"
        if check.left_out is not None:
            yield f"{check.name} left out: {check.left_out}"
    if scenario.first_reason:
        yield f"second attempt; the first was inconclusive: {scenario.first_reason}"
    if scenario.reason:
        yield f"inconclusive: {scenario.reason}"


def print_coverage(console: Console, coverage: Coverage) -> None:
    """Print how many boundaries were found, killed at and broken, and why some were skipped."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("boundaries")
    for name in ("found", "killed at", "broken", "skipped"):
        table.add_column(name, justify="right")
    for called, *counts in coverage.rows():
        table.add_row(called, *map(str, counts))
    console.print(table)
    for boundary in coverage.boundaries:
        if boundary.skipped and boundary.skipped != NOT_CHOSEN:
            where = "recovering: " if boundary.recovery else ""
            line = f"skipped {where}{boundary.name}: {boundary.skipped}"
            console.print(line, markup=False, soft_wrap=True)

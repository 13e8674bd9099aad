"""The verdict as a table on the terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from recovery_drill.report.summary import seconds
from recovery_drill.verdict import Verdict

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
        for check in scenario.checks:
            for sentence in check.broken:
                console.print(
                    f"{scenario.name}: broke {check.name}: {sentence}", markup=False, soft_wrap=True
                )
            if check.left_out is not None:
                console.print(
                    f"{scenario.name}: {check.name} left out: {check.left_out}",
                    markup=False,
                    soft_wrap=True,
                )
        if scenario.reason:
            console.print(
                f"{scenario.name}: inconclusive: {scenario.reason}", markup=False, soft_wrap=True
            )

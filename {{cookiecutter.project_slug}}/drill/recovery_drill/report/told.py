"""What the checks of a case said, as the page shows it."""

from dataclasses import dataclass

from recovery_drill.record.verdict import CheckResult, ScenarioVerdict
from recovery_drill.report.material import shortened

SHOWN = 20


@dataclass(frozen=True)
class Row:
    """A check, what kind of thing it said, and its sentences."""

    name: str
    kind: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """What lies open on the page, and what is folded away below a summary."""

    open: tuple[Row, ...]
    folded: tuple[Row, ...]
    summary: str


def tell_checks(scenario: ScenarioVerdict) -> Told:
    """Sort what the checks of a case said: what held, or had nothing to look at, is folded away."""
    rows = [_row(check) for check in scenario.checks]
    held, idle = ([row for row in rows if row.kind == kind] for kind in ("held", "soft"))
    return Told(
        open=tuple(row for row in rows if row.kind in ("broken", "inconclusive")),
        folded=(*held, *idle),
        summary=f"Checks held: {len(held)}"
        + (f", nothing to look at: {len(idle)}" if idle else ""),
    )


def _row(check: CheckResult) -> Row:
    if check.broken:
        return Row(check.name, "broken", tuple(shortened(check.broken, SHOWN)))
    if check.left_out is not None:
        return Row(check.name, "inconclusive", (f"left out: {check.left_out}",))
    if check.evaluated:
        return Row(check.name, "held", (f"held, looked at: {check.evaluated}",))
    return Row(check.name, "soft", ("nothing to look at",))

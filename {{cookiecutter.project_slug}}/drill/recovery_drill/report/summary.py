"""The verdict as Markdown, for a job summary."""

from collections.abc import Iterable, Iterator

from recovery_drill.record.verdict import ScenarioVerdict
from recovery_drill.report.material import Material, asides, figures, sentences

SHOWN, CHECKS = 10, 5


def summary(material: Material) -> str:
    """Return what broke, and a table of the scenarios or of what was covered."""
    verdict = material.verdict
    lines = [f"## Recovery drill: {verdict.outcome} (seed {verdict.seed})", ""]
    lines += _explored(material) if material.exploration else _played(material)
    return "\n".join(lines) + "\n"


def _played(material: Material) -> Iterator[str]:
    names = ("scenario", "verdict", "kills", "fills", "seconds down", "seconds to trading")
    scenarios = material.verdict.scenarios
    rows = [(s.name, s.outcome, *figures(s)) for s in scenarios]
    yield from _table(names, "--::::", rows)
    for scenario in scenarios:
        found = list(_found(scenario))
        if scenario.broken:
            found.append(f"- again: `{material.replay(scenario)}`")
        if found:
            yield from ("", f"**{scenario.name}**", "", *found)


def _found(scenario: ScenarioVerdict) -> Iterator[str]:
    for check in scenario.checks:
        yield from (f"- `{check.name}`: {sentence}" for sentence in check.broken)
    yield from (f"- {aside}" for aside in asides(scenario))
    if scenario.reason:
        yield f"- {scenario.outcome}: {scenario.reason}"


def _explored(material: Material) -> Iterator[str]:
    yield f"{material.counts()}."
    for group in material.groups():
        yield from ("", f"**{group.title}**", "")
        for number, case in enumerate(group.cases[:SHOWN]):
            yield f"- {case.name}: `{material.replay(case)}`"
            if number == 0:
                broken = sentences(case, checks=CHECKS, each=1)
                yield from (f"  - `{check}`: {sentence}" for check, sentence in broken)
        if (more := len(group.cases) - SHOWN) > 0:
            yield f"- and {more} more, see report.html"
    if material.coverage is not None:
        yield ""
        names = ("boundaries", "found", "killed at", "broken", "skipped")
        yield from _table(names, "-::::", material.coverage.rows())
    notes = [f"- {note}" for note in material.notes()]
    if notes:
        yield from ("", *notes)


def _table(names: Iterable[str], columns: str, rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield a Markdown table; a colon among the columns is one of numbers."""
    yield f"| {' | '.join(names)} |"
    yield "|".join(["", *("--:" if column == ":" else "---" for column in columns), ""])
    yield from (f"| {' | '.join(map(str, row))} |" for row in rows)

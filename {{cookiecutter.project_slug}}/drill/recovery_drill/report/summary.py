"""The verdict as Markdown, for a job summary."""

import re
from collections.abc import Iterable, Iterator

from recovery_drill.record.verdict import ScenarioVerdict
from recovery_drill.report.facts import tell_facts
from recovery_drill.report.fill import printable
from recovery_drill.report.hero import tell_verdict
from recovery_drill.report.material import Material, asides, figures, sentences

SHOWN, CHECKS, EACH = 10, 5, 5
"""So many cases, checks of a case and sentences of a check are told; report.html has more."""
TOLD = ("versions", "commit", "date", "machine", "speed")
MARKUP = re.compile(r"[\\`*<>|\[\]]")


def summary(material: Material) -> str:
    """Return what broke, and a table of the scenarios or of what was covered."""
    verdict = material.verdict
    hero, facts = tell_verdict(material), tell_facts(material)
    lines = [f"## Recovery drill: {verdict.outcome} (seed {verdict.seed})", ""]
    told = [facts[name] for name in ("drilled", *TOLD) if name in facts]
    if told:
        lines += [", ".join(map(text, told)) + ".", ""]
    lines += [hero.meaning, "", f"**What to do.** {hero.to_do}"]
    if hero.command:
        lines[-1] += f" {code(hero.command)}"
    lines.append("")
    lines += _explored(material) if material.exploration else _played(material)
    return "\n".join(lines) + "\n"


def text(words: str) -> str:
    """Return words of others as Markdown that says just that, in one line."""
    return MARKUP.sub(lambda m: f"\\{m[0]}", printable(" ".join(words.split())))


def code(words: str) -> str:
    """Return words of others as code: between so many marks that none of theirs ends it."""
    inner = printable(" ".join(words.split()))
    marks = "`" * (max((len(run) for run in re.findall("`+", inner)), default=0) + 1)
    space = " " if inner[:1] == "`" or inner[-1:] == "`" else ""
    return f"{marks}{space}{inner}{space}{marks}"


def _played(material: Material) -> Iterator[str]:
    names = ("scenario", "verdict", "kills", "fills", "seconds down", "seconds to trading")
    scenarios = material.verdict.scenarios
    rows = [(text(s.name), s.outcome, *figures(s)) for s in scenarios]
    yield from _table(names, "--::::", rows)
    for scenario in scenarios:
        found = list(_found(scenario))
        if scenario.broken:
            found.append(f"- again: {code(material.replay(scenario))}")
        if found:
            yield from ("", f"**{text(scenario.name)}**", "", *found)


def _found(scenario: ScenarioVerdict) -> Iterator[str]:
    broken = sentences(scenario, checks=len(scenario.checks), each=EACH)
    yield from (f"- {code(check)}: {text(sentence)}" for check, sentence in broken)
    yield from (f"- {text(aside)}" for aside in asides(scenario))
    if scenario.reason:
        yield f"- {scenario.outcome}: {text(scenario.reason)}"


def _explored(material: Material) -> Iterator[str]:
    yield f"{material.counts()}."
    for group in material.groups():
        yield from ("", f"**{text(group.title)}**", "")
        for number, case in enumerate(group.cases[:SHOWN]):
            yield f"- {text(case.name)}: {code(material.replay(case))}"
            if number == 0:
                broken = sentences(case, checks=CHECKS, each=1)
                yield from (f"  - {code(check)}: {text(said)}" for check, said in broken)
        if (more := len(group.cases) - SHOWN) > 0:
            yield f"- and {more} more, see report.html"
    if material.coverage is not None:
        yield ""
        names = ("boundaries", "found", "killed at", "broken", "skipped")
        yield from _table(names, "-::::", material.coverage.rows())
    notes = [f"- {text(note)}" for note in material.notes()]
    if notes:
        yield from ("", *notes)


def _table(names: Iterable[str], columns: str, rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield a Markdown table; a colon among the columns is one of numbers."""
    yield f"| {' | '.join(names)} |"
    yield "|".join(["", *("--:" if column == ":" else "---" for column in columns), ""])
    yield from (f"| {' | '.join(map(str, row))} |" for row in rows)

"""The verdict as one self-contained HTML page."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from recovery_drill.record.verdict import ScenarioVerdict
from recovery_drill.report.facts import tell_facts
from recovery_drill.report.fill import fill
from recovery_drill.report.hero import tell_verdict
from recovery_drill.report.material import WORST_FIRST, Material, cases, figures
from recovery_drill.report.story import Story

SIMULATED = "Seen against the simulated exchange that comes with the drill, not against a real one."
LIMITS_OF_SCENARIOS = (
    SIMULATED,
    "Things went wrong at the moments that the scenarios name; other moments are not covered by "
    "this run. recovery-drill explore kills at every boundary.",
)
LIMITS_OF_EXPLORATIONS = (
    SIMULATED,
    "A boundary that did not come in these bars of this market is not among them.",
    "Of a boundary that came often, only some occurrences were chosen; second kills happen only "
    "while the node comes back from one first kill.",
)
MOST_OPEN = 8
"""So many scenarios lie open on the page; of more, those that held are folded."""


@dataclass(frozen=True)
class CaseRow:
    """A row of the table of cases; of a crash point, where it was is told in parts.

    Parameters
    ----------
    name, phase, nth, during : str
        The case or the place of its kill; in which phase, at which time, and what the node did.
    verdict : ScenarioVerdict
        On it.
    href : str
        To what is told of it.
    down, start : str
        Seconds.
    worst : int
        Its rank; broken ones come first.

    """

    name: str
    phase: str
    nth: str
    during: str
    verdict: ScenarioVerdict
    href: str
    down: str
    start: str
    worst: int


def page(material: Material, stories: Mapping[str, Story]) -> str:
    """Return the page.

    Parameters
    ----------
    material : Material
        The run.
    stories : Mapping[str, Story]
        What is told of each case, by its name; of an exploration, only of some.

    """
    script = fill("sort.js").strip()
    return fill(
        "page.html.j2",
        material=material,
        verdict=material.verdict,
        hero=tell_verdict(material),
        facts=list(tell_facts(material).items()),
        rows=_rows(material, stories),
        groups=material.groups() if material.exploration else [],
        stories=stories,
        limits=LIMITS_OF_EXPLORATIONS if material.exploration else LIMITS_OF_SCENARIOS,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        first_broken=next((broken.name for broken in material.of("broken")), ""),
        fold=len(stories) > MOST_OPEN,
        cases=cases,
    )


def _rows(material: Material, stories: Mapping[str, Story]) -> Sequence[CaseRow]:
    found = [_row(material, scenario, stories) for scenario in material.verdict.scenarios]
    # In the order in which they were played where all are told of, as in the list of scenarios.
    return sorted(found, key=lambda row: row.worst) if material.exploration else found


def _row(material: Material, scenario: ScenarioVerdict, stories: Mapping[str, Story]) -> CaseRow:
    _, _, down, start = figures(scenario)
    point, place = material.point(scenario), material.place(scenario)
    if scenario.name in stories:
        href = f"#{place}"
    else:
        kept = material.folder / place / "history.jsonl"
        href = quote(f"{place}/history.jsonl") if kept.is_file() else ""
    return CaseRow(
        name=point.boundary.name.rpartition(", ")[0] if point else scenario.name,
        phase=point.boundary.phase if point else "",
        nth=str(point.nth) if point else "",
        during="recovering" if material.recovering(scenario) else "trading",
        verdict=scenario,
        href=href,
        down=down,
        start=start,
        worst=WORST_FIRST.index(scenario.outcome),
    )

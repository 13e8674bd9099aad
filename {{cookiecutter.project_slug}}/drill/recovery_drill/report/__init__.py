"""What a run leaves for people and for machines: a page, a summary, a JUnit file and a table."""

from pathlib import Path

from recovery_drill.record.verdict import Verdict
from recovery_drill.report.fill import fill
from recovery_drill.report.junit import junit
from recovery_drill.report.material import Material, read_material
from recovery_drill.report.page import page
from recovery_drill.report.story import Story, read_story
from recovery_drill.report.summary import summary

MOST_DRAWN, MOST_TOLD = 24, 80
"""Of an exploration so many cases are drawn, and so many told of; its table has them all."""


def write_reports(folder: Path, verdict: Verdict) -> Path:
    """Write the page, its drawings, ``summary.md`` and ``junit.xml``; return the page's path."""
    material = read_material(folder, verdict)
    stories = _explored(material) if material.exploration else _played(material)
    for story in stories.values():
        if story.drawing is not None:
            picture = fill("picture.svg.j2", drawing=story.drawing)
            (folder / story.place / "timeline.svg").write_text(picture, encoding="utf-8")
    report = folder / "report.html"
    report.write_text(page(material, stories), encoding="utf-8")
    (folder / "summary.md").write_text(summary(material), encoding="utf-8")
    (folder / "junit.xml").write_text(junit(material), encoding="utf-8")
    return report


def _played(material: Material) -> dict[str, Story]:
    return {each.name: read_story(material, each) for each in material.verdict.scenarios}


def _explored(material: Material) -> dict[str, Story]:
    """Tell of the cases that did not hold; of those that ended alike the first ones are drawn.

    Where all held, the one with the longest outage is told, as an example.
    """
    groups = material.groups()
    if not groups:
        longest = max(material.verdict.scenarios, key=lambda each: each.seconds_down or 0.0)
        return {longest.name: read_story(material, longest)}
    alike = max((len(group.cases) for group in groups), default=0)
    # The first of each group, then the second of each: so no group is left without a drawing.
    order = [g.cases[n] for n in range(alike) for g in groups if n < len(g.cases)]
    return {
        each.name: read_story(material, each, drawn=number < MOST_DRAWN)
        for number, each in enumerate(order[:MOST_TOLD])
    }

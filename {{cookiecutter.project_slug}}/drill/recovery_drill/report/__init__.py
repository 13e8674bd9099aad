"""What a run leaves for people and for machines: a page, a summary, a JUnit file and a table."""

from pathlib import Path

from recovery_drill.record.verdict import Verdict
from recovery_drill.report.drawing import lay_out
from recovery_drill.report.fill import fill
from recovery_drill.report.junit import junit
from recovery_drill.report.material import read_material
from recovery_drill.report.page import page
from recovery_drill.report.summary import summary
from recovery_drill.report.timeline import read_timeline


def write_reports(folder: Path, verdict: Verdict) -> Path:
    """Write the page, its drawings, ``summary.md`` and ``junit.xml``; return the page's path.

    Of an exploration only the cases that did not hold are drawn: there are hundreds.
    """
    material = read_material(folder, verdict)
    timelines = {}
    for scenario in verdict.scenarios:
        if material.exploration and scenario.outcome == "held":
            continue
        place = folder / material.place(scenario)
        timelines[scenario.name] = timeline = read_timeline(place)
        if (drawing := lay_out(timeline)) is not None:
            picture = fill("picture.svg.j2", drawing=drawing)
            (place / "timeline.svg").write_text(picture, encoding="utf-8")
    report = folder / "report.html"
    report.write_text(page(material, timelines), encoding="utf-8")
    (folder / "summary.md").write_text(summary(material), encoding="utf-8")
    (folder / "junit.xml").write_text(junit(material), encoding="utf-8")
    return report

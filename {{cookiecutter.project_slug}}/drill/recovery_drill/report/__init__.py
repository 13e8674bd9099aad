"""What a run leaves for people and for machines: a page, a summary, a JUnit file and a table."""

from pathlib import Path

from recovery_drill.report.junit import junit
from recovery_drill.report.page import page
from recovery_drill.report.summary import summary
from recovery_drill.report.timeline import picture, read_timeline
from recovery_drill.verdict import Verdict


def write_reports(folder: Path, verdict: Verdict) -> Path:
    """Write the page, its drawings, ``summary.md`` and ``junit.xml``; return the page's path."""
    timelines = {s.name: read_timeline(folder / s.name) for s in verdict.scenarios}
    for name, timeline in timelines.items():
        if timeline.closes:
            (folder / name / "timeline.svg").write_text(picture(timeline), encoding="utf-8")
    report = folder / "report.html"
    report.write_text(page(verdict, timelines), encoding="utf-8")
    (folder / "summary.md").write_text(summary(verdict), encoding="utf-8")
    (folder / "junit.xml").write_text(junit(verdict), encoding="utf-8")
    return report

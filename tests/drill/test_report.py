"""The reports say what the verdict says, to people and to machines."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console

from drill.evidence_builder import BAR, Journal, evidence, with_state
from recovery_drill.checks import CHECKS
from recovery_drill.model import Record
from recovery_drill.report import write_reports
from recovery_drill.report.junit import junit
from recovery_drill.report.page import page
from recovery_drill.report.summary import summary
from recovery_drill.report.table import print_verdict
from recovery_drill.report.timeline import Timeline, build_timeline, draw, picture
from recovery_drill.verdict import Verdict, decide

LOST = "The node holds 0 BTCUSDT after restart 1, but the exchange holds 0.010."
MINUTE = 60_000


def verdict() -> Verdict:
    """Return one scenario that held, one that broke, and one of which nothing can be said."""
    held = decide("held-one", "purpose <1>", frozenset(), evidence())
    broken = decide("broken-one", "purpose", frozenset(), with_state(positions=[]))
    unknown = replace(
        held,
        name="unknown-one",
        outcome="inconclusive",
        reason="The port was taken.",
        attempts=2,
        first_reason="The store ended.",
    )
    return Verdict(seed=7, scenarios=(held, broken, unknown))


def drill_record(kind: str, **data: object) -> Record:
    return Record(1, 1, 0, 0, BAR + MINUTE, "drill", kind, data)


def timeline() -> Timeline:
    history = [
        drill_record("opened", bar=BAR, price="60000"),
        drill_record("node.ended", number=1, code=-9, how="killed"),
        drill_record("node.ended", number=2, code=0, how="stopped"),
    ]
    journal = Journal()
    for minute, price in enumerate(("60100", "59900", "60200"), start=1):
        bar = ["60000", "60300", "59800", price]
        journal.add("market.bar_closed", symbol="BTCUSDT", bar=bar, close_ms=BAR + minute * MINUTE)
    return build_timeline(history, journal.entered().records)


def test_the_page_shows_every_sentence_and_escapes_what_it_is_given() -> None:
    shown = page(verdict(), {s.name: timeline() for s in verdict().scenarios})
    assert 'Recovery drill: <span class="broken">broken</span>' in shown
    assert LOST in shown
    assert "The port was taken." in shown
    assert "purpose &lt;1&gt;" in shown
    assert shown.count("<svg") == 3


def test_the_drawing_has_price_fills_and_kills() -> None:
    drawn = ElementTree.fromstring(picture(timeline()))  # noqa: S314 - made a line above
    classes = [element.get("class") for element in drawn.iter()]
    assert classes.count("price") == 1
    assert classes.count("buy") == 1
    assert classes.count("kill") == 2, "a line and its name, for the one kill"
    titles = [element.text for element in drawn.iter() if element.tag.endswith("title")]
    assert "BUY 0.010 at 60000 (EMA001-1704085259-E0)" in titles
    assert "life 1 of the node killed, exit code -9" in titles


def test_nothing_to_draw_is_said() -> None:
    assert draw(Timeline((), (), (), ())) == "<p>No bar was closed in this scenario.</p>"


def test_junit_has_a_case_for_each_check_and_fails_what_broke() -> None:
    suites = ElementTree.fromstring(junit(verdict()))  # noqa: S314 - made a line above
    assert [(s.get("name"), s.get("failures"), s.get("errors")) for s in suites] == [
        ("held-one", "0", "0"),
        ("broken-one", "2", "0"),
        ("unknown-one", "0", "1"),
    ]
    first, second = suites.iter("failure")
    assert first.get("message") == LOST
    assert "add up to" in str(second.get("message"))
    assert all(suite.get("tests") in {str(len(CHECKS)), str(len(CHECKS) + 1)} for suite in suites)


def test_the_summary_is_a_table_and_the_sentences() -> None:
    text = summary(verdict())
    assert "## Recovery drill: broken (seed 7)" in text
    assert "| broken-one | broken |" in text
    assert f"- `position-equals-exchange`: {LOST}" in text
    assert "- inconclusive: The port was taken." in text


def test_the_terminal_names_scenario_check_and_sentence() -> None:
    console = Console(record=True, width=200, highlight=False)
    print_verdict(console, verdict())
    text = console.export_text()
    assert f"broken-one: broke position-equals-exchange: {LOST}" in text
    assert "unknown-one: inconclusive: The port was taken." in text
    assert "unknown-one: second attempt; the first was inconclusive: The store ended." in text


def test_many_sentences_are_shown_by_the_first_ones() -> None:
    flood = replace(verdict().scenarios[1].checks[0], broken=tuple(f"{n}." for n in range(250)))
    broken = replace(verdict().scenarios[1], checks=(flood,))
    console = Console(record=True, width=200, highlight=False)
    print_verdict(console, Verdict(seed=7, scenarios=(broken,)))
    text = console.export_text()
    assert "position-equals-exchange: 2." in text
    assert "position-equals-exchange: 3." not in text
    assert "position-equals-exchange: and 247 times more, see verdict.json" in text
    shown = page(Verdict(seed=7, scenarios=(broken,)), {broken.name: timeline()})
    assert "and 230 times more" in shown


def test_a_run_without_records_is_reported_all_the_same(tmp_path: Path) -> None:
    for scenario in verdict().scenarios:
        (tmp_path / scenario.name).mkdir()
    assert write_reports(tmp_path, verdict()) == tmp_path / "report.html"
    assert "No bar was closed" in (tmp_path / "report.html").read_text()

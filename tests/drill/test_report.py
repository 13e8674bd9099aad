"""The reports say what the verdict says, to people and to machines."""

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from jinja2 import UndefinedError
from rich.console import Console

from baking import SECONDS_TO_RUN, BakedProject
from drill.evidence_builder import BAR, POLICY, Journal, evidence, with_state
from recovery_drill.checks import CHECKS
from recovery_drill.checks.decide import decide
from recovery_drill.record.boundary import Boundary, CrashPoint
from recovery_drill.record.coverage import NOT_CHOSEN, Coverage, Covered, cover
from recovery_drill.record.model import Record
from recovery_drill.record.schedule import Case, Market, Schedule, write_json
from recovery_drill.record.verdict import Verdict
from recovery_drill.report import write_reports
from recovery_drill.report.drawing import lay_out, ticks
from recovery_drill.report.fill import TEMPLATES, fill
from recovery_drill.report.junit import junit
from recovery_drill.report.material import Material, read_material
from recovery_drill.report.page import page
from recovery_drill.report.summary import summary
from recovery_drill.report.table import print_verdict
from recovery_drill.report.timeline import Timeline, build_timeline

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


def journal() -> Journal:
    kept = Journal()
    for minute, price in enumerate(("60100", "59900", "60200"), start=1):
        bar = ["60000", "60300", "59800", price]
        kept.add("market.bar_closed", symbol="BTCUSDT", bar=bar, close_ms=BAR + minute * MINUTE)
    return kept.entered()


def history(point: str = "") -> list[Record]:
    kept = [
        drill_record("opened", bar=BAR, price="60000"),
        drill_record("node.ended", number=1, code=-9, how="killed"),
        drill_record("node.ended", number=2, code=0, how="stopped"),
    ]
    if point:
        kept.append(drill_record("crash.point", boundary=point, nth=3, life=1))
    return kept


def timeline() -> Timeline:
    return build_timeline(history(), journal().records)


def picture(drawn: Timeline) -> str:
    """Return the drawing as a file of its own."""
    return fill("picture.svg.j2", drawing=lay_out(drawn))


def material(found: Verdict | None = None) -> Material:
    return Material(Path("runs/one"), found or verdict())


def point(what: str, nth: int, after: CrashPoint | None = None) -> Case:
    """Return the case that kills at a request."""
    here = CrashPoint(Boundary("request", what, "processed"), nth)
    name = f"recovering: {here.name}" if after else here.name
    folder = f"cases/{re.sub(r'[^a-z.0-9]+', '-', name).strip('-')}"
    points = (after, here) if after else (here,)
    return Case(name=name, scenario="workload", crash_points=points, folder=folder)


CASES = (
    point("order.new entry", 3),
    *(point(f"orders.read{n}", 1) for n in range(11)),
    point("klines.read", 2),
    point("account.read", 1, after=CrashPoint(Boundary("request", "order.new entry", "processed"))),
    point("ticker.read", 1),
)


def exploration(folder: Path, *, market: Market | None = None) -> Verdict:
    """Write a run of which twelve cases broke alike, one otherwise, and one says nothing."""
    held, alike, unknown = verdict().scenarios
    other = replace(alike, checks=tuple(reversed(alike.checks[:1])))
    ended = [alike] * 12 + [other, held, unknown]
    scenarios = tuple(
        replace(
            scenario,
            name=case.name,
            crash_points=tuple(p.boundary.name for p in case.crash_points),
        )
        for scenario, case in zip(ended, CASES, strict=True)
    )
    schedule = Schedule(
        seed=7, epoch=1_704_067_200_000, market=market, policy=POLICY, cases=CASES, exploration=True
    )
    schedule.write(folder)
    # One boundary is known and was left alone.
    lonely = Boundary("event", "ACCOUNT_UPDATE ORDER", "before")
    found = Counter(case.crash_points[-1].boundary for case in CASES if len(case.crash_points) == 1)
    recovery = Counter([CASES[13].crash_points[-1].boundary])
    covered = cover({**found, lonely: 9}, recovery, CASES, scenarios)
    write_json(folder / "coverage.json", covered)
    for case in CASES:
        place = folder / case.folder
        place.mkdir(parents=True)
        for name, records in (
            ("history.jsonl", history(case.crash_points[-1].boundary.name)),
            ("exchange.jsonl", journal().records),
        ):
            (place / name).write_bytes(msgspec.json.Encoder().encode_lines(records))
    return Verdict(seed=7, scenarios=scenarios)


def printed(
    found: Verdict, folder: Path | None = None, width: int = 80, *, terminal: bool = False
) -> str:
    console = Console(
        record=True, width=width, highlight=False, file=StringIO(), force_terminal=terminal
    )
    print_verdict(console, found, folder)
    return console.export_text()


def test_the_page_shows_every_sentence_and_escapes_what_it_is_given() -> None:
    shown = page(material(), {s.name: timeline() for s in verdict().scenarios})
    assert 'Recovery drill: <span class="broken">broken</span>' in shown
    assert LOST in shown
    assert "The port was taken." in shown
    assert "purpose &lt;1&gt;" in shown
    assert "recovery-drill replay runs/one/broken-one" in shown
    assert shown.count("<svg") == 3


ATTACKS = (
    "</p></span><script>alert(1)</script>",
    "\" onmouseover=\"alert(1)' onclick='alert(2)",
    "{{ 7 * 7 }}{% include 'page.css' %}{# gone #}",
    "]]></style></title><!-- &amp; <b>bold</b>",
    "\x1b[31mred\x01\x07\x0b",
)


class Read(HTMLParser):
    """The elements and the visible text of a page, as a browser takes them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.values: set[str | None] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self.values |= {value for _, value in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def told_by(words: str) -> tuple[Verdict, dict[str, Timeline]]:
    """Return a verdict and drawings into which somebody else has put his words."""
    held, broken, unknown = verdict().scenarios
    check = replace(broken.checks[0], name=words, broken=(words, words))
    left = replace(broken.checks[1], broken=(), left_out=words)
    scenarios = (
        replace(held, name=f"held {words}", purpose=words),
        replace(broken, name=f"broken {words}", checks=(check, left)),
        replace(unknown, name=f"unknown {words}", reason=words, first_reason=words),
    )
    drawn = build_timeline(history(words), journal().records)
    fills = tuple(replace(mark, text=words, side=words) for mark in drawn.fills)
    return Verdict(7, scenarios), {s.name: replace(drawn, fills=fills) for s in scenarios}


def as_a_document_holds_it(words: str) -> str:
    return re.sub(r"[\x00-\x08\x0b\x1b]", "\N{REPLACEMENT CHARACTER}", words)


def reported(words: str, *, exploration: bool) -> str:
    """Return the page of a run of which everything that is told says these words."""
    found, timelines = told_by(words)
    run = material(found)
    if exploration:
        cases = tuple(Case(name=s.name, scenario="w", folder=words) for s in found.scenarios)
        policy = msgspec.structs.replace(POLICY, node_command=(words,))
        schedule = Schedule(
            seed=7,
            epoch=None,
            market=Market(words, "00"),
            policy=policy,
            cases=cases,
            exploration=True,
        )
        boundary = Covered(
            name=words, kind="request", recovery=True, occurrences=1, killed=0, broken=0,
            skipped=words,
        )  # fmt: skip
        run = replace(run, schedule=schedule, coverage=Coverage((boundary,)))
    return page(run, timelines)


@pytest.mark.parametrize("exploration", [False, True], ids=["scenarios", "exploration"])
@pytest.mark.parametrize("words", ATTACKS, ids=["element", "quotes", "template", "end", "control"])
def test_whatever_is_told_stays_text(words: str, exploration: bool) -> None:
    tame, wild = (Read(reported(said, exploration=exploration)) for said in ("tame", words))
    assert wild.tags == tame.tags, "no element more, and none less"
    assert wild.attributes == tame.attributes
    shown = as_a_document_holds_it(words)
    # In commands a quote is written as a shell wants it.
    text = wild.text.replace("'\"'\"'", "'")
    assert text.count(shown) == tame.text.count("tame") > 10
    assert any(value and shown in value for value in wild.values), "in an attribute, too"


@pytest.mark.parametrize("words", ATTACKS, ids=["element", "quotes", "template", "end", "control"])
def test_whatever_is_told_leaves_xml_that_can_be_read(words: str) -> None:
    found, timelines = told_by(words)
    shown = as_a_document_holds_it(words)
    suites = ElementTree.fromstring(junit(material(found)))  # noqa: S314 - made here
    assert {failure.get("message") for failure in suites.iter("failure")} == {shown}
    for timeline in timelines.values():
        drawn = ElementTree.fromstring(picture(timeline))  # noqa: S314 - made here
        titles = [e.text or "" for e in drawn.iter() if e.tag.endswith("title")]
        assert any(shown in title for title in titles)


def test_no_template_trusts_what_it_is_given() -> None:
    assert TEMPLATES.autoescape is True
    assert TEMPLATES.loader is not None
    names = TEMPLATES.loader.list_templates()
    assert "page.html.j2" in names
    for name in names:
        source, _, _ = TEMPLATES.loader.get_source(TEMPLATES, name)
        assert not re.search(r"\|\s*safe|autoescape|Markup", source), name


@pytest.mark.processes
def test_an_installed_drill_has_its_templates(baked_project: BakedProject, tmp_path: Path) -> None:
    build = (sys.executable, "-m", "hatchling", "build", "--target", "wheel")
    built = subprocess.run(
        [*build, "--directory", str(tmp_path / "dist")],
        cwd=baked_project.path / "drill",
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_RUN,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    environment = {**baked_project.environment, "PYTHONPATH": str(wheel)}
    filled = "from recovery_drill.report.fill import TEMPLATES as t; print(*t.list_templates())"
    told = baked_project.run(sys.executable, "-c", filled, environment=environment)
    folder = baked_project.path / "drill/recovery_drill/report/templates"
    assert told.stdout.split() == sorted(path.name for path in folder.iterdir()), told.stderr


def test_a_name_that_nobody_passed_is_an_error_and_no_empty_place() -> None:
    with pytest.raises(UndefinedError, match="'facts' is undefined"):
        fill("page.html.j2", material=material(), verdict=verdict())


def test_the_page_needs_nothing_from_outside(tmp_path: Path) -> None:
    shown = write_reports(tmp_path, exploration(tmp_path)).read_text()
    assert not re.findall(r"""https?:|<link|<script|src=|url\(|@import""", shown)


def test_the_drawing_has_price_fills_and_kills() -> None:
    drawn = ElementTree.fromstring(picture(timeline()))  # noqa: S314 - made a line above
    classes = [element.get("class") for element in drawn.iter()]
    assert classes.count("price") == 1
    assert classes.count("buy") == 1
    assert classes.count("kill") == 2, "a line and its name, for the one kill"
    titles = [element.text for element in drawn.iter() if element.tag.endswith("title")]
    assert "BUY 0.010 at 60000 (EMA001-1704085259-E0)" in titles
    assert "life 1 of the node killed, exit code -9" in titles


def test_the_drawing_has_bars_and_prices_at_its_axes() -> None:
    drawn = ElementTree.fromstring(picture(timeline()))  # noqa: S314 - made a line above
    axes = [element.text for element in drawn.iter() if element.get("class") == "axis"]
    assert axes == ["59900", "60000", "60100", "60200", "0", "1", "2", "3", "4", "bar", "price"]


def test_the_drawing_names_the_crash_point() -> None:
    drawn = picture(build_timeline(history("order.new entry, processed"), journal().records))
    assert ">kill -9: order.new entry, processed (3)</text>" in drawn
    assert "exit code -9, at order.new entry, processed (3)</title>" in drawn


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (59_210.0, 60_390.0, [59_500.0, 60_000.0]),
        (0.0612, 0.0688, [0.062, 0.064, 0.066, 0.068]),
        (5.0, 5.0, [5.0]),
        (0.0, 500.0, [0.0, 200.0, 400.0]),
    ],
)
def test_ticks_are_round_and_few(low: float, high: float, said: list[float]) -> None:
    assert ticks(low, high, 4) == said


def test_nothing_to_draw_is_said() -> None:
    assert lay_out(Timeline((), (), (), ())) is None
    shown = page(material(), {"broken-one": Timeline((), (), (), ())})
    assert "<p>No bar was closed in this play.</p>" in shown


def test_junit_has_a_case_for_each_check_and_fails_what_broke() -> None:
    suites = ElementTree.fromstring(junit(material()))  # noqa: S314 - made a line above
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
    text = summary(material())
    assert "## Recovery drill: broken (seed 7)" in text
    assert "| broken-one | broken |" in text
    assert f"- `position-equals-exchange`: {LOST}" in text
    assert "- again: `recovery-drill replay runs/one/broken-one`" in text
    assert "- inconclusive: The port was taken." in text


def test_the_terminal_names_scenario_check_and_sentence() -> None:
    text = printed(verdict())
    assert f"broken-one: broke position-equals-exchange: {LOST}" in text
    assert "unknown-one: inconclusive: The port was taken." in text
    assert "unknown-one: second attempt; the first was inconclusive: The store ended." in text


def test_many_sentences_are_shown_by_the_first_ones() -> None:
    flood = replace(verdict().scenarios[1].checks[0], broken=tuple(f"{n}." for n in range(250)))
    broken = Verdict(seed=7, scenarios=(replace(verdict().scenarios[1], checks=(flood,)),))
    text = printed(broken)
    assert "position-equals-exchange: 2. (and 247 more, see verdict.json)" in text
    assert "position-equals-exchange: 3." not in text
    shown = page(material(broken), {"broken-one": timeline()})
    assert "19. (and 230 more, see verdict.json)" in shown


def test_a_skipped_scenario_is_told_with_its_reason_everywhere() -> None:
    why = "libfaketime is not installed."
    skipped = replace(verdict().scenarios[0], name="no-clock", outcome="skipped", reason=why)
    run = material(Verdict(seed=7, scenarios=(verdict().scenarios[0], skipped)))
    assert f"no-clock: skipped: {why}" in printed(run.verdict)
    assert f"- skipped: {why}" in summary(run)
    assert f'<p class="skipped">{why}</p>' in page(run, {})
    suite = ElementTree.fromstring(junit(run))[1]  # noqa: S314 - made a line above
    assert (suite.get("tests"), suite.get("skipped"), suite.get("failures")) == ("1", "1", "0")
    assert why in {found.get("message") for found in suite.iter("skipped")}


def test_a_check_that_is_left_out_is_told_with_its_reason() -> None:
    left = replace(verdict().scenarios[0].checks[0], evaluated=0, left_out="bars close meanwhile")
    run = material(Verdict(7, (replace(verdict().scenarios[0], checks=(left,)),)))
    for text in (printed(run.verdict), page(run, {}), summary(run), junit(run)):
        assert "bars close meanwhile" in text
    assert list(run.notes()) == ["position-equals-exchange left out: bars close meanwhile (1 case)"]


def test_a_run_without_records_is_reported_all_the_same(tmp_path: Path) -> None:
    for scenario in verdict().scenarios:
        (tmp_path / scenario.name).mkdir()
    assert write_reports(tmp_path, verdict()) == tmp_path / "report.html"
    assert "No bar was closed" in (tmp_path / "report.html").read_text()


def test_a_damaged_coverage_file_does_not_hide_the_verdict(tmp_path: Path) -> None:
    found = exploration(tmp_path)
    (tmp_path / "coverage.json").write_text('{"boundaries": [')
    shown = write_reports(tmp_path, found).read_text()
    assert LOST in shown
    assert "What was covered" not in shown


def test_the_terminal_tells_an_exploration_by_what_broke(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "runs" / "one"
    run.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    lines = printed(exploration(run), run).splitlines()
    assert lines[0].endswith("broke in 12 cases")
    assert lines[1] == "  order.new entry, processed (3)"
    assert f"    position-equals-exchange: {LOST}" in lines
    assert "    recovery-drill replay runs/one/cases/order.new-entry-processed-3" in lines
    assert "  and 2 more, see report.html" in lines
    assert "position-equals-exchange broke in 1 case" in lines
    assert "inconclusive in 1 case: The port was taken." in lines
    assert lines[-1] == "15 cases: 13 broken, 1 inconclusive, 1 held."
    assert not any("account.read" in line for line in lines), "it held"


def test_a_terminal_breaks_sentences_between_words_but_no_command(tmp_path: Path) -> None:
    text = printed(exploration(tmp_path), tmp_path, width=50, terminal=True)
    lines = [line.rstrip() for line in text.splitlines()]
    first = lines.index("    position-equals-exchange: The node holds 0")
    assert lines[first + 1] == "    BTCUSDT after restart 1, but the exchange"
    assert any(len(line) > 50 for line in lines if "recovery-drill replay" in line)


def test_a_narrow_terminal_breaks_no_name_of_a_scenario() -> None:
    held = replace(verdict().scenarios[0], name="exchange-expire-listen-key-and-more")
    rows = printed(Verdict(seed=7, scenarios=(held,)), width=70).splitlines()
    assert rows[-1].startswith("exchange-expire-listen-key-and-more  held ")


def test_a_replay_is_told_relative_to_here_only_if_that_is_shorter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = exploration(tmp_path, market=Market("my bars.csv", "00"))
    far = tmp_path / "a" / "b" / "c" / "d" / "e" / "f" / "g" / "h" / "i" / "j"
    far.mkdir(parents=True)
    monkeypatch.chdir(far)
    run = read_material(tmp_path, found)
    command = run.replay(found.scenarios[0])
    place = tmp_path / CASES[0].folder
    path = min(str(place), os.path.relpath(place), key=len)
    assert command == f"recovery-drill replay {path} --market 'my bars.csv'"
    monkeypatch.chdir(tmp_path)
    assert f"replay {CASES[0].folder} " in run.replay(found.scenarios[0])


def test_the_page_of_an_exploration_draws_only_what_did_not_hold(tmp_path: Path) -> None:
    found = exploration(tmp_path)
    shown = write_reports(tmp_path, found).read_text()
    assert "15 cases: 13 broken, 1 inconclusive, 1 held." in shown
    assert shown.count("<svg") == 14
    assert not (tmp_path / CASES[13].folder / "timeline.svg").exists()
    assert "kill -9: order.new entry, processed (3)" in shown
    assert shown.count("recovery-drill replay") == 14
    assert "<li>recovering: account.read, processed (1)</li>" in shown
    assert "2024-01-01 00:00 UTC (epoch 1704067200000)" in shown
    assert "<td>exchange requests, while recovering</td>" in shown
    places = set(re.findall(r'href="#([^"]+)"', shown))
    assert len(places) == 14
    assert places <= set(re.findall(r'id="([^"]+)"', shown)), "each link leads somewhere"


def test_every_boundary_is_told_with_what_became_of_it(tmp_path: Path) -> None:
    shown = write_reports(tmp_path, exploration(tmp_path)).read_text()
    every = dict(re.findall(r"<td>([^<]+, [^<]+)</td>\n<td>\d+</td>\n<td>(.*?)</td>", shown))
    assert len(every) == 16
    assert ">broken<" in every["order.new entry, processed"]
    assert ">inconclusive<" in every["ticker.read, processed"]
    assert ">held<" in every["recovering: account.read, processed"]
    assert every["ACCOUNT_UPDATE ORDER, before"] == NOT_CHOSEN


def test_the_summary_of_an_exploration_has_what_broke_before_what_was_covered(
    tmp_path: Path,
) -> None:
    text = summary(read_material(tmp_path, exploration(tmp_path)))
    assert text.index("broke in 12 cases") < text.index("| boundaries | found | killed at |")
    assert "| exchange requests, while recovering | 1 | 1 | 0 | 0 |" in text
    assert f"  - `position-equals-exchange`: {LOST}" in text


def test_junit_of_an_exploration_has_a_case_for_each_crash_point(tmp_path: Path) -> None:
    found = exploration(tmp_path)
    (suite,) = ElementTree.fromstring(junit(read_material(tmp_path, found)))  # noqa: S314 - our own
    counts = [suite.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert counts == ["15", "13", "1", "0"]
    first = suite[0]
    assert first.get("name") == "order.new entry, processed (3)"
    assert str(first[0].get("message")).startswith(LOST)
    assert "recovery-drill replay" in str(first[0].text)

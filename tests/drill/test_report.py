"""The reports say what the verdict says, to people and to machines."""

import base64
import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from jinja2 import UndefinedError
from rich.console import Console

from baking import SECONDS_TO_RUN, BakedProject
from drill.evidence_builder import BAR, POLICY
from drill.report_builder import (
    CASES,
    LOST,
    flooded,
    told_play,
    verdict,
    write_exploration,
    write_run,
)
from recovery_drill.checks import CHECKS
from recovery_drill.record.coverage import NOT_CHOSEN, Coverage, Covered
from recovery_drill.record.drilled import Drilled, commit_of, look_at_run
from recovery_drill.record.model import Record
from recovery_drill.record.schedule import Case, Market, Schedule
from recovery_drill.record.traded import Traded
from recovery_drill.record.verdict import Verdict
from recovery_drill.report import MOST_DRAWN, MOST_TOLD, write_reports
from recovery_drill.report.files import Link
from recovery_drill.report.fill import TEMPLATES, fill
from recovery_drill.report.junit import junit
from recovery_drill.report.material import Material, read_material
from recovery_drill.report.page import page
from recovery_drill.report.story import Story, tell_story
from recovery_drill.report.summary import summary, text
from recovery_drill.report.table import print_verdict
from recovery_drill.report.told_play import ToldPlay


def stories(found: Verdict, play: ToldPlay | None = None, words: str = "") -> dict[str, Story]:
    """Return what is told of each scenario, all of them of one play."""
    told = told_play() if play is None else play
    links = (Link(words or "history", "history.jsonl"),)
    return {
        s.name: tell_story(s, told, place=s.name, replay=f"replay {words}", links=links)
        for s in found.scenarios
    }


def picture(play: ToldPlay) -> str:
    """Return the drawing as a file of its own."""
    (story, *_) = stories(verdict(), play).values()
    return fill("picture.svg.j2", drawing=story.drawing)


def material(found: Verdict | None = None) -> Material:
    return Material(Path("runs/one"), found or verdict())


def printed(
    found: Verdict, folder: Path | None = None, width: int = 80, *, terminal: bool = False
) -> str:
    console = Console(
        record=True, width=width, highlight=False, file=StringIO(), force_terminal=terminal
    )
    print_verdict(console, found, folder)
    return console.export_text()


def test_the_page_shows_every_sentence_and_escapes_what_it_is_given() -> None:
    shown = page(material(), stories(verdict()))
    assert "<h1>Promises were broken</h1>" in shown
    assert LOST in shown
    assert "The port was taken." in shown
    assert "purpose &lt;1&gt;" in shown
    assert "recovery-drill replay runs/one/broken-one" in shown
    assert shown.count('<svg class="drawing" width="100%"') == 3


def test_the_page_says_first_what_came_out_what_it_means_and_what_to_do() -> None:
    shown = page(material(), stories(verdict()))
    order = [
        shown.index(text)
        for text in (
            "Recovery drill of EMA001 on BTCUSDT (1m bars)",
            "Promises were broken",
            "1 scenario of 3 broke a promise; 1 held, 1 inconclusive.",
            "What to do.",
            "What was drilled",
            "nautilus_trader 1.231.0",
            "0123456789ab",
            "2 cores, Linux 6.1 on x86_64",
            "Scenarios</h2>",
        )
    ]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("outcomes", "title", "to_do"),
    [
        (("held", "skipped"), "Every promise held", "recovery-drill explore"),
        (("inconclusive", "held"), "Nothing can be said yet", "recovery-drill replay runs/one/0"),
        (("skipped",), "Nothing can be said yet", "The reasons stand below."),
        (("broken", "held"), "Promises were broken", "recovery-drill replay runs/one/0"),
    ],
)
def test_each_verdict_says_what_to_do(outcomes: tuple[Any, ...], title: str, to_do: str) -> None:
    held = verdict().scenarios[0]
    told = [replace(held, name=str(n), outcome=outcome) for n, outcome in enumerate(outcomes)]
    run = material(Verdict(7, tuple(told)))
    for said in (page(run, {}), summary(run)):
        assert to_do in said
    assert title in page(run, {})


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


def told_by(words: str) -> tuple[Verdict, dict[str, Story]]:
    """Return a verdict and stories into which somebody else has put his words."""
    held, broken, unknown = verdict().scenarios
    check = replace(broken.checks[0], name=words, broken=(f"{words} at bar {BAR}", words))
    left = replace(broken.checks[1], broken=(), left_out=words)
    scenarios = (
        replace(held, name=f"held {words}", purpose=words),
        replace(broken, name=f"broken {words}", checks=(check, left)),
        replace(unknown, name=f"unknown {words}", reason=words, first_reason=words),
    )
    play = told_play(words)
    journal = tuple(
        msgspec.structs.replace(r, data=spoilt(r.data, words) if ".fill" in r.kind else r.data)
        for r in play.journal
    )
    drilled = msgspec.structs.replace(
        verdict().drilled or Drilled(),
        traded=(Traded(words, words, 60, 60),),
        versions={words: words},
        commit=words,
    )
    found = Verdict(7, scenarios, drilled=drilled)
    return found, stories(found, replace(play, journal=journal), words)


def spoilt(data: dict[str, Any], words: str) -> dict[str, Any]:
    """Return the record of a fill whose order has a name of somebody else's choice."""
    return {**data, "client_order_id": words, "fill": {**data["fill"], "client_order_id": words}}


def as_a_document_holds_it(words: str) -> str:
    return re.sub(r"[\x00-\x08\x0b\x1b]", "\N{REPLACEMENT CHARACTER}", words)


def reported(words: str, *, exploration: bool) -> str:
    """Return the page of a run of which everything that is told says these words."""
    found, told = told_by(words)
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
    return page(run, told)


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
    found, told = told_by(words)
    shown = as_a_document_holds_it(words)
    suites = ElementTree.fromstring(junit(material(found)))  # noqa: S314 - made here
    messages = {failure.get("message") for failure in suites.iter("failure")}
    assert messages == {shown, f"{shown} at bar 05:01"}
    for story in told.values():
        drawing = fill("picture.svg.j2", drawing=story.drawing)
        drawn = ElementTree.fromstring(drawing)  # noqa: S314 - made here
        titles = [e.text or "" for e in drawn.iter() if e.tag.endswith("title")]
        assert any(shown in title for title in titles)


@pytest.mark.parametrize("words", [*ATTACKS, "| a | b |\n\n# big", "`` ` [x](http://y) **z**"])
def test_whatever_is_told_stays_text_in_the_summary(words: str) -> None:
    tame, wild = (summary(material(told_by(said)[0])) for said in ("tame", words))
    assert len(wild.splitlines()) == len(tame.splitlines())
    outside_code = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", wild)
    assert not re.search(r"(?<!\\)<", outside_code)
    assert not re.search(r"(?<!\\)\]\(http", outside_code)
    rows = [line for line in wild.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}


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
    with pytest.raises(UndefinedError, match="'script_hash' is undefined"):
        fill("page.html.j2", verdict=verdict())


def test_the_page_needs_nothing_from_outside(tmp_path: Path) -> None:
    shown = write_reports(tmp_path, write_exploration(tmp_path)).read_text()
    assert not re.findall(r"""https?:|<link|src=|url\(|@import""", shown)
    (script,) = re.findall(r"<script>(.*?)</script>", shown, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in shown


def test_nothing_to_draw_is_said() -> None:
    shown = page(material(), stories(verdict(), ToldPlay()))
    assert "No bar was closed in this play." in shown


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


def test_a_promise_that_stays_broken_is_told_once_with_its_span() -> None:
    broken = Verdict(seed=7, scenarios=(flooded(),))
    said = "The node holds 0 BTCUSDT at bar 05:01, but the exchange holds 0.010."
    span = f"{said} (found 250 times, until at bar 09:10)"
    assert f"position-equals-exchange: {span}" in printed(broken)
    assert text(span) in summary(material(broken))
    (failure,) = ElementTree.fromstring(junit(material(broken))).iter("failure")  # noqa: S314 - ours
    assert failure.get("message") == span
    shown = page(material(broken), stories(broken))
    assert shown.count(said) == 2, "once in words, and once in the drawing"
    assert "found 250 times" in shown


def test_many_sentences_are_shown_by_the_first_ones() -> None:
    told = tuple(f"{n} is broken." for n in range(250))
    flood = replace(verdict().scenarios[1].checks[0], broken=told)
    broken = Verdict(seed=7, scenarios=(replace(verdict().scenarios[1], checks=(flood,)),))
    shown = printed(broken)
    assert "position-equals-exchange: 2 is broken. (and 247 more, see verdict.json)" in shown
    assert "position-equals-exchange: 3 is broken." not in shown
    assert "and 238 more broken promises, see verdict.json" in page(
        material(broken), stories(broken)
    )


def test_a_skipped_scenario_is_told_with_its_reason_everywhere() -> None:
    why = "libfaketime is not installed."
    skipped = replace(verdict().scenarios[0], name="no-clock", outcome="skipped", reason=why)
    run = material(Verdict(seed=7, scenarios=(verdict().scenarios[0], skipped)))
    assert f"no-clock: skipped: {why}" in printed(run.verdict)
    assert f"- skipped: {why}" in summary(run)
    assert f'<p class="skipped">{why}</p>' in page(run, stories(run.verdict))
    suite = ElementTree.fromstring(junit(run))[1]  # noqa: S314 - made a line above
    assert (suite.get("tests"), suite.get("skipped"), suite.get("failures")) == ("1", "1", "0")
    assert why in {found.get("message") for found in suite.iter("skipped")}


def test_a_check_that_is_left_out_is_told_with_its_reason() -> None:
    left = replace(verdict().scenarios[0].checks[0], evaluated=0, left_out="bars close meanwhile")
    run = material(Verdict(7, (replace(verdict().scenarios[0], checks=(left,)),)))
    told = stories(run.verdict)
    for said in (printed(run.verdict), page(run, told), summary(run), junit(run)):
        assert "bars close meanwhile" in said
    assert list(run.notes()) == ["position-equals-exchange left out: bars close meanwhile (1 case)"]


def test_a_run_without_records_is_reported_all_the_same(tmp_path: Path) -> None:
    for scenario in verdict().scenarios:
        (tmp_path / scenario.name).mkdir()
    assert write_reports(tmp_path, verdict()) == tmp_path / "report.html"
    assert "No bar was closed" in (tmp_path / "report.html").read_text()


def test_a_damaged_coverage_file_does_not_hide_the_verdict(tmp_path: Path) -> None:
    found = write_exploration(tmp_path)
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
    lines = printed(write_exploration(run), run).splitlines()
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
    text = printed(write_exploration(tmp_path), tmp_path, width=50, terminal=True)
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
    found = write_exploration(tmp_path, market=Market("my bars.csv", "00"))
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
    found = write_exploration(tmp_path)
    shown = write_reports(tmp_path, found).read_text()
    assert "13 cases of 15 broke a promise; 1 held, 1 inconclusive." in shown
    assert shown.count('<svg class="drawing" width="100%"') == 14
    assert not (tmp_path / CASES[13].folder / "timeline.svg").exists()
    assert "life 1 was killed, at order.new entry, processed (3)" in shown
    assert "2024-01-01 00:00 UTC (epoch 1704067200000)" in shown
    assert "<td>exchange requests, while recovering</td>" in shown
    places = set(re.findall(r'href="#([^"]+)"', shown))
    assert len(places) == 14
    assert places <= set(re.findall(r'id="([^"]+)"', shown)), "each link leads somewhere"


def test_an_exploration_in_which_all_held_draws_its_longest_outage(tmp_path: Path) -> None:
    found = write_exploration(tmp_path)
    held = found.scenarios[13]
    told = [replace(s, outcome="held", checks=held.checks, reason="") for s in found.scenarios]
    longest = replace(told[4], seconds_down=9.0)
    shown = write_reports(tmp_path, Verdict(7, (*told[:4], longest, *told[5:]))).read_text()
    assert "The longest outage, as an example</h2>" in shown
    assert shown.count('<svg class="drawing" width="100%"') == 1
    assert f'id="{CASES[4].folder}"' in shown


def test_the_table_of_cases_has_all_of_them_the_broken_ones_first(tmp_path: Path) -> None:
    shown = write_reports(tmp_path, write_exploration(tmp_path)).read_text()
    table = shown.partition("<tbody>")[2].partition("</tbody>")[0]
    outcomes = re.findall(r'<span class="pill (\w+)">', table)
    assert outcomes == ["broken"] * 13 + ["inconclusive", "held"]
    assert table.count("recovering</td>") == 1
    assert f'href="{CASES[13].folder}/history.jsonl">account.read</a>' in table


def test_each_file_of_a_case_is_linked_and_there(tmp_path: Path) -> None:
    shown = write_reports(tmp_path, write_run(tmp_path)).read_text()
    links = set(re.findall(r'href="([^"#]+)"', shown))
    assert "broken-one/history.jsonl" in links
    assert "broken-one/node-2.log" in links
    assert all((tmp_path / link).is_file() for link in links)


def test_a_page_of_hundreds_of_cases_stays_small(tmp_path: Path) -> None:
    found = write_exploration(tmp_path, more=300)
    shown = write_reports(tmp_path, found).read_text()
    assert shown.count('<svg class="drawing" width="100%"') == MOST_DRAWN
    assert shown.count('<details class="card"') == MOST_TOLD
    assert shown.count('<td class="place"') == 315
    assert len(shown) < 1_000_000


def test_what_is_drilled_is_read_from_node_project_and_log(tmp_path: Path) -> None:
    traded = [{"tag": "GRID", "symbol": "ETHUSDT", "bar_seconds": 3600, "window": 20}]
    (tmp_path / "case").mkdir()
    line = {"when": "at rest", "state": {"traded": traded}}
    record = Record(1, 1, 0, 0, None, "drill", "snapshot", line)
    (tmp_path / "case/history.jsonl").write_bytes(msgspec.json.encode(record))
    (tmp_path / "case/node-1.log").write_text("x [INFO] nautilus_trader: 1.231.0\npython: 3.13.0\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a"\nversion = "2.1"\n')
    drilled = look_at_run(
        tmp_path, [Path("case")], project=tmp_path, symbols=["BTCUSDT"], node="node", drill="9"
    )
    assert drilled.name == "GRID on ETHUSDT (1h bars)"
    assert drilled.versions == {
        "a": "2.1", "nautilus_trader": "1.231.0", "python": "3.13.0", "recovery-drill": "9"
    }  # fmt: skip
    assert (drilled.node, drilled.commit) == ("node", "")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", drilled.date)


def test_a_node_that_tells_nothing_is_named_by_its_symbols(tmp_path: Path) -> None:
    drilled = look_at_run(
        tmp_path, [Path("none")], project=tmp_path, symbols=["A", "B"], node="node", drill="9"
    )
    assert drilled.name == "A, B"
    assert drilled.versions == {"recovery-drill": "9"}


def test_the_commit_says_whether_something_was_changed_since(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(("git", *who, *words), cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "file").write_text("one")
    git("init", "-q")
    git("add", "file")
    git("commit", "-qm", "one")
    assert re.fullmatch("[0-9a-f]{12}", commit_of(tmp_path))
    (tmp_path / "file").write_text("two")
    assert commit_of(tmp_path).endswith("with changes that are not committed")


def test_every_boundary_is_told_with_what_became_of_it(tmp_path: Path) -> None:
    shown = write_reports(tmp_path, write_exploration(tmp_path)).read_text()
    row = r'<td>([^<]+, [^<]+)</td><td class="n">\d+</td>\n<td>(.*?)</td>'
    every = dict(re.findall(row, shown))
    assert len(every) == 16
    assert ">broken<" in every["order.new entry, processed"]
    assert ">inconclusive<" in every["ticker.read, processed"]
    assert ">held<" in every["recovering: account.read, processed"]
    assert every["ACCOUNT_UPDATE ORDER, before"] == NOT_CHOSEN


def test_the_summary_of_an_exploration_has_what_broke_before_what_was_covered(
    tmp_path: Path,
) -> None:
    text = summary(read_material(tmp_path, write_exploration(tmp_path)))
    assert text.index("broke in 12 cases") < text.index("| boundaries | found | killed at |")
    assert "| exchange requests, while recovering | 1 | 1 | 0 | 0 |" in text
    assert f"  - `position-equals-exchange`: {LOST}" in text


def test_junit_of_an_exploration_has_a_case_for_each_crash_point(tmp_path: Path) -> None:
    found = write_exploration(tmp_path)
    (suite,) = ElementTree.fromstring(junit(read_material(tmp_path, found)))  # noqa: S314 - our own
    counts = [suite.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert counts == ["15", "13", "1", "0"]
    first = suite[0]
    assert first.get("name") == "order.new entry, processed (3)"
    assert str(first[0].get("message")).startswith(LOST)
    assert "recovery-drill replay" in str(first[0].text)

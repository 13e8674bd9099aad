"""Public issues as scenarios: each is named once, listed, and told with its verdict."""

import re
from collections import Counter

from rich.console import Console

from baking import TEMPLATE
from recovery_drill.campaign.run import cases_of, subject_of
from recovery_drill.choice import list_scenarios
from recovery_drill.scenarios.kills import KILLS
from recovery_drill.scenarios.known import ISSUES, KNOWN, TORN, UNPLAYED

PAGE = TEMPLATE / "docs" / "track-record.md"
BRINGS_NOTHING = {"known-torn-fill-never-repaired"}
"""Its node is killed at a crash point, and nothing else goes wrong."""


def listed() -> str:
    console = Console(width=500)
    with console.capture() as said:
        assert list_scenarios(console) == 0
    return said.get()


def test_an_issue_stands_at_one_place() -> None:
    numbers = Counter(number for each in ISSUES for number in each.issues)
    numbers.update(list(UNPLAYED))
    assert [number for number, times in numbers.items() if times > 1] == []
    assert len(numbers) > 25


def test_a_scenario_says_the_symptom_and_the_number() -> None:
    for issue, scenario in zip(ISSUES, KNOWN, strict=True):
        assert scenario.name == f"known-{issue.name}"
        assert re.findall(r"#(\d+)", scenario.purpose) == [str(n) for n in issue.issues]


def test_all_of_them_are_listed() -> None:
    said = listed()
    section = said.split("Public issues of NautilusTrader, likewise:")[1]
    assert all(f"  {scenario.name} " in section for scenario in KNOWN)
    assert all(f"#{number} {why}." in section for number, why in UNPLAYED.items())
    others = said.split("Public issues of NautilusTrader, likewise:")[0]
    assert "known-" not in others


def test_each_brings_something_about() -> None:
    for scenario in KNOWN:
        name = scenario.fault().name
        assert (name == "none") == (scenario.name in BRINGS_NOTHING), scenario.name


def test_a_crash_point_of_a_scenario_is_in_its_schedule_and_must_be_reached() -> None:
    torn = next(s for s in KNOWN if s.name in BRINGS_NOTHING)
    (case,) = cases_of([torn])
    assert case.crash_points == (TORN,)
    assert subject_of(case).crash_points == (TORN,)
    assert all(case.crash_points == () for case in cases_of(KILLS))


def test_the_page_tells_of_each_what_the_engine_alone_does() -> None:
    page = PAGE.read_text("utf-8")
    rows = re.findall(r"^\| `(known-[a-z-]+)` \| ([#\d, ]+) \|", page, flags=re.MULTILINE)
    told = {name: re.findall(r"#(\d+)", numbers) for name, numbers in rows}
    assert told == {f"known-{i.name}": [str(n) for n in i.issues] for i in ISSUES}
    unplayed = re.findall(r"^\| #(\d+) \| (.+) \|$", page, flags=re.MULTILINE)
    assert [(int(number), why) for number, why in unplayed] == list(UNPLAYED.items())

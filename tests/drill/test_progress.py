"""Whoever waits for a run sees how far it is: in one line on a terminal, else in plain ones."""

from io import StringIO

import pytest
from rich.console import Console

from recovery_drill.campaign.progress import Lines, left
from recovery_drill.record.schedule import Case
from recovery_drill.record.verdict import Outcome, ScenarioVerdict

LONG = "recovering: store RPUSHX orders OrderFilled + HSET index:order_position, before (12)"


def case(name: str) -> Case:
    return Case(name=name, scenario="workload", folder=name)


def ended(name: str, outcome: Outcome = "held") -> ScenarioVerdict:
    return ScenarioVerdict(
        name=name,
        purpose="",
        outcome=outcome,
        checks=(),
        kills=1,
        fills=0,
        seconds_down=None,
        seconds_to_trading=None,
    )


def told(*, terminal: bool, brief: bool) -> str:
    """Return what is written while one case holds, one breaks and one is begun."""
    console = Console(
        file=StringIO(), force_terminal=terminal, width=80, color_system=None, highlight=False
    )
    with Lines(console, 12, brief=brief) as lines:
        for verdict in (ended("bar, closed (2)"), ended(LONG, "broken")):
            lines.began(case(verdict.name))
            lines.ended(verdict)
        lines.began(case(LONG))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("brief", [False, True])
def test_without_a_terminal_each_case_is_a_plain_line(brief: bool) -> None:
    first, second = told(terminal=False, brief=brief).splitlines()
    assert first == "  1 of 12  bar, closed (2): held (0.0 s)"
    assert second == f"  2 of 12  {LONG}: broken (0.0 s)  broken so far: 1"


def test_a_terminal_has_one_changing_line_that_is_never_longer_than_the_terminal() -> None:
    text = told(terminal=True, brief=True)
    assert "bar, closed (2): held" not in text, "what held is told in the changing line only"
    assert f"2 of 12  {LONG}: broken (0.0 s)  broken so far: 1" in text
    last = [line for line in text.replace("\r", "\n").splitlines() if "now: " in line][-1]
    shown = last[last.index("2 of 12") :]
    assert shown.startswith("2 of 12, 1 broken, about 0 s left; now: recovering: store RPUSHX")
    assert shown.endswith("…")
    assert len(shown) <= 78


def test_a_terminal_names_each_case_of_a_run_of_scenarios() -> None:
    assert "1 of 12  bar, closed (2): held (0.0 s)" in told(terminal=True, brief=False)


def test_brackets_in_names_are_no_markup() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=80, color_system=None)
    with Lines(console, 1) as lines:
        lines.began(case("[red]name"))
        lines.ended(ended("[red]name"))
    assert isinstance(console.file, StringIO)
    assert "1 of 1  [red]name: held" in console.file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "about 0 s left"), (44, "about 40 s left"), (1500, "about 25 min left")],
)
def test_the_rest_is_told_in_round_figures(seconds: float, said: str) -> None:
    assert left(seconds) == said

"""One case as the page tells it: its drawing, its moments, what broke and what held."""

from dataclasses import dataclass

from recovery_drill.record.verdict import CheckResult, ScenarioVerdict
from recovery_drill.report.drawing import draw
from recovery_drill.report.files import Link, links_of
from recovery_drill.report.findings import Break, Finder, bars_of
from recovery_drill.report.material import Material, figures, number_of
from recovery_drill.report.moments import Moment, all_moments, main_moments
from recovery_drill.report.parts import Drawing
from recovery_drill.report.times import market_time
from recovery_drill.report.told_play import ToldPlay, read_told_play

MOST_MOMENTS = 40
UNDISTURBED = "undisturbed"


@dataclass(frozen=True)
class Row:
    """A check that did not break, and what it says."""

    name: str
    kind: str
    text: str


@dataclass(frozen=True)
class Story:
    """What is told of one case.

    Parameters
    ----------
    verdict : ScenarioVerdict
        On it.
    place : str
        Where it is kept, which names it on the page, too.
    replay : str
        The command that plays it again.
    drawing : Drawing or None
        Of the play.
    caption : str
        What is drawn, in a line.
    moments : tuple[Moment, ...]
        The numbered moments of the drawing.
    breaks : tuple[Break, ...]
        What broke, moment by moment, each promise once.
    rows : tuple[Row, ...]
        The checks that did not break.
    summary : str
        How many these are.
    links : tuple[Link, ...]
        To its files.
    figures : tuple[str, ...]
        Kills, fills, seconds down and seconds to trading.
    drawn : bool
        Whether it was to be drawn.

    """

    verdict: ScenarioVerdict
    place: str
    replay: str
    drawing: Drawing | None = None
    caption: str = ""
    moments: tuple[Moment, ...] = ()
    breaks: tuple[Break, ...] = ()
    rows: tuple[Row, ...] = ()
    summary: str = ""
    links: tuple[Link, ...] = ()
    figures: tuple[str, ...] = ()
    drawn: bool = True


def read_story(material: Material, scenario: ScenarioVerdict, *, drawn: bool = True) -> Story:
    """Read what a case left, and tell it; one that is not drawn is told in words alone."""
    place, reference = material.place(scenario), material.reference(scenario)
    play = ToldPlay()
    if drawn:
        compared = material.folder / reference if reference else None
        if compared is None and not material.schedule:
            compared = material.folder / place / UNDISTURBED
        play = read_told_play(material.folder / place, compared)
    links = tuple(links_of(material.folder, place, reference))
    return tell_story(
        scenario, play, place=place, replay=material.replay(scenario), links=links, drawn=drawn
    )


def tell_story(
    scenario: ScenarioVerdict,
    play: ToldPlay,
    *,
    place: str,
    replay: str,
    links: tuple[Link, ...] = (),
    drawn: bool = True,
) -> Story:
    """Tell a case from its records."""
    moments = main_moments(play)
    finder = Finder(play, all_moments(play) if scenario.broken else ())
    findings = [found for check in scenario.checks if check.broken for found in finder.find(check)]
    rows = [_row(check) for check in scenario.checks if not check.broken]
    shown = moments[:MOST_MOMENTS]
    return Story(
        verdict=scenario,
        place=place,
        replay=replay,
        drawing=draw(play, shown, findings),
        caption=_caption(play),
        moments=tuple(shown),
        breaks=tuple(finder.breaks(findings)),
        rows=tuple(sorted(rows, key=lambda row: ("left-out", "held", "idle").index(row.kind))),
        summary=_summary(rows),
        links=links,
        figures=figures(scenario),
        drawn=drawn,
    )


def _caption(play: ToldPlay) -> str:
    clock = play.clock
    if clock is None:
        return ""
    first, last = clock.markets[0], clock.markets[-1]
    times = f"{market_time(first, day=True)} to {market_time(last, day=play.takes_days)} UTC"
    spent = f"{(play.ended_ns - play.began_ns) / 1e9:.0f} s"
    lives = f"{len(play.lives)} {'life' if len(play.lives) == 1 else 'lives'} of the node"
    bars = number_of(bars_of(play.history), "bar")
    return f"{times} of the market, {bars}, played in {spent} with {lives}"


def _row(check: CheckResult) -> Row:
    if check.left_out is not None:
        return Row(check.name, "left-out", f"left out: {check.left_out}")
    if check.evaluated:
        return Row(check.name, "held", f"held, looked {number_of(check.evaluated, 'time')}")
    return Row(check.name, "idle", "nothing to look at")


def _summary(rows: list[Row]) -> str:
    counts = {kind: sum(row.kind == kind for row in rows) for kind in ("held", "idle", "left-out")}
    said = [f"{number_of(counts['held'], 'check')} held"]
    said += [f"{counts['idle']} had nothing to look at"] if counts["idle"] else []
    said += [f"{counts['left-out']} left out"] if counts["left-out"] else []
    return ", ".join(said)

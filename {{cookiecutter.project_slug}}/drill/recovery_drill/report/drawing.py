"""One play as a drawing: where all of its parts go; pure.

How they look stands in ``templates/drawing.svg.j2`` and ``templates/drawing.css``.
"""

from collections.abc import Iterable, Iterator, Sequence

from recovery_drill.record.evidence import FaultSpan
from recovery_drill.report.clock import Clock
from recovery_drill.report.findings import Finding
from recovery_drill.report.market_panels import (
    HEAD,
    HEIGHT,
    POSITION,
    TITLE,
    draw_market,
    draw_positions,
    symbols_of,
)
from recovery_drill.report.moments import Moment
from recovery_drill.report.node_lanes import BAR, LANE, draw_faults, draw_lives, lanes_of, room_of
from recovery_drill.report.parts import (
    NARROW,
    WIDE,
    Badge,
    Box,
    Curve,
    Drawing,
    Line,
    Mark,
    Words,
    inside,
    place,
)
from recovery_drill.report.times import MINUTE_MS, market_time, seconds
from recovery_drill.report.told_play import ToldPlay

MOST_SYMBOLS = 4
BADGE, ROWS = 20.0, 3
LABEL = 58.0
"""How many pixels a time at the axis takes."""
STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 720, 1440, 2880, 7200, 14_400)


def draw(
    play: ToldPlay, moments: Sequence[Moment], findings: Sequence[Finding] = ()
) -> Drawing | None:
    """Return where everything goes; None when there is nothing to draw."""
    clock = play.clock
    if clock is None or not play.lives:
        return None
    badges, y = _badges(clock, moments)
    top, parts = y, list[object]()
    for lives in lanes_of(play.lives, play.ended_ns):
        parts += draw_lives(play, clock, lives, y)
        y += LANE
    for room, faults in _rooms(play.own_faults).items():
        parts += draw_faults(play, clock, room, faults, y)
        y += LANE
    if any(finding.began_ns is not None for finding in findings):
        parts += _broken(play, clock, findings, y)
        y += LANE
    compared = bool(play.reference)
    for symbol in symbols_of(play)[:MOST_SYMBOLS]:
        parts += draw_market(play, clock, symbol, y)
        y += HEAD + HEIGHT + 6
        parts += draw_positions(play, clock, symbol, y, compared=compared)
        y += (TITLE + POSITION + 2) * (2 if compared else 1) + 8
    columns = list(_columns(play, clock, top, y))
    lines = [
        Line(place(x), place(x), badge_y + 8, y, f"moment {kind}", title)
        for x, badge_y, kind, title in _moments(clock, moments, badges)
    ]
    axis = list(_axis(play, clock, y))
    return _drawing(y + 34, [*columns, *axis, *parts, *lines, *badges])


def _drawing(height: float, parts: Iterable[object]) -> Drawing:
    found: dict[type, list[object]] = {}
    for part in parts:
        found.setdefault(type(part), []).append(part)

    def of[Part](kind: type[Part]) -> tuple[Part, ...]:
        return tuple(part for part in found.get(kind, []) if isinstance(part, kind))

    return Drawing(
        height=height,
        label="the node's lives, price, orders and position over time",
        boxes=of(Box),
        lines=of(Line),
        curves=of(Curve),
        marks=of(Mark),
        badges=of(Badge),
        words=of(Words),
    )


def _badges(clock: Clock, moments: Sequence[Moment]) -> tuple[list[Badge], float]:
    """Return the moments' numbers, beside each other where a phone has room, and their height."""
    ends = [-BADGE] * ROWS
    found = []
    for number, moment in enumerate(moments, start=1):
        x = clock.at(moment.mono_ns)
        left = min(max(x * NARROW / 100, BADGE / 2), NARROW - BADGE / 2)
        row = next((n for n, end in enumerate(ends) if left - end >= BADGE), None)
        if row is not None:
            ends[row] = left
            title = f"{moment.seconds}: {moment.text}"
            found.append(Badge(place(x), 10 + row * BADGE, number, moment.kind, title))
    used = sum(end > 0 for end in ends)
    return found, max(used, 1) * BADGE + 6


def _moments(
    clock: Clock, moments: Sequence[Moment], badges: Sequence[Badge]
) -> Iterator[tuple[float, float, str, str]]:
    rows = {badge.number: badge.y for badge in badges}
    for number, moment in enumerate(moments, start=1):
        title = f"{moment.seconds}: {moment.text}"
        yield clock.at(moment.mono_ns), rows.get(number, 10.0), moment.kind, title


def _rooms(faults: Sequence[FaultSpan]) -> dict[str, list[FaultSpan]]:
    rooms: dict[str, list[FaultSpan]] = {}
    for fault in faults:
        rooms.setdefault(room_of(fault), []).append(fault)
    return rooms


def _columns(play: ToldPlay, clock: Clock, top: float, bottom: float) -> Iterator[object]:
    """Yield the times without a node that trades, from top to bottom."""
    outages = sorted(play.outages())
    for number, (since, until) in enumerate(outages):
        if any(until <= later for _, later in outages[:number]):
            continue  # a life that ended before it traded: the same time
        x, width = clock.at(since), clock.at(until) - clock.at(since)
        down = f"down {seconds(until, since)}"
        yield Box(place(x), place(width), top, bottom - top, "outage", down)
        yield from inside(x, width, bottom + 30, (down, seconds(until, since)), "on-outage")


def _broken(
    play: ToldPlay, clock: Clock, findings: Sequence[Finding], y: float
) -> Iterator[object]:
    yield Words(0, y + 10, "broken promises", "lane")
    yield Box(0, 100, y + 14, BAR, "well", "promises: kept")
    for finding in findings:
        if finding.began_ns is None:
            continue
        until = finding.ended_ns or finding.began_ns
        x, width = clock.at(finding.began_ns), clock.at(until) - clock.at(finding.began_ns)
        x, width = min(x, 99.0), max(width, 1.0)
        title = f"{finding.check}: {finding.sentence}"
        yield Box(place(x), place(min(width, 100 - x)), y + 14, BAR, "promise", title)


def _axis(play: ToldPlay, clock: Clock, y: float) -> Iterator[object]:
    """Yield the market's times, and below them the seconds of the play."""
    first, last = clock.markets[0], clock.markets[-1]
    minutes = (last - first) / MINUTE_MS
    step = next((s for s in STEPS if minutes / s <= 12), STEPS[-1]) * MINUTE_MS
    times = range(-(-first // step) * step, last + 1, step)
    taken = {NARROW: -LABEL, WIDE: -LABEL}
    for at in times[:40]:
        x = clock.last(at)
        shown = [
            pixels
            for pixels in (NARROW, WIDE)
            if x * pixels / 100 - taken[pixels] >= LABEL
            and LABEL / 2 <= x * pixels / 100 <= pixels - LABEL / 2
        ]
        for pixels in shown:
            taken[pixels] = x * pixels / 100
        if not shown:
            continue
        where = "" if len(shown) == 2 else ("narrow" if shown == [NARROW] else "wide")
        yield Line(place(x), place(x), y, y + 4, "tick")
        yield Words(place(x), y + 16, market_time(at), "axis", "middle", where)

"""The upper part of a drawing: the node's lives, and what was done to store and exchange; pure."""

from collections.abc import Iterator
from itertools import pairwise

from recovery_drill.record.evidence import FaultSpan, Life
from recovery_drill.report.clock import Clock
from recovery_drill.report.parts import Box, Line, Words, inside, place
from recovery_drill.report.times import seconds
from recovery_drill.report.told_play import ToldPlay

TITLE, BAR, GAP = 14.0, 18.0, 6.0
LANE = TITLE + BAR + GAP
LEAST = 0.35
"""The least width of something that lasted, in per cent: what was short is seen, too."""
STARTING = "starting"
SHOWN_AS = {"trading": "trading", "degraded": "degraded", "refused": "degraded"}
OF_THE_STORE, ELSE = "store", "machine"
ROOMS = {"store": OF_THE_STORE, "exchange": "exchange", "node": "node's process"}


def lanes_of(lives: tuple[Life, ...], until_ns: int) -> list[list[Life]]:
    """Sort lives into lanes, as few as there were nodes at a time."""
    lanes: list[list[Life]] = []
    for life in sorted(lives, key=lambda each: each.started_ns):
        free = (x for x in lanes if (x[-1].ended_ns or until_ns) <= life.started_ns)
        lane = next(free, None)
        if lane is None:
            lanes.append([life])
        else:
            lane.append(life)
    return lanes


def draw_lives(play: ToldPlay, clock: Clock, lives: list[Life], y: float) -> Iterator[object]:
    """Yield the parts of one lane: each life from its start to its end."""
    yield Words(0, y + 10, "node" if not lives[0].rival else "second node", "lane")
    for life in lives:
        yield from _draw_life(play, clock, life, y + TITLE)


def _draw_life(play: ToldPlay, clock: Clock, life: Life, y: float) -> Iterator[object]:
    ended = play.ended_ns if life.ended_ns is None else life.ended_ns
    steps = [(STARTING, life.started_ns), *((SHOWN_AS.get(n, n), at) for n, at in life.stages)]
    kept = [steps[0], *(s for s in steps[1:] if s[0] in ("trading", "degraded", "stopping"))]
    for (kind, since), (_, until) in pairwise([*kept, ("", ended)]):
        x, width = clock.at(since), clock.at(until) - clock.at(since)
        title = f"life {life.number}, {kind}: {seconds(until, since)}"
        yield Box(place(x), place(max(width, LEAST)), y, BAR, f"life {kind}", title)
        if kind == STARTING:
            took = seconds(until, since)
            texts: tuple[str, ...] = (f"starting, {took}", f"start {took}", took)
        elif kind == "trading":
            end = _end(life)
            texts = (f"life {life.number}{end}", f"life {life.number}", str(life.number))
        else:
            texts = (kind,)
        yield from inside(x, width, y + 13, texts, f"on-{kind}")
    for stage, at in life.stages:
        if SHOWN_AS.get(stage) is None and stage != "stopping":
            x = place(clock.at(at))
            title = f"{stage}, {seconds(at, life.started_ns)} after its start"
            yield Line(x, x, y + BAR - 4, y + BAR, "stage", title)
    for since, until_ns in life.pauses:
        until = ended if until_ns is None else until_ns
        x, width = clock.at(since), clock.at(until) - clock.at(since)
        took = seconds(until, since)
        title = f"life {life.number} stands still: {took}"
        yield Box(place(x), place(max(width, LEAST)), y, BAR, "life paused", title)
        yield from inside(x, width, y + 13, (f"stands still, {took}", took), "on-paused")


def _end(life: Life) -> str:
    match life.how:
        case None:
            return ""
        case "killed":
            return f", killed ({life.exit_code})"
        case "stopped":
            return f", stopped ({life.exit_code})"
        case _:
            return f", ended ({life.exit_code})"


def room_of(fault: FaultSpan) -> str:
    """Return whose lane a fault is drawn in."""
    room = fault.name.partition(".")[0]
    if fault.of_store and room != "host":
        return OF_THE_STORE
    return ROOMS.get(room, ELSE)


def draw_faults(
    play: ToldPlay, clock: Clock, room: str, faults: list[FaultSpan], y: float
) -> Iterator[object]:
    """Yield the parts of one lane of faults."""
    yield Words(0, y + 10, room, "lane")
    yield Box(0, 100, y + TITLE, BAR, "well", f"{room}: as it should be")
    for fault in faults:
        until = play.ended_ns if fault.ended_ns is None else fault.ended_ns
        x, width = clock.at(fault.began_ns), clock.at(until) - clock.at(fault.began_ns)
        took = seconds(until, fault.began_ns)
        title = f"{fault.name}: {took}"
        yield Box(place(x), place(max(width, LEAST)), y + TITLE, BAR, "ill", title)
        short = fault.name.partition(".")[2] or fault.name
        texts = (f"{fault.name}, {took}", f"{short}, {took}", short, took)
        yield from inside(x, width, y + TITLE + 13, texts, "on-ill")

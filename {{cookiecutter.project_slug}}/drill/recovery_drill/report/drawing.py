"""Where the parts of a drawing go: price, position, fills and kills over market time; pure.

How they look stands in ``templates/drawing.svg.j2``.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from recovery_drill.report.timeline import MINUTE_MS, Timeline

WIDTH, HEIGHT = 880, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 14, 36, 48
BAND, FLOOR = 10, HEIGHT - BOTTOM


@dataclass(frozen=True)
class Label:
    """A text, and which of its ends stands at the place."""

    x: float
    y: float
    text: str
    anchor: str = "end"


@dataclass(frozen=True)
class Tick:
    """A line of the grid and its label."""

    x1: float
    x2: float
    y1: float
    y2: float
    label: Label


@dataclass(frozen=True)
class Bar:
    """A position that was held for a while."""

    side: str
    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True)
class Arrow:
    """A fill: a triangle with its tip up for a buy, down for a sell."""

    side: str
    x: float
    tip: float
    height: float
    text: str


@dataclass(frozen=True)
class Kill:
    """A line from top to bottom, and its name beside it."""

    x: float
    y1: float
    y2: float
    text: str
    label: Label


@dataclass(frozen=True)
class Drawing:
    """All parts, with their places; the price is the points of a line as SVG writes them."""

    ticks: tuple[Tick, ...]
    titles: tuple[Label, ...]
    positions: tuple[Bar, ...]
    price: str
    fills: tuple[Arrow, ...]
    kills: tuple[Kill, ...]
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Scale:
    """From market time and price to a place in the drawing."""

    first: int
    last: int
    low: float
    high: float

    def x(self, at: float) -> float:
        """Return how far to the right a market time is."""
        return LEFT + (at - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)

    def y(self, price: float) -> float:
        """Return how far down a price is."""
        span = (self.high - self.low) or 1.0
        return TOP + (self.high - price) / span * (FLOOR - 10 - TOP)


def lay_out(timeline: Timeline) -> Drawing | None:
    """Return where everything goes; None when there is nothing to draw."""
    if len(timeline.closes) < 2:
        return None
    prices = [price for _, price in timeline.closes] + [mark.price for mark in timeline.fills]
    first, last = timeline.closes[0][0], timeline.closes[-1][0] + MINUTE_MS
    scale = Scale(first, last, min(prices), max(prices))
    return Drawing(
        ticks=(*_prices(scale), *_bars(scale)),
        titles=(Label(LEFT - 8, HEIGHT - 12, "bar"), Label(LEFT - 8, TOP - 18, "price")),
        positions=tuple(_positions(timeline, scale)),
        price=" ".join(f"{scale.x(at):.1f},{scale.y(p):.1f}" for at, p in timeline.closes),
        fills=tuple(_fills(timeline, scale)),
        kills=tuple(_kills(timeline, scale)),
    )


def _prices(scale: Scale) -> Iterator[Tick]:
    for price in ticks(scale.low, scale.high, 4):
        y = scale.y(price)
        label = Label(LEFT - 8, _place(y + 4), f"{price:.10g}")
        yield Tick(LEFT, WIDTH - RIGHT, _place(y), _place(y), label)


def _bars(scale: Scale) -> Iterator[Tick]:
    for bar in ticks(0, (scale.last - scale.first) / MINUTE_MS, 10, whole=True):
        x = _place(scale.x(scale.first + bar * MINUTE_MS))
        yield Tick(x, x, TOP, FLOOR, Label(x, HEIGHT - 12, f"{bar:g}", "middle"))


def ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """Return at most `most` round numbers from `low` to `high`, evenly spread."""
    least = (high - low) / most or 1.0
    power = 10.0 ** math.floor(math.log10(least))
    step = next(n * power for n in (1, 2, 5, 10) if n * power >= least)
    step = max(step, 1.0) if whole else step
    start, end = math.ceil(low / step), math.floor(high / step)
    return [round(n * step, 10) for n in range(start, end + 1)]


def _positions(timeline: Timeline, scale: Scale) -> Iterator[Bar]:
    for (start, quantity), (end, _) in pairwise([*timeline.positions, (scale.last, 0.0)]):
        x, width = scale.x(start), scale.x(end) - scale.x(start)
        if quantity and width > 0:
            side = "long" if quantity > 0 else "short"
            yield Bar(side, _place(x), FLOOR + 6, _place(width), BAND, f"{side} {quantity:g}")


def _fills(timeline: Timeline, scale: Scale) -> Iterator[Arrow]:
    for mark in timeline.fills:
        up = 5 if mark.side == "BUY" else -5
        x, tip = _place(scale.x(mark.at)), _place(scale.y(mark.price) - up)
        yield Arrow(mark.side.lower(), x, tip, 2 * up, mark.text)


def _kills(timeline: Timeline, scale: Scale) -> Iterator[Kill]:
    for number, mark in enumerate(timeline.kills):
        at, row = scale.x(mark.at), 14 + 14 * (number % 2)
        # Beside its line, on the side where there is room for the name of a crash point.
        left = at > (LEFT + WIDTH) / 2
        label = Label(
            _place(at - 4 if left else at + 4), row, mark.label, "end" if left else "start"
        )
        yield Kill(_place(at), row - 10, FLOOR + 18, mark.text, label)


def _place(value: float) -> float:
    """Return a place as exact as a drawing needs it."""
    return round(value, 1)

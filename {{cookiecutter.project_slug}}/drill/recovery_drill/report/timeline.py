"""One play over market time as a drawing: price, position, fills and kills."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

from recovery_drill.model import Record, read_records

WIDTH, HEIGHT = 880, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 14, 36, 48
BAND, FLOOR = 10, HEIGHT - BOTTOM
MINUTE_MS = 60_000

type Scale = Callable[[float], float]

STYLE = """
:root { --ink: #1d2733; --held: #1a7f4b; --broken: #c62b2b; --price: #3d5a80; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e8ee; --held: #4cc38a; --broken: #ff7b72; --price: #8fb3dd; } }
.price { fill: none; stroke: var(--price); stroke-width: 1.5; }
.long { fill: var(--held); opacity: .45; } .short { fill: var(--broken); opacity: .45; }
.buy { fill: var(--held); } .sell { fill: var(--broken); }
line.kill { stroke: var(--ink); stroke-dasharray: 4 3; }
.grid { stroke: var(--ink); opacity: .13; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg text.axis { opacity: .75; }
"""


@dataclass(frozen=True)
class Mark:
    """Something that happened at a market time: a fill has price and side, a kill a label."""

    at: int
    text: str
    price: float = 0.0
    side: str = ""
    label: str = ""


@dataclass(frozen=True)
class Timeline:
    """What is drawn: closes by market time, position changes, fills and kills."""

    closes: tuple[tuple[int, float], ...]
    positions: tuple[tuple[int, float], ...]
    fills: tuple[Mark, ...]
    kills: tuple[Mark, ...]


def read_timeline(folder: Path) -> Timeline:
    """Read one play's folder."""
    history, journal = (
        read_records(path.read_text(encoding="utf-8").splitlines()) if path.exists() else []
        for path in (folder / "history.jsonl", folder / "exchange.jsonl")
    )
    return build_timeline(history, journal)


def build_timeline(history: list[Record], journal: list[Record]) -> Timeline:
    """Collect from the records what is drawn."""
    closes = [(int(r.data["bar"]), float(r.data["price"])) for r in history if r.kind == "opened"]
    closes += [
        (int(r.data["close_ms"]), float(r.data["bar"][3]))
        for r in journal
        if r.kind == "market.bar_closed" and closes and int(r.data["close_ms"]) > closes[0][0]
    ]
    fills = [
        Mark(
            at=int(fill["market_ms"]),
            text="{side} {quantity} at {price} ({client_order_id})".format_map(fill),
            price=float(fill["price"]),
            side=str(fill["side"]),
        )
        for fill in (r.data["fill"] for r in journal if r.kind == "order.filled")
    ]
    positions = [
        (int(r.market_ms or 0), float(r.data["quantity"]))
        for r in journal
        if r.kind == "position.changed"
    ]
    return Timeline(tuple(closes), tuple(positions), tuple(fills), tuple(_kills(history)))


def _kills(history: list[Record]) -> Iterator[Mark]:
    """Yield each kill, with the name of its crash point if it has one."""
    points = {
        r.data["life"]: f"{r.data['boundary']} ({r.data['nth']})"
        for r in history
        if r.kind == "crash.point"
    }
    for r in history:
        if r.kind == "node.ended" and r.data["how"] == "killed":
            number, point = r.data["number"], points.get(r.data["number"], "")
            yield Mark(
                at=r.market_ms or 0,
                text=f"life {number} of the node killed, exit code {r.data['code']}"
                + (f", at {point}" if point else ""),
                label=f"kill -9: {point}" if point else "kill -9",
            )


def picture(timeline: Timeline) -> str:
    """Return the drawing as a file of its own."""
    head, _, rest = draw(timeline).partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{STYLE}</style>{rest}\n'


def draw(timeline: Timeline) -> str:
    """Return the drawing as an SVG element; a sentence when there is nothing to draw."""
    if len(timeline.closes) < 2:
        return "<p>No bar was closed in this play.</p>"
    prices = [price for _, price in timeline.closes] + [mark.price for mark in timeline.fills]
    low, high = min(prices), max(prices)
    first, last = timeline.closes[0][0], timeline.closes[-1][0] + MINUTE_MS

    def x(at: float) -> float:
        return LEFT + (at - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(price: float) -> float:
        return TOP + (high - price) / ((high - low) or 1.0) * (FLOOR - 10 - TOP)

    line = " ".join(f"{x(at):.1f},{y(price):.1f}" for at, price in timeline.closes)
    return "\n".join(
        [
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'aria-label="price, position, fills and kills over the bars">',
            *_axes(x, y, (low, high), (first, last)),
            *_positions(timeline, x, last),
            f'<polyline class="price" points="{line}"/>',
            *_fills(timeline, x, y),
            *_killed(timeline, x),
            "</svg>",
        ]
    )


def _axes(x: Scale, y: Scale, prices: tuple[float, float], times: tuple[int, int]) -> Iterator[str]:
    for price in ticks(*prices, 4):
        at = f"{y(price):.1f}"
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>'
        yield _text(LEFT - 8, y(price) + 4, f"{price:.10g}", anchor="end")
    first, last = times
    for bar in ticks(0, (last - first) / MINUTE_MS, 10, whole=True):
        at = f"{x(first + bar * MINUTE_MS):.1f}"
        yield f'<line class="grid" x1="{at}" x2="{at}" y1="{TOP}" y2="{FLOOR}"/>'
        yield _text(float(at), HEIGHT - 12, f"{bar:g}", anchor="middle")
    yield _text(LEFT - 8, HEIGHT - 12, "bar", anchor="end")
    yield _text(LEFT - 8, TOP - 18, "price", anchor="end")


def ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """Return at most `most` round numbers from `low` to `high`, evenly spread."""
    least = (high - low) / most or 1.0
    power = 10.0 ** math.floor(math.log10(least))
    step = next(n * power for n in (1, 2, 5, 10) if n * power >= least)
    step = max(step, 1.0) if whole else step
    start, end = math.ceil(low / step), math.floor(high / step)
    return [round(n * step, 10) for n in range(start, end + 1)]


def _positions(timeline: Timeline, x: Scale, last: int) -> Iterator[str]:
    for (start, quantity), (end, _) in pairwise([*timeline.positions, (last, 0.0)]):
        if quantity and x(end) > x(start):
            side = "long" if quantity > 0 else "short"
            yield (
                f'<rect class="{side}" x="{x(start):.1f}" y="{FLOOR + 6}" height="{BAND}" '
                f'width="{x(end) - x(start):.1f}"><title>{side} {quantity:g}</title></rect>'
            )


def _fills(timeline: Timeline, x: Scale, y: Scale) -> Iterator[str]:
    for mark in timeline.fills:
        cx, cy, d = x(mark.at), y(mark.price), 5 if mark.side == "BUY" else -5
        yield (
            f'<path class="{mark.side.lower()}" d="M{cx:.1f},{cy - d:.1f} l-5,{2 * d} h10 z">'
            f"<title>{escape(mark.text)}</title></path>"
        )


def _killed(timeline: Timeline, x: Scale) -> Iterator[str]:
    for number, mark in enumerate(timeline.kills):
        at, row = x(mark.at), 14 + 14 * (number % 2)
        # Beside its line, on the side where there is room for the name of a crash point.
        left = at > (LEFT + WIDTH) / 2
        yield (
            f'<line class="kill" x1="{at:.1f}" x2="{at:.1f}" y1="{row - 10}" y2="{FLOOR + 18}">'
            f"<title>{escape(mark.text)}</title></line>"
        )
        yield _text(at - 4 if left else at + 4, row, mark.label, "kill", "end" if left else "start")


def _text(x: float, y: float, text: str, kind: str = "axis", anchor: str = "start") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )

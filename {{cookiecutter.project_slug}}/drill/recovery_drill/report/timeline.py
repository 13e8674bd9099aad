"""One scenario over market time as a drawing: price, position, fills and kills."""

from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

from recovery_drill.model import Record, read_records

WIDTH, HEIGHT, MARGIN = 880, 190, 14
BAND = 10
MINUTE_MS = 60_000

STYLE = """
:root { --ink: #1d2733; --held: #1a7f4b; --broken: #c62b2b; --price: #3d5a80; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e8ee; --held: #4cc38a; --broken: #ff7b72; --price: #8fb3dd; } }
.price { fill: none; stroke: var(--price); stroke-width: 1.5; }
.long { fill: var(--held); opacity: .45; } .short { fill: var(--broken); opacity: .45; }
.buy { fill: var(--held); } .sell { fill: var(--broken); }
line.kill { stroke: var(--ink); stroke-dasharray: 4 3; }
text.kill { fill: var(--ink); font: 11px system-ui, sans-serif; }
"""


@dataclass(frozen=True)
class Mark:
    """Something that happened at a market time; `side` of a fill, empty for a kill."""

    at: int
    text: str
    price: float = 0.0
    side: str = ""


@dataclass(frozen=True)
class Timeline:
    """What is drawn: closes by market time, position changes, fills and kills."""

    closes: tuple[tuple[int, float], ...]
    positions: tuple[tuple[int, float], ...]
    fills: tuple[Mark, ...]
    kills: tuple[Mark, ...]


def read_timeline(folder: Path) -> Timeline:
    """Read one scenario's folder."""
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
    kills = [
        Mark(
            at=r.market_ms or 0,
            text=f"life {r.data['number']} of the node killed, exit code {r.data['code']}",
        )
        for r in history
        if r.kind == "node.ended" and r.data["how"] == "killed"
    ]
    return Timeline(tuple(closes), tuple(positions), tuple(fills), tuple(kills))


def picture(timeline: Timeline) -> str:
    """Return the drawing as a file of its own."""
    head, _, rest = draw(timeline).partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{STYLE}</style>{rest}\n'


def draw(timeline: Timeline) -> str:
    """Return the drawing as an SVG element; a sentence when there is nothing to draw."""
    if len(timeline.closes) < 2:
        return "<p>No bar was closed in this scenario.</p>"
    marks = [m.price for m in timeline.fills]
    prices = [price for _, price in timeline.closes] + marks
    low, high = min(prices), max(prices)
    first, last = timeline.closes[0][0], timeline.closes[-1][0] + MINUTE_MS

    def x(at: int) -> float:
        return MARGIN + (at - first) / (last - first) * (WIDTH - 2 * MARGIN)

    def y(price: float) -> float:
        span = (high - low) or 1.0
        return MARGIN + (high - price) / span * (HEIGHT - 3 * MARGIN - BAND)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="price, position, fills and kills">'
    ]
    changes = [*timeline.positions, (last, 0.0)]
    for (start, quantity), (end, _) in pairwise(changes):
        if quantity and x(end) > x(start):
            side = "long" if quantity > 0 else "short"
            parts.append(
                f'<rect class="{side}" x="{x(start):.1f}" y="{HEIGHT - MARGIN - BAND}" '
                f'width="{x(end) - x(start):.1f}" height="{BAND}">'
                f"<title>{side} {quantity:g}</title></rect>"
            )
    line = " ".join(f"{x(at):.1f},{y(price):.1f}" for at, price in timeline.closes)
    parts.append(f'<polyline class="price" points="{line}"/>')
    for mark in timeline.fills:
        cx, cy, d = x(mark.at), y(mark.price), 5 if mark.side == "BUY" else -5
        parts.append(
            f'<path class="{mark.side.lower()}" d="M{cx:.1f},{cy - d:.1f} l-5,{2 * d} h10 z">'
            f"<title>{escape(mark.text)}</title></path>"
        )
    for mark in timeline.kills:
        parts.append(
            f'<line class="kill" x1="{x(mark.at):.1f}" x2="{x(mark.at):.1f}" y1="{MARGIN // 2}" '
            f'y2="{HEIGHT - MARGIN // 2}"><title>{escape(mark.text)}</title></line>'
            f'<text class="kill" x="{x(mark.at) + 4:.1f}" y="{MARGIN}">kill -9</text>'
        )
    parts.append("</svg>")
    return "\n".join(parts)

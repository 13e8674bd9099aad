"""The lower part of a drawing: prices, stops and fills of a symbol, and its position; pure."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from recovery_drill.record.model import Record
from recovery_drill.report.clock import Clock
from recovery_drill.report.moments import decimal
from recovery_drill.report.parts import Box, Curve, Line, Mark, Words, inside, place
from recovery_drill.report.told_play import ToldPlay

HEIGHT, HEAD = 150.0, 22.0
FIELD = 1000
MOST_BARS, MOST_FILLS = 160, 240
POSITION, TITLE = 14.0, 14.0
LEVELS = ("order", "conditional")


@dataclass(frozen=True)
class Span:
    """A price or a quantity from one place to another."""

    x: float
    until: float
    value: float
    kind: str = ""


@dataclass(frozen=True)
class Range:
    """A bar, or some together: its lowest and highest price, and the last one."""

    x: float
    until: float
    low: float
    high: float
    close: float


@dataclass(frozen=True)
class Scale:
    """From a price to how far down it is, of a field of 1000 or of a panel."""

    low: float
    high: float

    def down(self, price: float, height: float) -> float:
        """Return how far down a price is."""
        span = (self.high - self.low) or 1.0
        return (0.04 + 0.92 * (self.high - price) / span) * height


def symbols_of(play: ToldPlay) -> list[str]:
    """Return the symbols that were traded, or the first of those that moved."""
    traded = [str(r.data["symbol"]) for r in play.journal if r.kind == "position.changed"]
    moved = [str(r.data["symbol"]) for r in play.journal if r.kind == "market.bar_closed"]
    return list(dict.fromkeys(traded)) or list(dict.fromkeys(moved))[:1]


def ranges_of(records: Sequence[Record], clock: Clock, symbol: str) -> list[Range]:
    """Return the bars that closed, in so many parts at most that a drawing stays small."""
    bars, began = list[Range](), None
    for r in records:
        if r.kind not in ("market.price", "market.bar_closed") or r.data["symbol"] != symbol:
            continue
        at = clock.at(r.mono_ns)
        # A bar begins with its first price: between two bars the market may stand still for long.
        began = at if began is None else began
        if r.kind == "market.bar_closed":
            _, high, low, close = (float(price) for price in r.data["bar"])
            bars.append(Range(began, at, low, high, close))
            began = None
    together = -(-len(bars) // MOST_BARS) or 1
    parts = (bars[number : number + together] for number in range(0, len(bars), together))
    return [
        Range(p[0].x, p[-1].until, min(b.low for b in p), max(b.high for b in p), p[-1].close)
        for p in parts
    ]


def path_of(records: Sequence[Record], clock: Clock, symbol: str) -> list[tuple[float, float]]:
    """Return the price's way through the bars, from where the history before them ends."""
    before = (r.data.get("bars", {}).get(symbol) for r in records if r.kind == "exchange.started")
    began = [(0.0, float(bars[-1][3])) for bars in before if bars]
    return began[:1] + [
        (clock.at(r.mono_ns), float(r.data["bar"][3] if "bar" in r.data else r.data["price"]))
        for r in records
        if r.kind in ("market.price", "market.bar_closed") and r.data["symbol"] == symbol
    ]


def levels_of(play: ToldPlay, clock: Clock, symbol: str) -> list[Span]:
    """Return from where to where each stop and each resting order was, and at which price."""
    begun: dict[str, tuple[float, float, str]] = {}
    found = []
    for r in play.journal:
        room, _, what = r.kind.partition(".")
        if room not in LEVELS or r.data.get("symbol") != symbol:
            continue
        key = f"{room} {r.data.get('exchange_order_id')}"
        x = clock.at(r.mono_ns)
        if key in begun and (what in ("closed", "triggered", "amended") or _is_over(r)):
            since, price, kind = begun.pop(key)
            found.append(Span(since, x, price, kind))
        price = float(decimal(r.data.get("trigger_price")) or decimal(r.data.get("price")))
        if what in ("accepted", "amended") and price and r.data.get("type") != "MARKET":
            stops = room == "conditional" and str(r.data.get("type")).startswith("STOP")
            begun[key] = (x, price, "stop" if stops else "resting")
    return found + [Span(since, 100, price, kind) for since, price, kind in begun.values()]


def _is_over(record: Record) -> bool:
    return record.kind == "order.filled" and record.data.get("status") == "FILLED"


def positions_of(records: Sequence[Record], symbol: str, places: Clock, mine: bool) -> list[Span]:
    """Return what was held from where to where; of another play by the market's time alone."""
    changes = [
        (
            places.at(r.mono_ns) if mine else places.first(r.market_ms or 0),
            float(decimal(r.data["quantity"])),
        )
        for r in records
        if r.kind == "position.changed" and r.data["symbol"] == symbol
    ]
    return [
        Span(x, until, held) for (x, held), (until, _) in pairwise([*changes, (100.0, 0.0)]) if held
    ]


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` round numbers from `low` to `high`, evenly spread."""
    least = (high - low) / most or 1.0
    power = 10.0 ** math.floor(math.log10(least))
    step = next(n * power for n in (1, 2, 5, 10) if n * power >= least)
    start, end = math.ceil(low / step), math.floor(high / step)
    return [round(n * step, 10) for n in range(start, end + 1)]


def draw_market(play: ToldPlay, clock: Clock, symbol: str, y: float) -> Iterator[object]:
    """Yield the parts of one symbol's panel: prices, levels, fills."""
    ranges = ranges_of(play.journal, clock, symbol)
    levels = levels_of(play, clock, symbol)
    fills = [
        (clock.at(r.mono_ns), dict(r.data["fill"]))
        for r in play.journal
        if r.kind == "order.filled" and r.data["symbol"] == symbol
    ]
    prices = [p for each in ranges for p in (each.low, each.high)]
    prices += [each.value for each in levels if each.kind == "stop"]
    prices += [float(decimal(fill["price"])) for _, fill in fills]
    if not prices:
        return
    scale, top = Scale(min(prices), max(prices)), y + HEAD
    yield Words(0, y + 12, symbol, "lane")
    for price in ticks(scale.low, scale.high, 3):
        at = place(top + scale.down(price, HEIGHT))
        yield Line(0, 100, at, at, "grid")
        yield Words(0, at - 3, f"{price:,.10g}", "axis")
    yield Curve(top, HEIGHT, "range", "".join(_box(each, scale) for each in ranges))
    path = path_of(play.journal, clock, symbol)
    if len(ranges) == MOST_BARS or len(path) > 6 * MOST_BARS:
        ends = [(each.until, each.close) for each in ranges]
        # Between two of them the market may have stood still for long.
        begins = [(later.x, each.close) for each, later in pairwise(ranges)]
        path = [*path[:1], *sorted([*ends, *begins])]
    yield Curve(top, HEIGHT, "price", _way(path, scale))
    for kind in ("stop", "resting"):
        way = "".join(_level(each, scale) for each in levels if each.kind == kind)
        yield Curve(top, HEIGHT, kind, way)
    yield from _draw_fills(fills, scale, top)


def _draw_fills(
    fills: list[tuple[float, dict[str, object]]], scale: Scale, top: float
) -> Iterator[Mark]:
    shown = fills if len(fills) <= MOST_FILLS else fills[:: -(-len(fills) // MOST_FILLS)]
    for x, fill in shown:
        side, price = str(fill["side"]), float(decimal(fill["price"]))
        title = "{side} {quantity} at {price} ({client_order_id})".format_map(fill)
        kind = "buy" if side == "BUY" else "sell"
        yield Mark(place(x), place(top + scale.down(price, HEIGHT)), kind, title)


def _field(x: float, price: float, scale: Scale) -> tuple[int, int]:
    return round(x * FIELD / 100), round(scale.down(price, FIELD))


def _box(each: Range, scale: Scale) -> str:
    x, top = _field(each.x, each.high, scale)
    until, bottom = _field(each.until, each.low, scale)
    width = max(until - x - 1, 1)
    return f"M{x},{top}h{width}v{max(bottom - top, 1)}h{-width}z"


def _way(path: Sequence[tuple[float, float]], scale: Scale) -> str:
    points = dict.fromkeys(_field(x, price, scale) for x, price in path)
    return " ".join(f"{'L' if n else 'M'}{x},{y}" for n, (x, y) in enumerate(points))


def _level(each: Span, scale: Scale) -> str:
    x, y = _field(each.x, each.value, scale)
    return f"M{x},{y}h{max(round(each.until * FIELD / 100) - x, 2)}"


def draw_positions(
    play: ToldPlay, clock: Clock, symbol: str, y: float, *, compared: bool
) -> Iterator[object]:
    """Yield the parts of the lane of what was held, and beside it what was undisturbed."""
    yield Words(0, y + 10, "position", "lane")
    yield from _held(positions_of(play.journal, symbol, clock, True), y + TITLE)
    if compared:
        below = y + TITLE + POSITION + 2
        yield Words(0, below + 10, "position, undisturbed", "lane")
        undisturbed = positions_of(play.reference, symbol, clock, False)
        yield from _held(undisturbed, below + TITLE, "undisturbed ")


def _held(spans: Sequence[Span], y: float, of: str = "") -> Iterator[object]:
    yield Box(0, 100, y, POSITION, "flat", f"{of}flat")
    for span in spans:
        side = "long" if span.value > 0 else "short"
        width, many = span.until - span.x, f"{abs(span.value):g}"
        kind = f"held-{side}" + (" ghost" if of else "")
        yield Box(place(span.x), place(max(width, 0.2)), y, POSITION, kind, f"{of}{side} {many}")
        yield from inside(span.x, width, y + 11, (f"{side} {many}", side), f"on-{side}")

"""One play over market time, as its records tell it: price, position, fills and kills."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recovery_drill.record.model import Record, read_records

MINUTE_MS = 60_000


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

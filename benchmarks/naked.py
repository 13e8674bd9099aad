"""How long a position stood at the exchange without a working stop of its whole size."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from plays import Record


@dataclass
class Book:
    """Position and stops of one symbol, as the exchange's journal tells them."""

    position: Decimal = Decimal(0)
    stops: dict[str, tuple[str, Decimal]] = field(default_factory=dict)
    """By client order id: the side and the size of what can still fill."""

    @property
    def is_naked(self) -> bool:
        """Whether a part of the position has no stop."""
        side = "SELL" if self.position > 0 else "BUY"
        covered = sum((size for at, size in self.stops.values() if at == side), Decimal(0))
        return covered < abs(self.position)

    def take(self, record: Record) -> None:
        """Take up the next record."""
        row = record.data
        match record.kind:
            case "position.changed":
                self.position = Decimal(row["quantity"])
            case "conditional.accepted" if is_stop(row):
                whole = row["close_position"]
                size = Decimal("Infinity") if whole else Decimal(row["quantity"])
                self.stops[row["client_order_id"]] = str(row["side"]), size
            case "conditional.closed":
                self.stops.pop(row["client_order_id"], None)
            # What a stop has become bears its name, and protects until it has ended.
            case "order.filled" | "order.closed" if row["status"] not in WORKS:
                self.stops.pop(row["client_order_id"], None)


WORKS = ("NEW", "PARTIALLY_FILLED")


def is_stop(row: dict[str, object]) -> bool:
    """Tell whether a conditional order protects."""
    only_ends = bool(row["reduce_only"] or row["close_position"])
    return str(row["type"]).startswith("STOP") and only_ends


def naked_seconds(journal: Iterable[Record], symbol: str, from_ns: int, to_ns: int) -> float:
    """Return for how long, between two moments, a position had no stop of its whole size."""
    book, naked_ns, since_ns = Book(), 0, 0
    for record in journal:
        if record.data.get("symbol") != symbol:
            continue
        was = book.is_naked
        book.take(record)
        if not was and book.is_naked:
            since_ns = record.mono_ns
        elif was and not book.is_naked:
            naked_ns += overlap(since_ns, record.mono_ns, from_ns, to_ns)
    if book.is_naked:
        naked_ns += overlap(since_ns, to_ns, from_ns, to_ns)
    return naked_ns / 1e9


def overlap(began: int, ended: int, from_ns: int, to_ns: int) -> int:
    """Return how much of one stretch lies in another."""
    return max(0, min(ended, to_ns) - max(began, from_ns))

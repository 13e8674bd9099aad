"""What happened at the exchange is what would have happened without the kills."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from recovery_drill.evidence import Evidence
from recovery_drill.model import Record

Row = tuple[str, ...]

NAMES = ("client_order_id", "side", "type", "quantity", "filled", "status", "reduce_only")
PRICES = ("price", "trigger_price", "average_price")


def equals_undisturbed(evidence: Evidence) -> Iterator[str | None]:
    """Compare the exchange's orders, triggers, fills and cancels, in order, with the reference.

    The reference is the same scenario in the same market, played without the kills. Stamps and the
    exchange's own ids are left out. After the first difference nothing more is compared.
    """
    if evidence.reference is None:
        return
    there, here = _rows(evidence.reference), _rows(evidence.journal)
    if not evidence.played:
        # Play ended early, and another check says why: as far as it went.
        there = there[: len(here)]
    for number, (expected, found) in enumerate(zip_longest(there, here), start=1):
        if expected != found:
            yield (
                f"Undisturbed, change {number} at the exchange is {_words(expected)}; with the "
                f"kills it was {_words(found)}."
            )
            return
        yield None


def _rows(records: Sequence[Record]) -> list[Row]:
    return [
        (r.kind, *(str(r.data[name]) for name in NAMES + PRICES))
        for r in records
        if r.kind.startswith(("order.", "conditional."))
    ]


def _words(row: Row | None) -> str:
    if row is None:
        return "none"
    kind, client_order_id, side, order_type, quantity, *_, trigger, average = row
    at = trigger if kind.startswith("conditional.") else average
    return f"{kind} {client_order_id} ({side} {quantity} {order_type} at {at})"

"""What happened at the exchange is what would have happened without the kills."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, zip_longest

from recovery_drill.record.evidence import Evidence
from recovery_drill.record.model import Record

Row = tuple[str, ...]

MARKET = "market."
KINDS = ("order.", "conditional.", "position.changed")
NAMES = ("client_order_id", "side", "type", "quantity", "filled", "status", "reduce_only")
PRICES = ("price", "trigger_price", "average_price")
ACCOUNT = ("symbol", "quantity", "entry_price", "wallet")


def equals_undisturbed(evidence: Evidence) -> Iterator[str | None]:
    """Compare orders, triggers, fills, cancels, position and wallet, in order, with the reference.

    The reference is the same scenario in the same market, played without the kills. Stamps and the
    exchange's own ids are left out. After the first difference nothing more is compared. A play
    that ended early on purpose is compared as far as its market went.
    """
    if evidence.reference is None:
        return
    there, here = _rows(evidence.reference), _rows(evidence.journal)
    if evidence.ended_early:
        moves = sum(r.kind.startswith(MARKET) for r in evidence.journal)
        there = _rows(_until(evidence.reference, moves))
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


def _until(records: Sequence[Record], moves: int) -> list[Record]:
    """Return the records up to the market's next move after so many."""
    before = accumulate(r.kind.startswith(MARKET) for r in records)
    return [record for record, moved in zip(records, before, strict=True) if moved <= moves]


def _rows(records: Sequence[Record]) -> list[Row]:
    return [
        (r.kind, *(str(r.data.get(name)) for name in _names(r)))
        for r in records
        if r.kind.startswith(KINDS)
    ]


def _names(record: Record) -> tuple[str, ...]:
    return ACCOUNT if record.kind == "position.changed" else NAMES + PRICES


def _words(row: Row | None) -> str:
    if row is None:
        return "none"
    if row[0] == "position.changed":
        _, symbol, quantity, entry, wallet = row
        return f"a position of {quantity} {symbol} at {entry} with {wallet} in the wallet"
    kind, client_order_id, side, order_type, quantity, *_, trigger, average = row
    at = trigger if kind.startswith("conditional.") else average
    return f"{kind} {client_order_id} ({side} {quantity} {order_type} at {at})"

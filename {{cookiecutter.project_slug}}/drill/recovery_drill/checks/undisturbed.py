"""What happened at the exchange is what would have happened without the kills."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import accumulate, zip_longest

from recovery_drill.record.evidence import Evidence
from recovery_drill.record.model import Record

Row = tuple[str, ...]
NO_ID = ""
"""Stands for a client order id that is not compared."""

MARKET = "market."
KINDS = ("order.", "conditional.", "position.changed")
NAMES = ("client_order_id", "side", "type", "quantity", "filled", "status", "reduce_only")
PRICES = ("price", "trigger_price", "average_price")
ACCOUNT, WALLET = ("symbol", "quantity", "entry_price"), "wallet"


def equals_undisturbed(evidence: Evidence) -> Iterator[str | None]:
    """Compare orders, triggers, fills, cancels, position and wallet, in order, with the reference.

    The reference is the same scenario in the same market, played without the kills. Stamps and the
    exchange's own ids are left out. After the first difference nothing more is compared. A play
    that ended early on purpose is compared as far as its market went.

    The policy says what is promised: all of it, or all but the client's own order ids, which may
    carry the time at which they were made, or only what is left in the end.

    Each symbol is compared by itself: which of two strategies is the faster one is no promise. So
    with several symbols the wallet, which they share, is compared at the end only.
    """
    if evidence.reference is None:
        return
    reference: Sequence[Record] = evidence.reference
    if evidence.ended_early:
        moves = sum(r.kind.startswith(MARKET) for r in evidence.journal)
        reference = _until(reference, moves)
    symbols = sorted(_symbols(reference) | _symbols(evidence.journal))
    if evidence.policy.ledger == "outcome":
        if evidence.played:
            yield from (_outcome(reference, evidence.journal, symbol) for symbol in symbols)
        return
    with_ids = evidence.policy.ledger == "ids"
    for symbol in symbols:
        there, here = (
            _rows(records, symbol, alone=len(symbols) == 1, with_ids=with_ids)
            for records in (reference, evidence.journal)
        )
        if not evidence.played:
            # Play ended early, and another check says why: as far as it went.
            there = there[: len(here)]
        where = "at the exchange" if len(symbols) == 1 else f"in {symbol}"
        for number, (expected, found) in enumerate(zip_longest(there, here), start=1):
            if expected != found:
                yield (
                    f"Undisturbed, change {number} {where} is {_words(expected)}; with the kills "
                    f"it was {_words(found)}."
                )
                return
            yield None
    if len(symbols) > 1 and evidence.played:
        wanted, held = _wallet(reference), _wallet(evidence.journal)
        yield (
            None
            if wanted == held
            else f"Undisturbed, {wanted} is in the wallet at the end; with the kills it was {held}."
        )


def _until(records: Sequence[Record], moves: int) -> list[Record]:
    """Return the records up to the market's next move after so many."""
    before = accumulate(r.kind.startswith(MARKET) for r in records)
    return [record for record, moved in zip(records, before, strict=True) if moved <= moves]


def _symbols(records: Sequence[Record]) -> set[str]:
    return {str(r.data.get("symbol")) for r in records if r.kind.startswith(KINDS)}


def _wallet(records: Sequence[Record]) -> str:
    told = [str(r.data.get("wallet")) for r in records if r.kind == "position.changed"]
    return told[-1] if told else "nothing new"


def _rows(
    records: Sequence[Record], symbol: str, *, alone: bool, with_ids: bool
) -> list[Row]:
    def value(record: Record, name: str) -> str:
        is_named = with_ids or name != NAMES[0]
        return str(record.data.get(name)) if is_named else NO_ID

    return [
        (r.kind, *(value(r, name) for name in _names(r, alone=alone)))
        for r in records
        if r.kind.startswith(KINDS) and str(r.data.get("symbol")) == symbol
    ]


def _outcome(reference: Sequence[Record], journal: Sequence[Record], symbol: str) -> str | None:
    """Compare what is left in a symbol: the position, and the stops that protect it."""
    there, here = _left(reference, symbol), _left(journal, symbol)
    if there == here:
        return None
    return f"Undisturbed, {symbol} ends with {there}; with the kills it ended with {here}."


def _left(records: Sequence[Record], symbol: str) -> str:
    """Say in words what is left in a symbol at the end."""
    position, stops = "0", dict[str, str]()
    for record in records:
        row = record.data
        if str(row.get("symbol")) != symbol:
            continue
        if record.kind == "position.changed":
            position = str(row["quantity"])
        elif record.kind.startswith("conditional.") and str(row["type"]).startswith("STOP"):
            if record.kind == "conditional.accepted":
                # Its level may differ: a stop that was set later has followed another price.
                stops[str(row["exchange_order_id"])] = f"{row['side']} {row['quantity']}"
            elif row["status"] != "NEW":
                stops.pop(str(row["exchange_order_id"]), None)
    protection = ", ".join(sorted(stops.values())) or "none"
    return f"a position of {Decimal(position).normalize():f} and these stops: {protection}"


def _names(record: Record, *, alone: bool) -> tuple[str, ...]:
    if record.kind != "position.changed":
        return NAMES + PRICES
    return (*ACCOUNT, WALLET) if alone else ACCOUNT


def _words(row: Row | None) -> str:
    if row is None:
        return "none"
    if row[0] == "position.changed":
        _, symbol, quantity, entry, *wallet = row
        beside = f" with {wallet[0]} in the wallet" if wallet else ""
        return f"a position of {quantity} {symbol} at {entry}{beside}"
    kind, client_order_id, side, order_type, quantity, *_, trigger, average = row
    at = trigger if kind.startswith("conditional.") else average
    name = f" {client_order_id}" if client_order_id else ""
    return f"{kind}{name} ({side} {quantity} {order_type} at {at})"

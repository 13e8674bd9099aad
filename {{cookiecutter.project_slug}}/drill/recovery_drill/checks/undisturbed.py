"""What happened at the exchange is what would have happened without the kills."""

import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import accumulate, zip_longest
from typing import NamedTuple

from recovery_drill.record.contract import Stage
from recovery_drill.record.evidence import Evidence
from recovery_drill.record.model import Record

Row = tuple[str, ...]

MARKET, ARMED = "market.", "fault.armed"
KINDS = ("order.", "conditional.", "position.changed")
NAMES = ("client_order_id", "side", "type", "quantity", "filled", "status", "reduce_only")
PRICES = ("price", "trigger_price", "average_price")
ACCOUNT, WALLET = ("symbol", "quantity", "entry_price"), "wallet"
OWN_WAY = (
    "The node did otherwise than in the undisturbed play before anything was done to it, so what "
    'it does afterwards cannot be compared (`ledger = "outcome"` promises less).'
)
HINDERED = (
    "{} the node was degraded for a while, though nothing was done to it: the machine was too "
    "slow, or the node complains of what is not so. What it did cannot be compared."
)
NO_ID = ""
"""Stands for a client order id that is not compared."""


class Change(NamedTuple):
    """One change at the exchange, as it is compared.

    Parameters
    ----------
    row : Row
        What changed.
    by_ns : int
        By when it and all that stands before it had happened; where what comes between two moves of
        the market is sorted, that is the second of them.

    """

    row: Row
    by_ns: int


class Difference(NamedTuple):
    """The first change that is not as in the undisturbed play.

    Parameters
    ----------
    sentence : str
        What differs.
    by_ns : int or None
        By when; None where what should have happened did not.

    """

    sentence: str
    by_ns: int | None


def equals_undisturbed(evidence: Evidence) -> Iterator[str | None]:
    """Compare orders, triggers, fills, cancels, position and wallet, in order, with the reference.

    The reference is the same scenario in the same market, played without the kills. Stamps and the
    exchange's own ids are left out. After the first difference nothing more is compared. A play
    that ended early on purpose is compared as far as its market went.

    The policy says what is promised: all of it; or all but the client's own order ids, which may
    carry the time at which they were made, and what is done between two moves of the market in any
    order; or only what is left in the end.

    Each symbol is compared by itself: which of two strategies is the faster one is no promise. So
    with several symbols the wallet, which they share, is compared at the end only.
    """
    for found in _compared(evidence):
        yield None if found is None else found.sentence


def incomparable(evidence: Evidence) -> str | None:
    """Return why a difference says nothing of the kills, with the difference; None if it does.

    A node that does otherwise before anything was done to it does not do the same twice in the same
    market, kill or no kill. And one that was degraded though nothing was done to it, in one of the
    two plays, has opened nothing meanwhile: a machine that is too slow brings that about.
    """
    found = next(filter(None, _compared(evidence)), None)
    if found is None:
        return None
    first = _first_disturbance(evidence)
    if found.by_ns is not None and (first is None or found.by_ns < first):
        why = OWN_WAY
    elif evidence.reference_degraded:
        why = HINDERED.format("In the undisturbed play")
    elif _is_degraded_by_itself(evidence, first):
        why = HINDERED.format("This time")
    else:
        return None
    return f"{why} {found.sentence.replace('with the kills', 'this time')}"


def _first_disturbance(evidence: Evidence) -> int | None:
    disturbed = [life.ended_ns for life in evidence.lives if life.ended_ns is not None]
    disturbed += [fault.began_ns for fault in evidence.faults]
    disturbed += [began for life in evidence.lives for began, _ in life.pauses]
    disturbed += [life.started_ns for life in evidence.lives[1:]]
    # Not every fault is noted as one; what both plays have at the exchange has disturbed neither.
    there = [_armed(record) for record in evidence.reference or () if record.kind == ARMED]
    disturbed += [
        record.mono_ns
        for record in evidence.journal
        if record.kind == ARMED and _armed(record) not in there
    ]
    return min(disturbed, default=None)


def _armed(record: Record) -> tuple[object, object]:
    return record.data.get("name"), record.data.get("options")


def _is_degraded_by_itself(evidence: Evidence, first: int | None) -> bool:
    """Return whether it was degraded before anything was done to it, or while nobody had time."""
    at = [ns for life in evidence.lives for stage, ns in life.stages if stage == Stage.DEGRADED]
    notice = int(evidence.policy.budgets.notice_seconds * 1e9)
    return any(
        first is None
        or ns < first
        or any(late.from_ns <= ns <= late.to_ns + notice for late in evidence.late)
        for ns in at
    )


def _compared(evidence: Evidence) -> Iterator[Difference | None]:
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
            _changes(records, symbol, alone=len(symbols) == 1, with_ids=with_ids)
            for records in (reference, evidence.journal)
        )
        if not evidence.played:
            # Play ended early, and another check says why: as far as it went.
            there = there[: len(here)]
        where = "at the exchange" if len(symbols) == 1 else f"in {symbol}"
        for number, (expected, found) in enumerate(zip_longest(there, here), start=1):
            wanted, got = expected and expected.row, found and found.row
            if wanted != got:
                words = (
                    f"Undisturbed, change {number} {where} is {_words(wanted)}; with the kills "
                    f"it was {_words(got)}{_apart(wanted, got)}."
                )
                yield Difference(words, found and found.by_ns)
                return
            yield None
    if len(symbols) > 1 and evidence.played:
        before, held = _wallet(reference), _wallet(evidence.journal)
        yield (
            None
            if before == held
            else Difference(
                f"Undisturbed, {before} is in the wallet at the end; with the kills it was {held}.",
                None,
            )
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


def _changes(
    records: Sequence[Record], symbol: str, *, alone: bool, with_ids: bool
) -> list[Change]:
    """Return what is compared of a symbol; without ids, what comes between two moves is sorted."""
    changes: list[Change] = []
    moment: list[Change] = []
    for record in records:
        if record.kind.startswith(MARKET) and not with_ids:
            changes += [Change(row, record.mono_ns) for row, _ in sorted(moment)]
            moment.clear()
        if record.kind.startswith(KINDS) and str(record.data.get("symbol")) == symbol:
            values = (_value(record, name, with_ids) for name in _names(record, alone=alone))
            moment.append(Change((record.kind, *values), record.mono_ns))
    last = moment if with_ids else [Change(row, sys.maxsize) for row, _ in sorted(moment)]
    return [*changes, *last]


def _value(record: Record, name: str, with_ids: bool) -> str:
    return NO_ID if name == NAMES[0] and not with_ids else str(record.data.get(name))


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


def _apart(wanted: Row | None, got: Row | None) -> str:
    """Say in what two changes differ whose words are the same."""
    if wanted is None or got is None or _words(wanted) != _words(got):
        return ""
    pairs = zip(NAMES + PRICES, wanted[1:], got[1:], strict=False)
    apart = (f"{name} is {one} and was {other}" for name, one, other in pairs if one != other)
    return f": {', '.join(apart)}"


def _outcome(
    reference: Sequence[Record], journal: Sequence[Record], symbol: str
) -> Difference | None:
    """Compare what is left in a symbol: the position, and the stops that protect it."""
    there, here = _left(reference, symbol), _left(journal, symbol)
    if there == here:
        return None
    sentence = f"Undisturbed, {symbol} ends with {there}; with the kills it ended with {here}."
    return Difference(sentence, None)


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
            else:
                stops.pop(str(row["exchange_order_id"]), None)
    protection = ", ".join(sorted(stops.values())) or "none"
    return f"a position of {Decimal(position).normalize():f} and these stops: {protection}"

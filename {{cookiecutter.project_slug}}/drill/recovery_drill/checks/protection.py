"""An open position is protected by exactly one stop."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from recovery_drill.record.contract import OPEN_AT_EXCHANGE
from recovery_drill.record.evidence import Evidence
from recovery_drill.record.model import ExchangeOrder, Ledger

MOST_WHILE_REPLACED = 2


def one_protective_stop(evidence: Evidence) -> Iterator[str | None]:
    """Judge each settled snapshot, and the time between them by the journal.

    At rest, and after the node has ended by itself or was stopped, an open position has exactly one
    working stop of the opposite side and its whole quantity. In between, a position that was
    protected once stays so: one stop, or two while one replaces the other, never none. What is left
    of a position after its stop has filled, because orders that rested filled a moment before, is
    to be protected anew.
    """
    for snapshot in evidence.snapshots:
        yield from _all_at_rest(evidence, snapshot.ledger, snapshot.when)
    for left in evidence.left:
        yield from _all_at_rest(evidence, left.ledger, left.when)
    for symbol in evidence.policy.symbols:
        yield from _in_between(evidence, symbol)
    if evidence.after_stop is not None:
        yield from _all_at_rest(evidence, evidence.after_stop, "after it was asked to stop")


def _all_at_rest(evidence: Evidence, ledger: Ledger, when: str) -> Iterator[str | None]:
    for symbol in evidence.policy.symbols:
        position = ledger.position(symbol)
        if position != 0:
            stops = [o for o in ledger.working(symbol) if o.protects]
            yield _at_rest(symbol, position, stops, when)


def _at_rest(symbol: str, position: Decimal, stops: list[ExchangeOrder], when: str) -> str | None:
    names = ", ".join(f"{o.client_order_id} {o.side} {o.quantity}" for o in stops) or "none"
    if len(stops) != 1:
        return (
            f"A position of {position} {symbol} has {len(stops)} working stops instead of one "
            f"{when}: {names}."
        )
    stop = stops[0]
    if stop.side != ("SELL" if position > 0 else "BUY"):
        return f"The stop of {position} {symbol} is on the wrong side {when}: {names}."
    if not stop.close_position and stop.quantity != abs(position):
        return f"The stop of {position} {symbol} is for {stop.quantity} {when}: {names}."
    return None


def _in_between(evidence: Evidence, symbol: str) -> Iterator[str | None]:
    working: dict[str, str] = {}
    firing: dict[str, str] = {}
    position = Decimal(0)
    protected = False
    for record in evidence.journal:
        row = record.data
        if row.get("symbol") != symbol:
            continue
        if record.kind == "position.changed":
            after = Decimal(row["quantity"])
            if after == 0 or after * position < 0:
                protected = False
            position = after
        elif record.kind.startswith("conditional."):
            _follow_stop(record.kind, row, working, firing)
        elif record.kind in ("order.filled", "order.closed"):
            if row["status"] not in OPEN_AT_EXCHANGE:
                fired = working.pop(firing.pop(str(row["client_order_id"]), ""), None)
                if fired is not None and record.kind == "order.filled":
                    protected = protected and bool(working)
        else:
            continue
        guards = list(working.values()).count("SELL" if position > 0 else "BUY")
        if position != 0 and not protected and guards:
            protected = True
        if position != 0 and protected and record.kind.startswith("conditional."):
            yield _between(symbol, position, guards, str(row["client_order_id"]))


def _follow_stop(
    kind: str, row: dict[str, Any], working: dict[str, str], firing: dict[str, str]
) -> None:
    """Keep the set of stops that protect; one that fires does so until its order has ended."""
    if not str(row["type"]).startswith("STOP") or not (row["reduce_only"] or row["close_position"]):
        return
    stop_id = str(row["exchange_order_id"])
    match kind:
        case "conditional.accepted":
            working[stop_id] = str(row["side"])
        case "conditional.triggered":
            firing[str(row["client_order_id"])] = stop_id
        case "conditional.closed":
            working.pop(stop_id, None)
        case _:
            pass


def _between(symbol: str, position: Decimal, stops: int, last: str) -> str | None:
    if 1 <= stops <= MOST_WHILE_REPLACED:
        return None
    return (
        f"A position of {position} {symbol} that had been protected had {stops} working stops "
        f"(last change: {last})."
    )

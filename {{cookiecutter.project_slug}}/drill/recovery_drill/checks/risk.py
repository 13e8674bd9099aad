"""A node opens nothing while it says that it is degraded."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from recovery_drill.checks.triggered import turned_into
from recovery_drill.record.contract import Stage
from recovery_drill.record.evidence import Evidence, Life
from recovery_drill.record.model import Record

ON_ITS_WAY_NS = 1_000_000_000
"""For so long an order may have been on its way when the node noticed that something is wrong."""
ACCEPTED = ("order.accepted", "conditional.accepted")


def no_risk_while_degraded(evidence: Evidence) -> Iterator[str | None]:
    """Judge each time in which a node was degraded and something that it must notice lasted.

    In it the exchange accepts no order of the node that could make a position larger. What else
    degrades a node may be about one symbol alone, so that it trades on in the others.
    """
    for life in evidence.lives:
        for from_ns, to_ns in _degraded(life):
            if not any(f.must_notice and f.touches(from_ns, to_ns) for f in evidence.faults):
                continue
            opened = [
                record
                for record in _opening(evidence)
                if from_ns + ON_ITS_WAY_NS < record.mono_ns < to_ns
            ]
            for record in opened:
                row = record.data
                after = (record.mono_ns - from_ns) / 1e9
                yield (
                    f"Life {life.number} of the node opened risk with order "
                    f"{row['client_order_id']} ({row['side']} {row['quantity']} {row['symbol']}) "
                    f"{after:.1f} s after it had said that it is degraded."
                )
            if not opened:
                yield None


def _degraded(life: Life) -> Iterator[tuple[int, int]]:
    """Yield from when until when a life was degraded."""
    last = 2**63 if life.ended_ns is None else life.ended_ns
    for (stage, at), (_, until) in pairwise((*life.stages, ("", last))):
        if stage == Stage.DEGRADED:
            yield at, until


def _opening(evidence: Evidence) -> Iterator[Record]:
    """Yield each order of the node that could make a position larger when it was accepted."""
    triggered = turned_into(evidence.journal)
    held: dict[str, Decimal] = {}
    for record in evidence.journal:
        row = record.data
        if record.kind == "position.changed":
            held[str(row["symbol"])] = Decimal(row["quantity"])
        if record.kind not in ACCEPTED or str(row["exchange_order_id"]) in triggered:
            continue
        if row["symbol"] not in evidence.policy.symbols or row["reduce_only"]:
            continue
        if row["close_position"] or evidence.policy.intent_of(str(row["client_order_id"])) is None:
            continue
        before = held.get(str(row["symbol"]), Decimal(0))
        change = Decimal(row["quantity"]) * (1 if row["side"] == "BUY" else -1)
        if abs(before + change) > abs(before):
            yield record

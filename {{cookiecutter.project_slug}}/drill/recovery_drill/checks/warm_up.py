"""No order is sent on cold indicators."""

from collections.abc import Iterator

from recovery_drill.record.evidence import Evidence, Life
from recovery_drill.record.model import Record

SENDS = ("order.new", "conditional.new")


def no_decision_before_warm_up(evidence: Evidence) -> Iterator[str | None]:
    """Each life asks for enough closed bars, and says that it trades, before its first order.

    What is sent beside a rival is the other node's until the rival trades: the exchange cannot tell
    them apart. What arrives before a life says that it connects is the last word of the one before.
    """
    for life in evidence.lives:
        trading = life.reached("trading")
        if life.rival and trading is None:
            continue
        requests = [r for r in evidence.journal if r.kind == "request" and _within(r, life)]
        since = trading if life.rival and trading is not None else life.started_ns
        sent_by_it = (r for r in requests if r.data["request"] in SENDS and r.mono_ns >= since)
        first = next(sent_by_it, None)
        if first is None:
            continue
        bars = sum(
            int(r.data.get("rows") or 0)
            for r in requests
            if r.data["request"] == "klines.read"
            and r.data["symbol"] in evidence.policy.symbols
            and r.mono_ns < first.mono_ns
        )
        needed = evidence.policy.warm_up_bars
        sent = f"Life {life.number} of the node sent order {first.data.get('client_order_id')}"
        if trading is None or first.mono_ns < trading:
            yield f"{sent} before it said that it trades."
        elif bars < needed:
            yield f"{sent} after {bars} of {needed} warm-up bars."
        else:
            yield None


def _within(record: Record, life: Life) -> bool:
    began, ended = life.reached("connect") or life.started_ns, life.ended_ns
    return record.mono_ns >= began and (ended is None or record.mono_ns <= ended)

"""One node trades at a time."""

from collections.abc import Iterator
from math import inf

from recovery_drill.record.contract import OVER, Stage
from recovery_drill.record.evidence import Evidence, Life

Span = tuple[float, float]


def one_node_trades(evidence: Evidence) -> Iterator[str | None]:
    """Look for two lives that traded at the same time.

    A life trades from its stage `trading` until it stops, refuses or ends. One that is paused does
    not, and neither right after: it must find out first that another has taken over.
    """
    spans = [(life, _trading(evidence, life)) for life in evidence.lives]
    for index, (life, trading) in enumerate(spans):
        if not trading:
            continue
        others = [other for other, theirs in spans[:index] if _overlap(trading, theirs)]
        for other in others:
            yield f"Lives {other.number} and {life.number} of the node traded at the same time."
        if not others:
            yield None


def _trading(evidence: Evidence, life: Life) -> list[Span]:
    ended = inf if life.ended_ns is None else life.ended_ns
    spans: list[Span] = []
    since: int | None = None
    for stage, at in life.stages:
        if stage == Stage.TRADING and since is None:
            since = at
        elif stage in OVER and since is not None:
            spans.append((since, at))
            since = None
    if since is not None:
        spans.append((since, ended))
    grace = evidence.policy.budgets.notice_seconds * 1e9
    for began, resumed in life.pauses:
        woken = inf if resumed is None else resumed + grace
        spans = [part for span in spans for part in _without(span, began, woken)]
    return spans


def _without(span: Span, from_ns: float, to_ns: float) -> list[Span]:
    parts = [(span[0], min(span[1], from_ns)), (max(span[0], to_ns), span[1])]
    return [(began, ended) for began, ended in parts if began < ended]


def _overlap(these: list[Span], those: list[Span]) -> bool:
    return any(a[0] < b[1] and b[0] < a[1] for a in these for b in those)

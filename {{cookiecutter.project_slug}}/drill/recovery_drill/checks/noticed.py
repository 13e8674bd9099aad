"""A node does not go on trading without what it needs."""

from collections.abc import Iterator

from recovery_drill.record.contract import OPENS_NOTHING, ExitCode, Stage
from recovery_drill.record.evidence import Evidence, FaultSpan, Life


def loss_is_noticed(evidence: Evidence) -> Iterator[str | None]:
    """Judge each life that traded while something that it must notice lasted beyond its budget.

    Within the budget it says that it is degraded, refuses, stops, or ends with 75. A life that the
    drill ends before is not judged.
    """
    seconds = evidence.policy.budgets.notice_seconds
    budget = int(seconds * 1e9)
    for fault in evidence.faults:
        for life in evidence.lives if fault.must_notice else ():
            since = _traded_since(life, fault)
            if since is None or not _lasted(life, fault, since + budget):
                continue
            name = f"Life {life.number} of the node"
            if _left(life, since, since + budget):
                yield None
            elif _ended_itself(life) and life.ended_ns is not None:
                after = (life.ended_ns - since) / 1e9
                yield (
                    f"{name} ended with code {life.exit_code} {after:.1f} s into {fault.name}, "
                    f"instead of leaving trading, or ending with {ExitCode.AWAY}, within "
                    f"{seconds:g} s."
                )
            else:
                yield f"{name} was still trading {seconds:g} s into {fault.name}."


def _traded_since(life: Life, fault: FaultSpan) -> int | None:
    """Return when a life that trades during a fault could first notice it."""
    if life.ended_ns is not None and life.ended_ns <= fault.began_ns:
        return None
    before = [stage for stage, at in life.stages if at <= fault.began_ns]
    if before and before[-1] == Stage.TRADING:
        return fault.began_ns
    return next((at for s, at in life.stages if s == Stage.TRADING and at > fault.began_ns), None)


def _lasted(life: Life, fault: FaultSpan, until_ns: int) -> bool:
    """Tell whether the node had its whole budget, unless it ended by itself before."""
    if fault.ended_ns is not None and fault.ended_ns <= until_ns:
        return False
    return _ended_itself(life) or life.ended_ns is None or life.ended_ns > until_ns


def _left(life: Life, from_ns: int, to_ns: int) -> bool:
    if any(stage in OPENS_NOTHING and from_ns <= at <= to_ns for stage, at in life.stages):
        return True
    ended = life.ended_ns is not None and from_ns <= life.ended_ns <= to_ns
    return ended and _ended_itself(life) and life.exit_code == ExitCode.AWAY


def _ended_itself(life: Life) -> bool:
    return life.how in ("by itself", "with its environment")

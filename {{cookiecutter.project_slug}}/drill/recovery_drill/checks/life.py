"""A node trades within its budget, or ends with a code; nothing in between."""

from collections.abc import Iterator

from recovery_drill.record.contract import ExitCode, Stage
from recovery_drill.record.evidence import Evidence, Life

KILLED = -9


def no_zombie(evidence: Evidence) -> Iterator[str | None]:
    """Each life reaches trading in time, does not end by itself, and settles when it should.

    While something is done to what it needs, and a budget longer, it may be late, end with 75 to be
    started again, or with 70 because it cannot be sure of what it holds. The life that is started
    when all is well again has no excuse. A rival, started beside a node that runs, need not trade.
    One that stands by has to once it is its turn, and the one whose place it takes ends with 75.
    """
    for life in evidence.lives:
        yield None if _blameless(evidence, life) else _shortcoming(evidence, life)
    settle = evidence.policy.budgets.settle_seconds
    for wait in evidence.unsettled:
        started = [life.started_ns for life in evidence.lives if life.started_ns <= wait.mono_ns]
        if not _disturbed(evidence, max(started, default=0), wait.mono_ns, settle):
            yield f"The node did not come to rest: {wait.what}."


def _blameless(evidence: Evidence, life: Life) -> bool:
    if life.how == "with its environment" or _kept_the_other_half(life):
        return True
    if life.how not in ("by itself", "stopped") or life.ended_ns is None:
        return False
    if life.replaced_ns is not None and life.how == "by itself":
        return life.exit_code == ExitCode.AWAY
    if life.only_beside and life.reached(Stage.TRADING) is None:
        return life.exit_code == (ExitCode.AWAY if life.how == "by itself" else ExitCode.STOPPED)
    start = evidence.policy.budgets.start_seconds
    return life.exit_code in (ExitCode.AWAY, ExitCode.REFUSED) and _disturbed(
        evidence, life.started_ns, life.ended_ns, start
    )


def _shortcoming(evidence: Evidence, life: Life) -> str | None:
    budget = evidence.policy.budgets.start_seconds
    trading = life.reached(Stage.TRADING)
    last = life.stages[-1][0] if life.stages else "no stage"
    name = f"Life {life.number} of the node"
    if life.how == "stopped" and life.exit_code == KILLED:
        return (
            f"{name} was asked to stop and had not ended within "
            f"{evidence.policy.budgets.stop_seconds:g} s; it was killed."
        )
    if life.how == "stopped" and life.exit_code != ExitCode.STOPPED:
        return f"{name} was asked to stop and ended with code {life.exit_code} instead of 0."
    if life.how == "by itself":
        return f"{name} ended by itself with code {life.exit_code} in {last}."
    if life.how == "killed" and trading is None:
        return None
    until = trading or life.ended_ns or life.due_ns
    if _disturbed(evidence, life.due_ns, until):
        return None
    if trading is None:
        return f"{name} never traded: it was last in {last}."
    if trading - life.due_ns > budget * 1e9:
        seconds = (trading - life.due_ns) / 1e9
        return f"{name} took {seconds:.1f} s to trade, of {budget:g} s allowed."
    return None


def _disturbed(evidence: Evidence, from_ns: int, to_ns: int, seconds: float | None = None) -> bool:
    """Tell whether a fault lasted at any time between two, or in the last seconds of it."""
    if seconds is not None:
        from_ns = max(from_ns, to_ns - int(seconds * 1e9))
    return any(fault.touches(from_ns, to_ns) for fault in evidence.faults)


def _kept_the_other_half(life: Life) -> bool:
    """Tell a node that could not start at all, or not as it is configured, from one that could."""
    code = life.exit_code or 0
    return (
        life.reached(Stage.TRADING) is None
        and life.how == "by itself"
        and (code == ExitCode.CONFIGURATION or (life.number == 1 and code > 0))
    )

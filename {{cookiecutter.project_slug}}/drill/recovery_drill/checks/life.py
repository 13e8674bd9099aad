"""A node trades within its budget, or ends with a code; nothing in between."""

from collections.abc import Iterator

from recovery_drill.evidence import Evidence, Life

CONFIGURATION_ERROR = 78


def no_zombie(evidence: Evidence) -> Iterator[str | None]:
    """Each life reaches trading in time, does not end by itself, and settles when it should."""
    budget = evidence.policy.budgets.start_seconds
    for life in evidence.lives:
        trading = life.reached("trading")
        last = life.stages[-1][0] if life.stages else "no stage"
        name = f"Life {life.number} of the node"
        if life.how == "with its environment" or _kept_the_other_half(life):
            yield None
        elif life.how == "stopped" and life.exit_code != 0:
            yield f"{name} was asked to stop and ended with code {life.exit_code} instead of 0."
        elif life.how == "by itself":
            yield f"{name} ended by itself with code {life.exit_code} in {last}."
        elif trading is None:
            yield (None if life.how == "killed" else f"{name} never traded: it was last in {last}.")
        elif trading - life.started_ns > budget * 1e9:
            seconds = (trading - life.started_ns) / 1e9
            yield f"{name} took {seconds:.1f} s to trade, of {budget:g} s allowed."
        else:
            yield None
    for wait in evidence.unsettled:
        yield f"The node did not come to rest: {wait.what}."


def _kept_the_other_half(life: Life) -> bool:
    """Tell a node that could not start at all, or not with its settings, from one that could."""
    code = life.exit_code or 0
    return (
        life.reached("trading") is None
        and life.how == "by itself"
        and (code == CONFIGURATION_ERROR or (life.number == 1 and code > 0))
    )

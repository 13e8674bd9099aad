"""What is wrong while a node trades is said, and so is what a person should know."""

from collections.abc import Iterator

from recovery_drill.record.contract import ExitCode
from recovery_drill.record.evidence import Evidence, Named

HEALTHY = 200


def wrong_is_named(evidence: Evidence) -> Iterator[str | None]:
    """Judge what the node had to say at ``/state`` and ``/health`` while something was wrong.

    A node that has ended for its supervisor, or refused to go on, has said so in another way.
    """
    for named in evidence.named:
        yield _kept_silent(named)


def _kept_silent(named: Named) -> str | None:
    if named.ended in (ExitCode.AWAY, ExitCode.REFUSED):
        return None
    if not named.sentence:
        return f"The node said nothing of {named.what} at /state within {named.within_seconds:g} s."
    if named.health == HEALTHY:
        return f"The node said `{named.sentence}`, and /health answered {HEALTHY} all the same."
    return None

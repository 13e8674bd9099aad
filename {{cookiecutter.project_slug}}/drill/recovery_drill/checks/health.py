"""A node that is not well does not say that it is."""

from collections.abc import Iterator

from recovery_drill.record.contract import Stage
from recovery_drill.record.evidence import Evidence

WELL = 200


def health_tells_the_truth(evidence: Evidence) -> Iterator[str | None]:
    """Compare what a node answered at ``/health`` with what ``/state`` said around it.

    It answers 200 if it is trading and nothing is wrong, and only then: a supervisor, and whoever
    is called at night, look at nothing else.
    """
    for look in evidence.health_looks:
        is_well = look.stage == Stage.TRADING and not look.wrong
        if (look.status == WELL) == is_well:
            yield None
            continue
        said = " ".join(look.wrong) or "nothing is wrong."
        yield (
            f"The node's /health answered {look.status} {look.when}, when it was in {look.stage} "
            f"and said: {said}"
        )

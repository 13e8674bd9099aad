"""What the node says of its own health, at ``/state`` and at ``/health``."""

import msgspec


class Condition(msgspec.Struct, frozen=True):
    """One thing of which the node says that it is wrong, in a sentence."""

    name: str
    sentence: str
    since_ms: int = 0

    def is_still(self, later: "Condition | None") -> bool:
        """Return whether what was told later is the same: it may have ended, and begun anew."""
        return later is not None and (self.name, self.since_ms) == (later.name, later.since_ms)


class HealthLook(msgspec.Struct, frozen=True):
    """What the node answered at ``/health``, and what it said of itself right before and after.

    Parameters
    ----------
    when : str
        What was going on, for messages.
    status : int
        The status of the answer.
    stage : str
        Its stage.
    wrong : tuple[str, ...]
        What was wrong, in sentences.

    """

    when: str
    status: int
    stage: str
    wrong: tuple[str, ...] = ()

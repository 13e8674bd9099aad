"""Start this process once more without the engine's memory, from what the exchange says alone."""

import os
import sys

from ..exit_codes import ExitCode, NodeExit
from ..guards.guard import Start, StartCold
from ..guards.mend.guard import store_mend

MARK = "_NODE_STARTED_COLD"
"""In the environment of a node that has put its memory aside once and started again: why."""
MOST_DIFFERENCES = 3


def note_of_a_cold_start() -> str:
    """Return in a sentence that this process has started from the exchange alone, if it has."""
    why = os.environ.get(MARK)
    return f"The node has started from the exchange alone. {why}" if why else ""


def told(cold: StartCold) -> str:
    """Return in words where engine and exchange differ."""
    return " ".join(cold.differences[:MOST_DIFFERENCES])


def refusal_of_another(cold: StartCold) -> NodeExit | None:
    """Return how the process ends when a cold start has not helped; ``None`` before the first."""
    if not os.environ.get(MARK):
        return None
    return NodeExit(
        ExitCode.REFUSED,
        "The engine and the exchange do not agree, and a start from the exchange alone has "
        f"not helped; nothing is traded. {told(cold)}",
    )


async def start_again(cold: StartCold, guarded: Start) -> NodeExit:
    """
    Put the engine's memory aside and begin anew in this process's place, with the lease in hand.

    Returns only when that has failed, and how the process ends then.
    """
    try:
        await store_mend(guarded).start_cold(told(cold))
    except NodeExit as end:
        return end
    sys.stdout.flush()
    environment = {**os.environ, MARK: told(cold)}
    # The same command once more, without a shell between.
    os.execve(sys.executable, sys.orig_argv, environment)  # noqa: S606
    raise AssertionError("a process that was replaced goes on")

"""The ways in which a drill itself can fail, apart from finding a broken promise.

::

    DrillError
    ├── UsageError      the caller asked for something that cannot be: exit code 2
    ├── Inconclusive    the environment, not the node, is to blame: the verdict says so: exit code 3
    ├── Unsupported     what a scenario needs is not to be had here: it is skipped
    ├── Unsettled       a bounded wait on the node ran out: a broken promise, which a check words
    └── Disagreement    node and exchange at rest say different things: going on would show no more
"""


class DrillError(Exception):
    """Base of all failures of the drill itself; its text is one plain sentence."""


class UsageError(DrillError):
    """The drill was asked for something that does not exist or does not answer."""


class Inconclusive(DrillError):
    """Nothing can be said about the node: a process, port or script that the drill needs failed."""


class Unsupported(DrillError):
    """What the scenario needs is not to be had here; it is skipped with this sentence."""


class Unsettled(DrillError):
    """The node did not reach the awaited state within its budget."""

    kind = "unsettled"


class Disagreement(DrillError):
    """Node and exchange did not come to agree; the checks word what is wrong, and play ends."""

    kind = "disagreed"

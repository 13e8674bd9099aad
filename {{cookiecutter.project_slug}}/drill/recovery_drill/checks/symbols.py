"""The drill looks at every symbol that the node trades."""

from collections.abc import Sequence

from recovery_drill.failures import UsageError
from recovery_drill.record.model import Traded
from recovery_drill.record.policy import Policy


def check_symbols(policy: Policy, traded: Sequence[Traded]) -> None:
    """Find out whether policy and node name the same symbols; a node that tells none may be right.

    What is traded in a symbol that the policy does not name, no check would see.

    Raises
    ------
    UsageError
        If they do not.

    """
    here = {each.symbol for each in traded}
    if here and here != set(policy.symbols):
        raise UsageError(
            f"The node trades {', '.join(sorted(here))}, and the drill was told "
            f"{', '.join(policy.symbols)}: give --symbol for each, or `symbols` in "
            "[tool.recovery-drill]."
        )

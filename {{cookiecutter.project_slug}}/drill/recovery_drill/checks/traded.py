"""What the node tells that it trades is what the drill looks at."""

from collections.abc import Sequence

from recovery_drill.checks.warm_up import check_warm_up_is_told
from recovery_drill.failures import UsageError
from recovery_drill.record.policy import Policy
from recovery_drill.record.traded import Traded


def check_traded(policy: Policy, traded: Sequence[Traded]) -> None:
    """Find out whether what the node trades can be judged; a node that tells nothing may be right.

    What is traded in a symbol that the policy does not name, no check would see.

    Raises
    ------
    UsageError
        If policy and node name other symbols, or nobody says how many bars the node needs.

    """
    here = {each.symbol for each in traded}
    if here and here != set(policy.symbols):
        raise UsageError(
            f"The node trades {', '.join(sorted(here))}, and the drill was told "
            f"{', '.join(policy.symbols)}: give --symbol for each, or `symbols` in "
            "[tool.recovery-drill]."
        )
    check_warm_up_is_told(policy, traded)

"""How a node ends that is not alone under its ids: whatever the engine, in the same words."""

from ..exit_codes import ExitCode, NodeExit
from ..plan.rivals import Rival


def rival_end(rival: Rival, name: str) -> NodeExit:
    """Return how the node ends that has heard of another one's order."""
    there = f"Another node with this id trades on this account: it has sent the order {name}"
    if rival is Rival.SECOND:
        return NodeExit(
            ExitCode.AWAY,
            f"{there} a second time, after this node, which goes on; the other one ends when it "
            "hears of this. This node's next start learns from the exchange what is held now.",
            at_once=True,
        )
    return NodeExit(
        ExitCode.REFUSED,
        f"{there}, and this node has not, or later. Two nodes with one id and a store each double "
        "orders, so this one ends and leaves what is held to the other. Stop one of the two for "
        "good before this one is started again.",
    )

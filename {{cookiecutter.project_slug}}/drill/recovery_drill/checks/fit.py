"""Whether a node can be drilled: what it must fulfil, and what is missing, in one message."""

from collections import Counter
from collections.abc import Sequence

from recovery_drill.record.contract import Variable
from recovery_drill.record.model import NodeState
from recovery_drill.record.policy import Policy

NEEDED = (
    "A node that is drilled (1) trades at the addresses in its environment "
    f"({Variable.EXCHANGE_HTTP_URL}, {Variable.EXCHANGE_WS_URL}, {Variable.STORE_URL}), "
    '(2) prints the line {"event":"stage","stage":"trading"} when it may send orders, '
    f"(3) answers /state and /health at {Variable.HTTP_PORT}, (4) trades the policy's symbols on "
    "this market. For a NautilusTrader node `python -m recovery_drill.kit FILE` does the first "
    "three: name it as node_command in [tool.recovery-drill]; contract.md says more."
)


def silent(seconds: float, said: str) -> str:
    """Return the message on a node that shows the drill nothing of itself."""
    last = f" Its last line was: {said}" if said else " It wrote no line that says why."
    return (
        f"The node runs, but within {seconds:g} s it has said no stage and does not answer /state."
        f"{last}\n{NEEDED}"
    )


def stuck(seconds: float, errors: Sequence[str]) -> str:
    """Return the message on a node that has begun to start, and has failed at it."""
    return (
        f"The node has not begun to trade within {seconds:g} s of its first start, and its log has "
        f"errors: {' | '.join(errors)}\n{NEEDED}"
    )


def never_settled(policy: Policy, state: NodeState, late: str) -> str:
    """Return the message on a node that trades, as it says, and does not come to rest at first."""
    told = " ".join([f"{late[:1].upper()}{late[1:]}.", *_seen(policy, state)])
    return f"{told}\n{NEEDED}"


def never_traded(policy: Policy, state: NodeState | None, bars: int) -> str:
    """Return the message on a node that has sent no order: what was seen, and what may mend it."""
    told = [f"The node trades, as it says, and has sent no order within {bars} bars."]
    told += [] if state is None else _seen(policy, state)
    told.append("Its log is in the folder of this run; another --seed is another market.")
    return f"{' '.join(told)}\n{NEEDED}"


def _seen(policy: Policy, state: NodeState) -> list[str]:
    """Say in sentences what keeps a node from trading, as far as it can be seen from outside."""
    seen = [denied] if (denied := denials(state)) else []
    seen += state.notes or ()
    here = sorted({each.symbol for each in state.traded} | set(state.decided_bar))
    if unheard := [symbol for symbol in policy.symbols if symbol not in here]:
        others = f", but of {', '.join(here)}: see `symbols`" if here else ""
        seen.append(f"It hears no bars of {', '.join(unheard)}{others}.")
    if policy.epoch is None and policy.history_bars is None:
        seen.append(
            f"The market begins long ago and has {policy.history} bars of history: for a node that "
            'asks for the last days, say epoch = "now" in [tool.recovery-drill].'
        )
    return seen


def denials(state: NodeState | None) -> str:
    """Return which orders the node's own engine has denied, in a sentence; empty when it has none.

    Such an order never reaches the exchange, and nothing there tells of it.
    """
    denied = [] if state is None else [o for o in state.orders if o.status == "DENIED"]
    if not denied:
        return ""
    reasons = Counter(order.reason or "no reason told" for order in denied)
    told = "; ".join(f"{reason} ({count} times)" for reason, count in reasons.most_common(3))
    return f"The node's engine denied {len(denied)} of its orders: {told}."

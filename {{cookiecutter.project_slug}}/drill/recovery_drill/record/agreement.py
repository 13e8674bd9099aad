"""Whether node and exchange agree: what the drill waits for before it goes on."""

from collections.abc import Sequence

from recovery_drill.record.contract import ANOTHER_HAND
from recovery_drill.record.model import Ledger, NodeState


def disagreement(state: NodeState, ledger: Ledger, symbols: Sequence[str]) -> str | None:
    """Compare positions and working orders; those of another hand the node need not know.

    Returns
    -------
    str or None
        One clause on the first difference; None when there is none.

    """
    for symbol in symbols:
        here, there = state.position(symbol), ledger.position(symbol)
        if here != there:
            return f"the node holds {here} {symbol}, the exchange {there}"
    known = {o.client_order_id for o in state.unfinished(symbols)}
    at_exchange = {o.client_order_id for s in symbols for o in ledger.working(s)}
    working = {n for n in at_exchange if n in known or not n.startswith(ANOTHER_HAND)}
    if working != known:
        return (
            f"the node's orders that are not closed are {sorted(known) or 'none'}, "
            f"those working on the exchange {sorted(working) or 'none'}"
        )
    return None

"""What another hand has placed on the account is left alone."""

from collections.abc import Iterator

from recovery_drill.record.contract import ANOTHER_HAND
from recovery_drill.record.evidence import Evidence

TOUCHING = (
    *("order.cancel", "order.cancel_all", "order.batch_cancel", "order.amend", "order.batch_amend"),
    *("conditional.cancel", "conditional.cancel_all"),
)


def others_are_left_alone(evidence: Evidence) -> Iterator[str | None]:
    """Follow the orders of another hand: no request of the node ends or changes one.

    What a request has changed is recorded right before it. What is done by another hand is no
    request.
    """
    known: set[str] = set()
    touched: list[str] = []
    for record in evidence.journal:
        row = record.data
        if record.kind.startswith(("order.", "conditional.")):
            name = str(row["client_order_id"])
            if not name.startswith(ANOTHER_HAND):
                continue
            if name not in known:
                known.add(name)
                yield None
            if record.kind.endswith(".amended") or row["status"] == "CANCELED":
                touched.append(name)
        else:
            if record.kind == "request" and row["request"] in TOUCHING:
                for name in touched:
                    yield f"The node sent {row['request']} for {name}, which is not its own."
            touched.clear()

"""A decision is carried out at most once."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from recovery_drill.checks.triggered import turned_into
from recovery_drill.record.contract import OPEN_AT_EXCHANGE
from recovery_drill.record.evidence import Evidence


def one_order_per_intent(evidence: Evidence) -> Iterator[str | None]:
    """Follow the journal: no order repeats a decision that is open or was carried out.

    A decision may be tried again once the exchange has ended the earlier order without a fill, and
    one to reduce a position once something else has filled since. Orders that conditional orders
    turned into are the exchange's doing and carry no decision of their own.
    """
    policy = evidence.policy
    triggered = turned_into(evidence.journal)
    first_of: dict[str, dict[str, Any]] = {}
    latest: dict[str, dict[str, Any]] = {}
    filled_last: dict[str, str] = {}
    for record in evidence.journal:
        row = record.data
        if not record.kind.startswith("order.") or row["symbol"] not in policy.symbols:
            continue
        order_id = str(row["exchange_order_id"])
        known = order_id in latest
        latest[order_id] = row
        if record.kind == "order.filled":
            filled_last[row["symbol"]] = order_id
        if known or record.kind != "order.accepted" or order_id in triggered:
            continue
        client_id = str(row["client_order_id"])
        intent = policy.intent_of(client_id)
        if intent is None:
            yield (
                f"Order {client_id} ({row['side']} {row['quantity']} {row['symbol']}) names no "
                "decision, so nobody can tell whether it repeats one."
            )
            continue
        earlier = first_of.get(intent)
        if earlier is not None:
            past = latest[str(earlier["exchange_order_id"])]
            is_renewed = row["reduce_only"] and filled_last.get(row["symbol"]) != str(
                earlier["exchange_order_id"]
            )
            if Decimal(past["filled"]) > 0 and not is_renewed:
                yield (
                    f"Order {client_id} repeats decision {intent}, which order "
                    f"{past['client_order_id']} had already carried out ({past['filled']} filled)."
                )
                continue
            if past["status"] in OPEN_AT_EXCHANGE:
                yield (
                    f"Order {client_id} repeats decision {intent} while order "
                    f"{past['client_order_id']} was still open."
                )
                continue
        first_of[intent] = row
        yield None

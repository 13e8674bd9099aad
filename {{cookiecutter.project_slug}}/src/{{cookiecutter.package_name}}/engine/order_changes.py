"""What an engine tells a keeper of an order."""

from dataclasses import dataclass
from enum import StrEnum


class ChangeKind(StrEnum):
    """What has happened to an order, as far as a keeper cares."""

    FILLED = "filled"
    TAKEN = "taken"
    REFUSED = "refused"
    """By the exchange, or by the engine before it was sent."""
    CANCEL_REFUSED = "cancel refused"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class OrderChange:
    """
    Something has happened to an order.

    Parameters
    ----------
    client_order_id : str
        Which one.
    kind : ChangeKind
        What.
    at_ms : int
        When, in milliseconds of market time.
    reason : str
        Why it was refused, in the exchange's words.

    """

    client_order_id: str
    kind: ChangeKind
    at_ms: int
    reason: str = ""

"""What an engine tells of an order, for whoever counts."""

from dataclasses import dataclass
from enum import StrEnum


class Happened(StrEnum):
    """What has happened to an order."""

    SUBMITTED = "submitted"
    """It is on its way to the exchange."""
    ACCEPTED = "accepted"
    FILLED_IN_PART = "filled in part"
    FILLED = "filled"
    """All of it."""
    CANCEL_SENT = "cancel sent"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    """By the exchange."""
    DENIED = "denied"
    """By the node: a limit keeps it back, or the engine does; it was never sent."""
    CANCEL_REJECTED = "cancel_rejected"


REFUSALS = frozenset({Happened.REJECTED, Happened.DENIED, Happened.CANCEL_REJECTED})


@dataclass(frozen=True, slots=True)
class OrderNews:
    """
    Something has happened to an order.

    Parameters
    ----------
    client_order_id : str
        Which one.
    happened : Happened
        What.
    reason : str
        Why it was refused, in the exchange's words.

    """

    client_order_id: str
    happened: Happened
    reason: str = ""

"""
What leaves an engine's store for the archive, in plain words.

Each row keeps the events as they were stored, byte for byte: the archive loses nothing of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ArchivedFill:
    """One fill of an order or a position; the commission is what was paid."""

    trade_id: str
    client_order_id: str
    at_ns: int
    side: str
    quantity: Decimal
    price: Decimal
    commission: Decimal
    currency: str
    liquidity: str


@dataclass(frozen=True, slots=True)
class ArchivedOrder:
    """
    An order that has ended.

    Parameters
    ----------
    name : str
        Its client order id.
    at_ns : int
        When it ended, in nanoseconds of the exchange's time.
    events : Sequence[bytes]
        As stored.

    """

    name: str
    at_ns: int
    exchange_order_id: str | None
    strategy_id: str
    symbol: str
    type: str
    side: str
    status: str
    quantity: Decimal
    filled: Decimal
    reduce_only: bool
    price: Decimal | None
    trigger_price: Decimal | None
    created_ns: int
    fills: Sequence[ArchivedFill]
    events: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class ArchivedPosition:
    """
    A position, from the fill that opened it to its last one.

    Parameters
    ----------
    name : str
        Its id.
    at_ns : int
        When it has changed last.
    quantity : Decimal
        What is held, signed: zero of one that is closed.
    opened_ns : int
        When it was opened.
    events : Sequence[bytes]
        As stored.

    """

    name: str
    at_ns: int
    strategy_id: str
    symbol: str
    quantity: Decimal
    opened_ns: int
    fills: Sequence[ArchivedFill]
    events: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class ArchivedBalance:
    """What an account held of one currency."""

    currency: str
    total: Decimal
    locked: Decimal
    free: Decimal


@dataclass(frozen=True, slots=True)
class ArchivedState:
    """
    An account at one moment.

    Parameters
    ----------
    name : str
        The id of the event.
    at_ns : int
        When that was.
    account_id : str
        Which account.
    events : Sequence[bytes]
        The event, as stored.

    """

    name: str
    at_ns: int
    account_id: str
    balances: Sequence[ArchivedBalance]
    events: Sequence[bytes]


type ArchivedRow = ArchivedOrder | ArchivedPosition | ArchivedState

type Openings = Mapping[str, int]
"""By symbol: when what is held of it was opened, in nanoseconds."""

"""What a plan is made from, and the commands that it may answer with."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from .order_ids import Leg
from .rows import OrderRow
from .target import Target


class Phase(StrEnum):
    """How far an order is, as far as the plan cares."""

    IN_FLIGHT = "in flight"
    """Its outcome is open: awaiting the exchange, or executing."""
    WORKING = "working"
    """It rests at the exchange."""
    ENDED = "ended"
    """The exchange has filled, cancelled, rejected or expired it."""


@dataclass(frozen=True, slots=True)
class OrderView:
    """
    One of the strategy's own orders.

    Parameters
    ----------
    client_order_id : str
        An id of the form in `order_ids`.
    phase : Phase
        How far the order is.
    filled : Decimal
        The quantity filled so far in coins, without a sign.
    quantity : Decimal
        The signed quantity in coins: positive buys, negative sells; 0 when only the id and the
        fate of the order are known. Such an order guards nothing and cannot be cancelled.
    trigger_price : Decimal, optional
        The trigger price of a stop.
    price : Decimal, optional
        The limit of a take-profit or a resting order.

    """

    client_order_id: str
    phase: Phase
    filled: Decimal
    quantity: Decimal = Decimal(0)
    trigger_price: Decimal | None = None
    price: Decimal | None = None

    @property
    def remaining(self) -> Decimal:
        """The signed quantity that is still to be filled."""
        return self.quantity - self.filled if self.quantity > 0 else self.quantity + self.filled


def order_view(row: OrderRow) -> OrderView:
    """Return what the plan needs to know of an order that the engine has."""
    phase = Phase.IN_FLIGHT if row.is_in_flight else Phase.WORKING
    return OrderView(
        client_order_id=row.client_order_id,
        phase=Phase.ENDED if row.is_closed else phase,
        filled=row.filled,
        quantity=row.signed_quantity,
        trigger_price=row.trigger_price if row.type == "STOP_MARKET" else None,
        price=row.price if row.type == "LIMIT" else None,
    )


@dataclass(frozen=True, slots=True)
class Situation:
    """
    What the plan is made from.

    Parameters
    ----------
    owner : str
        The first characters of the strategy's own client order ids, as `order_ids.owner_of` makes
        them. Orders of anybody else are left alone and count for nothing.
    close_ms : int
        The close time of the decision bar in milliseconds of market time.
    target : Target, optional
        What should be so; ``None`` when nobody can say, because the window of bars has a hole or is
        too short. Then the position stays as it is, and it is protected.
    position : Decimal
        The signed position in coins.
    orders : Mapping[str, OrderView]
        By client order id: every own order that has not ended, and every one that this decision
        may have sent before, from the cache or else from the exchange.
    last_exit_fill_ms : int
        Market time of the last fill of a protective stop or a take-profit; 0 when there was none.
    last_slot_fill_ms : Mapping[int, int]
        By slot: market time of the last fill of a resting order in it, whichever decision has sent
        the order.
    refused_cancels : Collection[str]
        Client order ids whose cancelling the exchange keeps refusing during this bar. Nobody knows
        whether these orders work: a stop counts as no protection, and in place of a take-profit or
        a resting order no other one is sent.
    gone : Collection[str]
        Client order ids that the exchange knows no working order of, whatever the cache says.
    may_open : bool
        Whether risk may be added. If not, a position is protected and may become smaller, and
        nothing else is done.
    tick_size : Decimal
        The smallest price step of the instrument.

    """

    owner: str
    close_ms: int
    target: Target | None
    position: Decimal
    orders: Mapping[str, OrderView]
    last_exit_fill_ms: int = 0
    last_slot_fill_ms: Mapping[int, int] = field(default_factory=dict)
    refused_cancels: Collection[str] = ()
    gone: Collection[str] = ()
    may_open: bool = True
    tick_size: Decimal = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Submit:
    """
    Send this order.

    Parameters
    ----------
    client_order_id : str
        Its id.
    leg : Leg
        What it is for.
    quantity : Decimal
        The signed quantity in coins.
    trigger_price : Decimal, optional
        The trigger of a stop; it becomes a market order.
    price : Decimal, optional
        The limit of a take-profit or a resting order. An order with neither price is a market
        order.
    post_only : bool
        Whether it is refused where it would trade at once.

    """

    client_order_id: str
    leg: Leg
    quantity: Decimal
    trigger_price: Decimal | None = None
    price: Decimal | None = None
    post_only: bool = False

    @property
    def reduce_only(self) -> bool:
        """Whether it may only make the position smaller."""
        return self.leg in {Leg.EXIT, Leg.STOP, Leg.TAKE_PROFIT}


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel this order."""

    client_order_id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing yet: something is in flight."""

    reason: str


@dataclass(frozen=True, slots=True)
class Settled:
    """Nothing (more) to do for this bar."""


Action = Submit | Cancel | Wait | Settled

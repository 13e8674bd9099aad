"""
Close the difference between what should be and what is, one command at a time.

The plan is a pure function. It compares the target of the last closed bar with the position and
the orders that really are, and answers with at most one command. After a restart it is asked the
same question, so a missing stop or a missed entry is one difference like any other.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from . import order_ids
from .order_ids import Leg
from .target import Target, on_tick

MAX_ATTEMPTS = 3
"""Attempts at one leg of one decision; then the next bar decides again."""
MAX_STOP_ATTEMPTS = 5
"""Stops of one decision: one more for each change of quantity, and for each refusal."""


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
        The quantity filled so far in coins.
    quantity : Decimal
        The signed quantity in coins: positive buys, negative sells; 0 when only the id and the
        fate of the order are known. Such an order guards nothing and cannot be cancelled.
    trigger_price : Decimal, optional
        The trigger price of a stop.

    """

    client_order_id: str
    phase: Phase
    filled: Decimal
    quantity: Decimal = Decimal(0)
    trigger_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """
    What the plan is made from.

    Parameters
    ----------
    tag : str
        The strategy's tag in client order ids.
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
    last_stop_fill_ms : int
        Market time of the last fill of a protective stop; 0 when there was none.
    refused_cancels : Collection[str]
        Client order ids whose cancelling the exchange keeps refusing during this bar. Nobody knows
        whether these stops work: they count as no protection.
    gone : Collection[str]
        Client order ids that the exchange knows no working order of, whatever the cache says.
    tick_size : Decimal
        The smallest price step of the instrument.

    """

    tag: str
    close_ms: int
    target: Target | None
    position: Decimal
    orders: Mapping[str, OrderView]
    last_stop_fill_ms: int = 0
    refused_cancels: Collection[str] = ()
    gone: Collection[str] = ()
    tick_size: Decimal = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Submit:
    """Send this order; `quantity` is signed, a stop has a `trigger_price`."""

    client_order_id: str
    leg: Leg
    quantity: Decimal
    trigger_price: Decimal | None = None


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


def plan(situation: Situation) -> Action:
    """Return the next command that brings `situation` nearer to its target, if there is one."""
    for order in situation.orders.values():
        if order.phase is Phase.IN_FLIGHT:
            return Wait(f"{order.client_order_id} is in flight")
    if situation.target is not None:
        target = on_tick(situation.target, situation.tick_size)
        situation = replace(situation, target=target)
    return _change_position(situation) or _protect(situation)


def _change_position(situation: Situation) -> Submit | None:
    if situation.target is None:
        return None
    position, wanted = situation.position, situation.target.quantity
    if position == wanted:
        return None
    if position == 0 or (position * wanted > 0 and abs(position) < abs(wanted)):
        # A stop that filled after the decision bar closed overtakes its decision: being flat then
        # does not mean that the entry was missed. The next bar decides again.
        if situation.last_stop_fill_ms > situation.close_ms:
            return None
        return _submit(situation, Leg.ENTRY, wanted - position)
    # A flip is a close and then an open, each with an id of its own.
    change = -position if position * wanted <= 0 else wanted - position
    return _submit(situation, Leg.EXIT, change)


def _protect(situation: Situation) -> Action:
    position, target = situation.position, situation.target
    stops = [order for order in situation.orders.values() if _is_working_stop(situation, order)]
    if position == 0:
        return _cancel_one(situation, stops)
    facing = [stop for stop in stops if stop.quantity * position < 0]
    guards = [stop for stop in facing if stop.client_order_id not in situation.refused_cancels]
    trigger = None
    if target is not None and target.quantity * position > 0:
        trigger = target.stop
    if trigger is None and facing:
        # The position should be gone and is not yet, or nobody can say what should be: what guards
        # it keeps its price.
        trigger = (guards or facing)[0].trigger_price
    if trigger is None and target is None:
        # Without bars nobody can say where a stop belongs, and the position does not wait naked.
        return _submit(situation, Leg.EXIT, -position) or Settled()
    if trigger is None:
        return _cancel_one(situation, stops)
    right = [s for s in guards if s.quantity == -position and s.trigger_price == trigger]
    if right:
        # The new stop works before the old one goes: the position is never naked.
        return _cancel_one(situation, [stop for stop in stops if stop is not right[0]])
    replacement = _submit(situation, Leg.STOP, -position, trigger)
    if replacement is None and not guards:
        # A position that cannot be protected is closed.
        replacement = _submit(situation, Leg.EXIT, -position)
    return replacement or Settled()


def _is_working_stop(situation: Situation, order: OrderView) -> bool:
    if order.phase is not Phase.WORKING or _leg(order) is not Leg.STOP or order.quantity == 0:
        return False
    return order.client_order_id not in situation.gone


def _cancel_one(situation: Situation, stops: Collection[OrderView]) -> Cancel | Settled:
    names = sorted(stop.client_order_id for stop in stops)
    for name in names:
        if name not in situation.refused_cancels:
            return Cancel(name)
    return Settled()


def _submit(
    situation: Situation, leg: Leg, quantity: Decimal, trigger_price: Decimal | None = None
) -> Submit | None:
    name = _free_id(situation, leg)
    return None if name is None else Submit(name, leg, quantity, trigger_price)


def _free_id(situation: Situation, leg: Leg) -> str | None:
    """Return the id for the next attempt; ``None`` when the leg is done or its attempts are."""
    for name in candidates(situation.tag, situation.close_ms, leg):
        earlier = situation.orders.get(name)
        if earlier is None:
            return name
        if leg is not Leg.STOP and (earlier.phase is not Phase.ENDED or earlier.filled > 0):
            return None
    return None


def candidates(tag: str, close_ms: int, leg: Leg) -> list[str]:
    """Return every client order id that one leg of one decision may use, in order."""
    attempts = MAX_STOP_ATTEMPTS if leg is Leg.STOP else MAX_ATTEMPTS
    return [order_ids.make(tag, close_ms, leg, attempt) for attempt in range(attempts)]


def _leg(order: OrderView) -> Leg | None:
    parts = order_ids.parse(order.client_order_id)
    return None if parts is None else parts.leg

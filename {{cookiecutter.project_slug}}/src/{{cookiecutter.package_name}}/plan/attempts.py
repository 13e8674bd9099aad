"""Which client order id comes next: how often one leg of one decision may be tried."""

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal

from . import order_ids
from .order_ids import Leg
from .situation import OrderView, Phase, Situation

MAX_ATTEMPTS = 3
"""Attempts at one leg of one decision that may come to nothing; then the next bar decides again."""
MAX_STOP_ATTEMPTS = 5
"""Stops, and take-profits, of one decision: one more for each change, and for each refusal."""


def candidates(owner: str, close_ms: int, leg: Leg, slots: Collection[int] = ()) -> list[str]:
    """
    Return every client order id that one leg of one decision may use.

    They are in the order in which they are used, slot by slot: after the first one that nobody
    knows, no later one of that leg, or of that slot, has been used. Only resting orders have slots.
    """
    # Only those that an earlier fill may renew need more than their bound of failures.
    attempts = order_ids.MAX_ATTEMPTS
    if leg in {Leg.ENTRY, Leg.RESTING}:
        attempts = MAX_ATTEMPTS
    each_slot: Sequence[int | None] = [*sorted(slots)] if leg is Leg.RESTING else [None]
    return [
        order_ids.make(owner, close_ms, leg, attempt, slot)
        for slot in each_slot
        for attempt in range(attempts)
    ]


def _attempts(
    situation: Situation, leg: Leg, slot: int | None = None
) -> Iterator[tuple[str, OrderView | None]]:
    slots = () if slot is None else (slot,)
    for name in candidates(situation.owner, situation.close_ms, leg, slots):
        yield name, situation.orders.get(name)


def next_id(situation: Situation, leg: Leg, slot: int | None = None) -> str | None:
    """Return the id for the next attempt at what is done once it has filled at all."""
    for name, earlier in _attempts(situation, leg, slot):
        if earlier is None:
            return name
        if earlier.phase is not Phase.ENDED or earlier.filled > 0:
            return None
    return None


def next_exit_id(situation: Situation) -> str | None:
    """
    Return the id for the next attempt at an exit, which only makes the position smaller.

    It is done once it has filled, unless more was opened since: by a resting order, by the entry of
    this very decision (after a flip whose stop is refused, the new position must go), or by another
    hand, when an exit has filled whole and the position is not what it left.
    """
    is_renewed, failures = _have_limits_filled(situation) or _has_entered(situation), 0
    for name, earlier in _attempts(situation, Leg.EXIT):
        if earlier is None:
            return name
        is_whole = earlier.filled > 0 and earlier.filled == abs(earlier.quantity)
        if earlier.phase is not Phase.ENDED or (
            earlier.filled > 0 and not (is_renewed or is_whole)
        ):
            return None
        failures += not is_whole
        if failures == MAX_ATTEMPTS:
            return None
    return None


def next_sized_id(situation: Situation, leg: Leg, quantity: Decimal) -> str | None:
    """
    Return the id for the next stop or take-profit, which follow the size of the position.

    Limit orders fill in parts, and each changes that size: a new size has a new attempt even when
    the usual number is used up.
    """
    last: OrderView | None = None
    for attempt, (name, earlier) in enumerate(_attempts(situation, leg)):
        if earlier is None:
            is_new_size = last is not None and last.quantity != quantity
            # A take-profit of an earlier decision may have filled, too, and is told of no more.
            has_left = situation.last_exit_fill_ms > situation.close_ms
            has_changed = has_left or _have_limits_filled(situation)
            return name if attempt < MAX_STOP_ATTEMPTS or (is_new_size and has_changed) else None
        last = earlier
    return None


def _has_entered(situation: Situation) -> bool:
    """Return whether this decision's entry has filled."""
    return any(
        earlier is not None and earlier.filled > 0 for _, earlier in _attempts(situation, Leg.ENTRY)
    )


def _have_limits_filled(situation: Situation) -> bool:
    """Return whether a take-profit or a resting order may have changed the position in this bar."""
    limits = {Leg.TAKE_PROFIT, Leg.RESTING}
    return any(at_ms > situation.close_ms for at_ms in situation.last_slot_fill_ms.values()) or any(
        order.filled > 0 and order_ids.leg_of(name, situation.owner) in limits
        for name, order in situation.orders.items()
    )

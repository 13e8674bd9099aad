"""
Close the difference between what should be and what is, one command at a time.

The plan is a pure function. It compares the target of the last closed bar with the position and
the orders that really are, and answers with at most one command. After a restart it is asked the
same question, so a missing stop or a missed entry is one difference like any other.

The position comes first, then its stop, then its take-profit, then the resting orders: each is
looked at only when those before it are as they should be.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from decimal import Decimal

from . import order_ids
from .attempts import next_exit_id, next_id, next_sized_id
from .order_ids import Leg
from .situation import Action, Cancel, OrderView, Phase, Settled, Situation, Submit, Wait
from .target import Resting, check, on_tick


def plan(situation: Situation) -> Action:
    """
    Return the next command that brings `situation` nearer to its target, if there is one.

    Raises
    ------
    ValueError
        If the target cannot be aimed at: see `check`.

    """
    situation = _own(situation)
    if situation.target is not None:
        check(situation.target)
        target = on_tick(situation.target, situation.tick_size)
        situation = replace(situation, target=target)
    in_flight = [o for o in situation.orders.values() if o.phase is Phase.IN_FLIGHT]
    if in_flight:
        # An event-driven strategy may have limit orders on their way all the time.
        mends = _protect(situation) if all(_is_limit_of_its_own(o) for o in in_flight) else None
        if isinstance(mends, Cancel) or (isinstance(mends, Submit) and mends.leg is Leg.STOP):
            return mends
        return Wait(f"{in_flight[0].client_order_id} is in flight")
    action = _change_position(situation) or _protect(situation)
    if isinstance(action, Settled):
        # The stop is not as it should be, and this bar has no attempt left: what a resting order
        # filled could not be protected either.
        return _rest(situation, ()) or action
    if action is not None:
        return action
    resting = () if situation.target is None else situation.target.resting
    if not situation.may_open:
        resting = ()
    return _take_profit(situation) or _rest(situation, resting) or Settled()


def _is_limit_of_its_own(order: OrderView) -> bool:
    """Return whether it is a limit order that no plan has made: an event-driven strategy has."""
    parts = order_ids.parse(order.client_order_id)
    is_numbered = parts is not None and parts.slot is not None and parts.leg is not Leg.RESTING
    return is_numbered and order.price is not None


def _own(situation: Situation) -> Situation:
    orders = {
        name: order
        for name, order in situation.orders.items()
        if order_ids.leg_of(name, situation.owner) is not None
    }
    return replace(situation, orders=orders)


# -- The position ------------------------------------------------------------------------------


def _change_position(situation: Situation) -> Submit | None:
    if situation.target is None:
        return None
    position, wanted = situation.position, _allowed(situation, situation.target.quantity)
    if position == wanted:
        return None
    if position == 0 or (position * wanted > 0 and abs(position) < abs(wanted)):
        # A stop or a take-profit that filled after the decision bar closed overtakes its decision:
        # being flat then does not mean that the entry was missed. The next bar decides again.
        if situation.last_exit_fill_ms > situation.close_ms:
            return None
        return _market(situation, Leg.ENTRY, wanted - position)
    # A flip is a close and then an open, each with an id of its own.
    change = -position if position * wanted <= 0 else wanted - position
    return _market(situation, Leg.EXIT, change)


def _allowed(situation: Situation, wanted: Decimal) -> Decimal:
    """Return the position that may be aimed at: no larger one, when no risk may be added."""
    position = situation.position
    if situation.may_open:
        return wanted
    return Decimal(0) if position * wanted <= 0 else min(wanted, position, key=abs)


def _market(situation: Situation, leg: Leg, quantity: Decimal) -> Submit | None:
    name = next_exit_id(situation) if leg is Leg.EXIT else next_id(situation, leg)
    return None if name is None else Submit(name, leg, quantity)


# -- Its stop ----------------------------------------------------------------------------------


def _protect(situation: Situation) -> Action | None:
    """Return ``None`` when the stop is as it should be, `Settled` when it cannot be made so."""
    position, target = situation.position, situation.target
    stops = _working(situation, Leg.STOP)
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
        return _market(situation, Leg.EXIT, -position) or Settled()
    if trigger is None:
        return _cancel_one(situation, stops)
    right = [s for s in guards if s.quantity == -position and s.trigger_price == trigger]
    if right:
        # The new stop works before the old one goes: the position is never naked.
        return _cancel_one(situation, [stop for stop in stops if stop is not right[0]])
    if len(guards) > 1:
        # Orders that rest have filled while one stop replaced another: two are enough, and the one
        # that closes more stays until the new one works.
        best = max(guards, key=lambda stop: abs(stop.quantity))
        return _cancel_one(situation, [stop for stop in stops if stop is not best])
    name = next_sized_id(situation, Leg.STOP, -position)
    if name is not None:
        return Submit(name, Leg.STOP, -position, trigger_price=trigger)
    # A position that cannot be protected is closed.
    return (None if guards else _market(situation, Leg.EXIT, -position)) or Settled()


# -- Its take-profit ---------------------------------------------------------------------------


def _take_profit(situation: Situation) -> Submit | Cancel | None:
    position, target = situation.position, situation.target
    working = _working(situation, Leg.TAKE_PROFIT)
    facing = [order for order in working if order.quantity * position < 0]
    if target is None:
        # Nobody can say what should be: what closes the position keeps its price.
        return _cancel_one(situation, [order for order in working if order not in facing])
    price = target.take_profit if target.quantity * position > 0 else None
    right = [o for o in facing if o.remaining == -position and o.price == price][:1]
    wrong = _cancel_one(situation, [order for order in working if order not in right])
    # The old one goes before the new one comes: two could close more than the position, and the
    # stop guards it meanwhile.
    if wrong is not None or price is None or _is_any_left(situation):
        return wrong
    name = next_sized_id(situation, Leg.TAKE_PROFIT, -position)
    return None if name is None else Submit(name, Leg.TAKE_PROFIT, -position, price=price)


# -- The resting orders ------------------------------------------------------------------------


def _rest(situation: Situation, resting: Sequence[Resting]) -> Submit | Cancel | None:
    """Return what brings the resting orders nearer to those in `resting`."""
    wrong = _working(situation, Leg.RESTING)
    for each in resting:
        right = [order for order in wrong if _is_right(order, each)][:1]
        wrong = [order for order in wrong if order not in right]
    # The old one goes before the new one comes: both could fill.
    cancel = _cancel_one(situation, wrong)
    if cancel is not None:
        return cancel
    for each in resting:
        if _is_slot_done(situation, each.slot):
            continue
        name = next_id(situation, Leg.RESTING, each.slot)
        if name is not None:
            return Submit(
                name, Leg.RESTING, each.quantity, price=each.price, post_only=each.post_only
            )
    return None


def _is_right(order: OrderView, wanted: Resting) -> bool:
    same_quantity = wanted.quantity in {order.quantity, order.remaining}
    return same_quantity and order.price == wanted.price and _slot(order) == wanted.slot


def _is_slot_done(situation: Situation, slot: int) -> bool:
    """
    Return whether a resting order of `slot` works, or has filled since the decision bar closed.

    One that the exchange does not know any more may have filled unheard: until its fate is known,
    it takes its slot.
    """
    if situation.last_slot_fill_ms.get(slot, 0) > situation.close_ms:
        return True
    return any(
        order.phase is Phase.WORKING and _slot(order) == slot for order in situation.orders.values()
    )


# -- Orders ----------------------------------------------------------------------------------


def _working(situation: Situation, leg: Leg) -> list[OrderView]:
    return [
        order
        for order in situation.orders.values()
        if order.phase is Phase.WORKING
        and order.quantity != 0
        and order.client_order_id not in situation.gone
        and order_ids.leg_of(order.client_order_id, situation.owner) is leg
    ]


def _slot(order: OrderView) -> int | None:
    parts = order_ids.parse(order.client_order_id)
    return None if parts is None else parts.slot


def _cancel_one(situation: Situation, orders: Collection[OrderView]) -> Cancel | None:
    names = sorted(order.client_order_id for order in orders)
    for name in names:
        if name not in situation.refused_cancels:
            return Cancel(name)
    return None


def _is_any_left(situation: Situation) -> bool:
    """Return whether a take-profit may still work, even one of which only the name is known."""
    return any(
        order.phase is Phase.WORKING
        and name not in situation.gone
        and order_ids.leg_of(name, situation.owner) is Leg.TAKE_PROFIT
        for name, order in situation.orders.items()
    )

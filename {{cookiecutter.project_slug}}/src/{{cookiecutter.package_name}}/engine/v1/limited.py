"""
Puts the hard limits before the adapter's last step: no order of any strategy is sent without them.

Single orders and lists of orders come through one method of the adapter, changes of an order
through another. What is kept back is told to the strategy as a denial by the engine.
"""

import time
from collections import deque
from dataclasses import replace
from decimal import Decimal
from typing import Any

from nautilus_trader.adapters.binance import BINANCE
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.identifiers import ClientId, ClientOrderId, PositionId
from nautilus_trader.model.orders import Order

from ...plan.day import Heard
from ...plan.limits import AtEngine, Standing, Wanted, is_reducing
from ...venue.binance.income import DOLLARS
from ..desk import Events
from .adapter import existing
from .views import milliseconds, symbol_of

SUBMIT = "_submit_order_inner"
"""The adapter's way of an order, single or of a list."""
MODIFY = "_modify_order"
MINUTE = 60.0
UNSENT = (OrderStatus.INITIALIZED, OrderStatus.DENIED)
ZERO = Decimal(0)


def limit_orders(node: TradingNode, events: Events) -> None:
    """
    Ask `events` before each order and each change of one that is sent.

    Raises
    ------
    NodeExit
        With code 1 if the adapter no longer has a method that is replaced here.

    """
    client = existing(node.kernel.exec_engine, "_clients")[ClientId(BINANCE)]
    stock_submit, stock_modify = existing(client, SUBMIT), existing(client, MODIFY)
    gate = Gate(node.cache, events)

    async def submit(order: Order, position_side: Any, params: Any = None) -> None:
        if not order.is_closed and (reason := gate.keeps_back(order, params or {})):
            client.generate_order_denied(
                strategy_id=order.strategy_id,
                instrument_id=order.instrument_id,
                client_order_id=order.client_order_id,
                reason=reason,
                ts_event=client._clock.timestamp_ns(),
            )
            return
        await stock_submit(order, position_side, params)

    async def modify(command: Any) -> None:
        if reason := gate.keeps_change_back(command):
            client.generate_order_modify_rejected(
                command.strategy_id,
                command.instrument_id,
                command.client_order_id,
                command.venue_order_id,
                reason,
                client._clock.timestamp_ns(),
            )
            return
        await stock_modify(command)

    setattr(client, SUBMIT, submit)
    setattr(client, MODIFY, modify)
    node.kernel.msgbus.subscribe("events.position.*", gate.on_position)


class Gate:
    """
    What stands between strategies and the adapter.

    Parameters
    ----------
    cache : Any
        The engine's.
    events : Events
        Asked about each order.

    """

    def __init__(self, cache: Any, events: Events) -> None:
        self._cache = cache
        self._events = events
        self._passed: dict[ClientOrderId, Order] = {}
        self._changed: dict[ClientOrderId, Decimal] = {}
        self._sent: deque[float] = deque()
        self._sent_reducing: deque[float] = deque()
        self._realized = {p.id: _dollars(p.realized_pnl) for p in cache.positions_open()}
        self._remember_sent()

    def _remember_sent(self) -> None:
        """Count the orders of the last minute of the life before: a loop of starts is one, too."""
        now, now_ns = time.monotonic(), time.time_ns()
        recent = [
            (now - (now_ns - order.ts_init) / 1e9, order)
            for order in self._cache.orders()
            if order.status not in UNSENT
        ]
        for at, order in sorted(recent, key=lambda each: each[0]):
            if now - MINUTE < at <= now:
                (self._sent_reducing if order.is_reduce_only else self._sent).append(at)

    # -- Orders --------------------------------------------------------------------------------

    def keeps_back(self, order: Order, params: dict[str, Any]) -> str:
        """Return why an order must not be sent; one that may be is counted as sent."""
        wanted = self._wanted(order)
        if params.get("close_position") is True:
            wanted = replace(wanted, reduce_only=True)
        return self._asked(wanted, order)

    def keeps_change_back(self, command: Any) -> str:
        """Return why an order must not be changed; a change that may be is counted as sent."""
        order = self._cache.order(command.client_order_id)
        if order is None or order.is_closed:
            return ""  # the adapter says so
        quantity = (command.quantity or order.quantity).as_decimal()
        left = quantity - order.filled_qty.as_decimal()
        wanted = self._wanted(order)
        prices = (command.price.as_decimal(),) if command.price else wanted.prices
        signed = left if order.side == OrderSide.BUY else -left
        reason = self._asked(replace(wanted, quantity=signed, prices=prices), order)
        if not reason:
            self._changed[order.client_order_id] = quantity
        return reason

    def _asked(self, wanted: Wanted, order: Order) -> str:
        now = time.monotonic()
        for sent in (self._sent, self._sent_reducing):
            while sent and sent[0] <= now - MINUTE:
                sent.popleft()
        standing = self._standing(besides=order)
        engine = AtEngine(
            standing=standing,
            orders=len(self._sent),
            reducing_orders=len(self._sent_reducing),
        )
        if reason := self._events.keeps_back(wanted, engine):
            return reason
        reducing = is_reducing(wanted, standing.get(wanted.symbol, Standing()))
        (self._sent_reducing if reducing else self._sent).append(now)
        # The engine takes up a moment later that it is sent; the next one may be asked about first.
        self._passed[order.client_order_id] = order
        return ""

    def _wanted(self, order: Order) -> Wanted:
        instrument = self._cache.instrument(order.instrument_id)
        quantity = order.quantity.as_decimal()
        prices = [order.price] if order.has_price else []
        if order.has_trigger_price and order.trigger_price is not None:
            prices.append(order.trigger_price)
        return Wanted(
            symbol=symbol_of(order.instrument_id),
            quantity=quantity if order.side == OrderSide.BUY else -quantity,
            prices=tuple(price.as_decimal() for price in prices),
            reduce_only=order.is_reduce_only,
            fee_rate=max(Decimal(instrument.taker_fee or 0), ZERO),
            asset=instrument.settlement_currency.code,
        )

    def _standing(self, besides: Order) -> dict[str, Standing]:
        """Return by symbol what is held and what works, without one order."""
        found: dict[str, Standing] = {}
        for position in self._cache.positions_open():
            symbol = symbol_of(position.instrument_id)
            before = found.get(symbol, Standing())
            held = before.position + position.signed_decimal_qty()
            found[symbol] = replace(before, position=held)
        unfinished = self._unfinished()
        # Of a change on its way nobody knows whether it has come about: the larger one counts.
        self._changed = {name: q for name, q in self._changed.items() if name in unfinished}
        for order in unfinished.values():
            if order.client_order_id == besides.client_order_id or order.is_reduce_only:
                continue
            symbol = symbol_of(order.instrument_id)
            quantity = order.quantity.as_decimal()
            quantity = max(quantity, self._changed.get(order.client_order_id, quantity))
            left = quantity - order.filled_qty.as_decimal()
            before = found.get(symbol, Standing())
            if order.side == OrderSide.BUY:
                found[symbol] = replace(before, buys=before.buys + left)
            else:
                found[symbol] = replace(before, sells=before.sells + left)
        return found

    def _unfinished(self) -> dict[ClientOrderId, Order]:
        """Return every order that is sent and may still fill."""
        self._passed = {
            name: order
            for name, order in self._passed.items()
            if order.status == OrderStatus.INITIALIZED and self._cache.order(name) is not None
        }
        sent = (*self._cache.orders_open(), *self._cache.orders_inflight(), *self._passed.values())
        return {order.client_order_id: order for order in sent}

    # -- Fills ---------------------------------------------------------------------------------

    def on_position(self, event: Any) -> None:
        """Tell what the fill has brought that has changed a position."""
        position = self._cache.position(event.position_id)
        if position is None or (fill := position.last_event) is None:
            return
        before = self._realized.get(position.id, ZERO) if position.event_count > 1 else ZERO
        realized = _dollars(position.realized_pnl)
        self._remember(position.id, realized, is_closed=position.is_closed)
        fee = _dollars(fill.commission)
        self._events.traded(
            Heard(
                trade=f"{symbol_of(fill.instrument_id)} {fill.trade_id.value}",
                profit=realized - before + fee,
                fee=fee,
                at_ms=milliseconds(fill.ts_event),
                heard=time.monotonic(),
            )
        )

    def _remember(self, position_id: PositionId, realized: Decimal, *, is_closed: bool) -> None:
        if is_closed:
            self._realized.pop(position_id, None)
        else:
            self._realized[position_id] = realized


def _dollars(money: Any) -> Decimal:
    """Return money in US dollars; what is in other coins is known once the exchange tells it."""
    if money is None or money.currency.code not in DOLLARS:
        return ZERO
    return Decimal(money.as_decimal())

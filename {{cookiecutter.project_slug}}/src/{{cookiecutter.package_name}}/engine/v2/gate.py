"""The hard limits before the engine: no order is handed to it without them."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from ...plan.day import Heard
from ...plan.limits import AtEngine, Standing, Wanted, is_reducing
from ...plan.rows import FillRow, PositionRow
from ...plan.situation import Submit
from ...venue.binance.income import DOLLARS
from .mirror import Mirror

MINUTE = 60.0
UNSENT = frozenset({"INITIALIZED", "DENIED"})
ZERO = Decimal(0)


class Gate:
    """
    What stands between keepers and the engine.

    Parameters
    ----------
    mirror : Mirror
        What the engine has.
    keeps_back : Callable[[Wanted, AtEngine], str]
        Says why an order must not be sent.

    """

    def __init__(self, mirror: Mirror, keeps_back: Callable[[Wanted, AtEngine], str]) -> None:
        self._mirror = mirror
        self._keeps_back = keeps_back
        self._sent: deque[float] = deque()
        self._sent_reducing: deque[float] = deque()

    def remember_sent(self) -> None:
        """Count the orders of the last minute of the life before: a loop of starts is one, too."""
        now, now_ns = time.monotonic(), time.time_ns()
        rows = [each.row for each in self._mirror.orders.values()]
        recent = [(now - (now_ns - row.born_ns) / 1e9, row) for row in rows]
        for at, row in sorted(recent, key=lambda each: each[0]):
            if row.status not in UNSENT and now - MINUTE < at <= now:
                (self._sent_reducing if row.reduce_only else self._sent).append(at)

    def refusal(self, order: Submit, symbol: str) -> str:
        """Return why an order must not be sent; one that may be is counted as sent."""
        now = time.monotonic()
        for sent in (self._sent, self._sent_reducing):
            while sent and sent[0] <= now - MINUTE:
                sent.popleft()
        instrument = self._mirror.instruments[symbol]
        prices = [each for each in (order.price, order.trigger_price) if each is not None]
        wanted = Wanted(
            symbol=symbol,
            quantity=order.quantity,
            prices=tuple(prices),
            reduce_only=order.reduce_only,
            fee_rate=max(instrument.taker_fee, ZERO),
            asset=instrument.currency,
        )
        standing = self._standing(besides=order.client_order_id)
        engine = AtEngine(
            standing=standing,
            orders=len(self._sent),
            reducing_orders=len(self._sent_reducing),
        )
        if reason := self._keeps_back(wanted, engine):
            return reason
        reducing = is_reducing(wanted, standing.get(symbol, Standing()))
        (self._sent_reducing if reducing else self._sent).append(now)
        return ""

    def _standing(self, besides: str) -> dict[str, Standing]:
        """Return by symbol what is held and what works, without one order."""
        found: dict[str, Standing] = {}
        for position in self._mirror.positions.values():
            before = found.get(position.row.symbol, Standing())
            held = before.position + position.row.quantity
            found[position.row.symbol] = replace(before, position=held)
        for row in self._mirror.standing():
            if row.client_order_id == besides or row.reduce_only:
                continue
            left, before = row.quantity - row.filled, found.get(row.symbol, Standing())
            if row.side == "BUY":
                found[row.symbol] = replace(before, buys=before.buys + left)
            else:
                found[row.symbol] = replace(before, sells=before.sells + left)
        return found


def heard(fill: FillRow, before: PositionRow | None) -> Heard:
    """Return what a fill has brought and cost, given what was held before it."""
    profit = ZERO
    if before is not None and before.entry_price is not None:
        signed = fill.quantity if fill.side == "BUY" else -fill.quantity
        if signed * before.quantity < 0:
            closed = min(abs(signed), abs(before.quantity))
            gained = fill.price - before.entry_price
            profit = closed * (gained if before.quantity > 0 else -gained)
    fee = fill.commission if fill.currency in DOLLARS else ZERO
    return Heard(
        trade=f"{fill.symbol} {fill.trade_id}",
        profit=profit,
        fee=fee,
        at_ms=fill.at_ms,
        heard=time.monotonic(),
    )

"""
A triggered conditional order that is said to be finished before its fill is booked.

The exchange tells of the fill (``ORDER_TRADE_UPDATE``) and of the end (``ALGO_UPDATE``,
``FINISHED``) within a millisecond. nautilus_trader 1.231.0 has not booked the fill yet when it
handles the end, believes that it missed it, and reports a fill of its own invention, without
commission. The engine keeps whichever comes first and refuses the other as too much; when the
end overtakes the fill, that is the invention. Here the end waits for the fill. A fill that does not
come was lost on its way and is asked for.

Source of the event: "Event: Algo Order Update" in the exchange's documentation of user data
streams.
"""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.orders import Order

FINISHED = "FINISHED"
WAITS_SECONDS = (0.01, 0.04, 0.2, 0.75)
"""How long a fill may stay away before it is asked for, and, once more, before it is given up."""

type Handler = Callable[[bytes], None]


class PatientFinish:
    """
    Handle ``ALGO_UPDATE`` as the adapter does, but an end only after its fill.

    Parameters
    ----------
    client : Any
        The adapter's execution client.
    account : Any
        Its account requests.
    decode : Callable[[bytes], Any]
        Its way to read an ``ALGO_UPDATE``.
    stock : Handler
        Its own handler.
    give_up : Callable[[str], None]
        Told, in a sentence, of a fill that could not be learned.

    """

    def __init__(
        self,
        client: Any,
        account: Any,
        decode: Callable[[bytes], Any],
        stock: Handler,
        give_up: Callable[[str], None],
    ) -> None:
        self._client = client
        self._account = account
        self._decode = decode
        self._stock = stock
        self._give_up = give_up

    def __call__(self, raw: bytes) -> None:
        """Handle one event from the user stream."""
        end = self._decode(raw).o
        order = self._client._cache.order(ClientOrderId(end.caid)) if end.caid else None
        if end.X.value != FINISHED or order is None or _is_booked(order, end):
            self._stock(raw)
        else:
            self._client.create_task(self._finish(raw, order, end))

    async def _finish(self, raw: bytes, order: Order, end: Any) -> None:
        """Wait for the fill, ask for it, wait again; then the order has ended."""
        if not await _booked(order, end):
            try:
                await self._ask(order, end)
            except Exception as error:
                self._client._log.error(f"Cannot ask for the fills of {end.caid}: {error}")
            if not await _booked(order, end):
                self._give_up(
                    f"Order {end.caid} filled {end.aq} at the exchange and the fill could not be "
                    "learned; a restart reconciles it."
                )
                return
        self._stock(raw)

    async def _ask(self, order: Order, end: Any) -> None:
        """Book the trades of the order that are not booked."""
        client = self._client
        trades = await self._account.query_user_trades(symbol=end.s, order_id=int(end.ai))
        for trade in trades:
            fill = trade.parse_to_fill_report(
                account_id=client.account_id,
                instrument_id=order.instrument_id,
                report_id=UUID4(),
                ts_init=client._clock.timestamp_ns(),
                use_position_ids=client.use_position_ids,
            )
            if fill.trade_id not in order.trade_ids:
                client.generate_order_filled(
                    strategy_id=order.strategy_id,
                    instrument_id=order.instrument_id,
                    client_order_id=order.client_order_id,
                    venue_order_id=fill.venue_order_id,
                    venue_position_id=fill.venue_position_id,
                    trade_id=fill.trade_id,
                    order_side=order.side,
                    order_type=order.order_type,
                    last_qty=fill.last_qty,
                    last_px=fill.last_px,
                    quote_currency=client._cache.instrument(order.instrument_id).quote_currency,
                    commission=fill.commission,
                    liquidity_side=fill.liquidity_side,
                    ts_event=fill.ts_event,
                )


async def _booked(order: Order, end: Any) -> bool:
    """Wait until the fills that an end tells of are booked; return whether they are."""
    for seconds in WAITS_SECONDS:
        await asyncio.sleep(seconds)
        if _is_booked(order, end):
            return True
    return False


def _is_booked(order: Order, end: Any) -> bool:
    return bool(order.is_closed or order.filled_qty.as_decimal() >= Decimal(end.aq or 0))

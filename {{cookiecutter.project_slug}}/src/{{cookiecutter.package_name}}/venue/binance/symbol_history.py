"""What has happened to one symbol, asked of the exchange."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple

from ..records import OrderRecord
from .contradictions import DAY_MS, Answers, first_since_flat, is_explained, key_of
from .orders import NO_SUCH_ORDER
from .pages import WINDOW_MS, ExchangeClock, Pages, TooMuchError
from .requests import ExchangeError, Requests
from .rows import Trade, read_conditionals, read_orders, read_trades

ORDER_DAYS, TRADE_DAYS = 90, 180
MARGIN_MS = 600_000
"""How far the oldest question stays away from what the exchange has forgotten."""
MOST_BY_NAME = 100
"""How many orders are asked for one by one."""
FEW = 10
"""Up to how many orders are rather asked for one by one than with all of their time."""
MOST_OPEN = 2_000
"""How many open orders are believed; the exchange allows fewer."""

type Read = Callable[[Any, str, int], list[OrderRecord]]


class _Told(NamedTuple):
    """Rows, in any order and perhaps twice, and since when they are complete."""

    rows: list[Any]
    since_ms: int


class SymbolHistory:
    """
    What has happened to one symbol.

    Parameters
    ----------
    requests : Requests
        How to ask.
    clock : ExchangeClock
        Writes times.
    symbol : str
        Which one.
    now_ms : int
        The exchange's now.

    """

    def __init__(self, requests: Requests, clock: ExchangeClock, symbol: str, now_ms: int) -> None:
        self._requests = requests
        self._clock = clock
        self._symbol = symbol
        self._now_ms = now_ms
        self.answers = Answers(symbol, now_ms=now_ms)
        self.notes: list[str] = []
        self._trades_since = now_ms

    async def ask(self, since_ms: int | None, known: Collection[str]) -> None:
        """
        Ask for open orders, and for what is past, at least back to `since_ms`.

        Raises
        ------
        ExchangeError
            If an answer is an error, or absurd.

        """
        opened, conditionals, _ = await asyncio.gather(
            self._requests.get("/fapi/v1/openOrders", {"symbol": self._symbol}),
            self._requests.get("/fapi/v1/openAlgoOrders", {"symbol": self._symbol}),
            self._ask_past(since_ms),
        )
        found = [
            *read_orders(opened, self._symbol, MOST_OPEN),
            *read_conditionals(conditionals, self._symbol, MOST_OPEN),
        ]
        self.answers.open_ids = frozenset(key_of(order) for order in found)
        self._add(found)
        await self._ask_by_name(known)

    async def explain_position(self) -> None:
        """Ask for older trades until they tell how the position was opened, or there are none."""
        answers = self.answers
        oldest, start = self._oldest(TRADE_DAYS), self._trades_since
        pages = self._pages("userTrades", ("id", "time"))
        while not is_explained(answers.position, answers.trades) and start > oldest:
            end, start = start, max(oldest, start - WINDOW_MS)
            try:
                self._add_trades(await pages.between(start, end))
            except TooMuchError as error:
                self.notes.append(
                    f"Who opened the position of {self._symbol} is not told: {error}."
                )
                return
        answers.reaches_all = start <= oldest
        first = first_since_flat(answers.position, answers.trades)
        if first is None:  # and nothing contradicts it
            self.notes.append(
                f"The position of {self._symbol} is older than the trades that the exchange tells."
            )
        await self._ask_orders_of(answers.trades[first or 0 :])

    async def _ask_orders_of(self, trades: Sequence[Trade]) -> None:
        """Ask for the orders of `trades` that were not told yet."""
        orders = self.answers.orders
        missing = {each.record.exchange_order_id for each in trades} - set(orders)
        if len(missing) > FEW:
            start = max(trades[0].record.at_ms, self._oldest(ORDER_DAYS))
            told = await self._back_to("allOrders", ("orderId", "time"), start, ORDER_DAYS)
            self._add(read_orders(told.rows, self._symbol, len(told.rows)))
        await self._ask_by_number(missing)

    # -- Questions -----------------------------------------------------------------------------

    async def _ask_past(self, since_ms: int | None) -> None:
        """Ask for the newest rows, and for older ones where they do not reach back far enough."""
        symbol = self._symbol
        orders, conditionals, trades = await asyncio.gather(
            self._back_to("allOrders", ("orderId", "time"), since_ms, ORDER_DAYS),
            self._back_to("allAlgoOrders", ("algoId", "createTime"), since_ms, ORDER_DAYS),
            self._back_to("userTrades", ("id", "time"), since_ms, TRADE_DAYS),
        )
        past = [
            *read_orders(orders.rows, symbol, len(orders.rows)),
            *read_conditionals(conditionals.rows, symbol, len(conditionals.rows)),
        ]
        answers = self.answers
        answers.past_ids = frozenset(key_of(order) for order in past)
        self._add(past)
        self._add_trades(trades.rows)
        self._trades_since = trades.since_ms
        answers.since_ms = max(orders.since_ms, conditionals.since_ms, trades.since_ms)

    async def _back_to(
        self, path: str, names: tuple[str, str], since_ms: int | None, days: int
    ) -> _Told:
        pages = self._pages(path, names)
        rows, complete_ms = await pages.newest(self._now_ms)
        wanted = max(since_ms or complete_ms, self._oldest(days))
        if wanted >= complete_ms:
            return _Told(rows, complete_ms)
        try:
            return _Told(rows + await pages.between(wanted, complete_ms), wanted)
        except TooMuchError as error:
            self.notes.append(f"Not all of the past of {self._symbol} is looked at: {error}.")
            return _Told(rows, complete_ms)

    async def _ask_by_name(self, known: Collection[str]) -> None:
        """Ask for what is known by its name and was not told yet."""
        answers = self.answers
        named = {o.client_order_id: o for o in answers.conditionals.values()}
        orders = {order.client_order_id for order in answers.orders.values()}
        wanted = sorted(known)[:MOST_BY_NAME]
        if len(known) > MOST_BY_NAME:
            self.notes.append(
                f"Of {len(known):,} orders of {self._symbol} in doubt, "
                f"{MOST_BY_NAME} were asked for."
            )
        questions = [
            self._one("algoOrder", "clientAlgoId", name, read_conditionals)
            for name in wanted
            if name not in named
        ]
        questions += [
            self._one("order", "origClientOrderId", name, read_orders)
            for name in wanted
            if name not in orders and not (name in named and named[name].triggered_order_id is None)
        ]
        found = await asyncio.gather(*questions)
        self._add_found(found)
        await self._ask_fills_of(found)
        await self._ask_orders_of(answers.trades)

    async def _ask_fills_of(self, orders: Iterable[OrderRecord | None]) -> None:
        """Ask for all older trades back to the first of some orders that have filled."""
        filled = [order.created_ms for order in orders if order is not None and order.filled]
        start = max(min(filled, default=self._trades_since), self._oldest(TRADE_DAYS))
        if start >= self._trades_since:
            return
        pages = self._pages("userTrades", ("id", "time"))
        try:
            self._add_trades(await pages.between(start, self._trades_since))
        except TooMuchError as error:
            self.notes.append(f"Not all fills of {self._symbol} are looked at: {error}.")
        else:
            self._trades_since = start

    async def _ask_by_number(self, numbers: Iterable[str]) -> None:
        """Ask for the orders of trades that were placed before all that was told."""
        wanted = sorted(set(numbers) - set(self.answers.orders))[:MOST_BY_NAME]
        questions = [self._one("order", "orderId", number, read_orders) for number in wanted]
        self._add_found(await asyncio.gather(*questions))

    async def _one(self, path: str, name: str, value: str, read: Read) -> OrderRecord | None:
        query = {"symbol": self._symbol, name: value}
        try:
            answer = await self._requests.get(f"/fapi/v1/{path}", query)
        except ExchangeError as error:
            if error.code != NO_SUCH_ORDER:
                raise
            return None
        [order] = read([answer], self._symbol, 1)
        return order

    # -- Answers -------------------------------------------------------------------------------

    def _add_found(self, orders: Iterable[OrderRecord | None]) -> None:
        found = [order for order in orders if order is not None]
        self.answers.found_ids |= {key_of(order) for order in found}
        self._add(found)

    def _add(self, orders: Iterable[OrderRecord]) -> None:
        """Take up orders; of two answers about one, the later change counts."""
        for order in orders:
            kind = self.answers.orders if order.kind == "order" else self.answers.conditionals
            before = kind.get(order.exchange_order_id)
            if before is not None and _is_unlike(before, order):
                self.answers.unlike.append((before, order))
            if before is None or before.updated_ms <= order.updated_ms:
                kind[order.exchange_order_id] = order

    def _add_trades(self, rows: list[Any]) -> None:
        trades = {trade.record.trade_id: trade for trade in self.answers.trades}
        trades |= {t.record.trade_id: t for t in read_trades(rows, self._symbol, len(rows))}
        self.answers.trades = sorted(trades.values(), key=lambda t: int(t.record.trade_id))

    def _pages(self, path: str, names: tuple[str, str]) -> Pages:
        return Pages(self._requests, self._clock, f"/fapi/v1/{path}", self._symbol, names)

    def _oldest(self, days: int) -> int:
        return self._now_ms - days * DAY_MS + MARGIN_MS


def _is_unlike(one: OrderRecord, other: OrderRecord) -> bool:
    """Return whether two answers under one number cannot be about the same order."""
    return (one.client_order_id, one.side) != (other.client_order_id, other.side)

"""Ask the exchange for what an account has done, until its answers agree or a bound has passed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ..books.account import Books, Told, begins_flat, books_of
from ..books.balance import Span
from ..books.fills import ZERO, Fill
from ..books.owners import FORGOTTEN, Owners
from ..exit_codes import ExitCode, NodeExit
from ..guards.asking import answer_to
from ..venue.binance.account import Held
from ..venue.binance.pages import WINDOW_MS, TooMuchError
from ..venue.binance.past import Past
from ..venue.binance.rows import Trade
from ..venue.records import IncomeRecord

EDGE_MS = 60_000
"""So much around a span is asked for, too: a fill and its income may have other stamps."""
LAGS_MS = 600_000
"""What is older than that, and is not told alike, will not be."""
AGREE_SECONDS = 20.0
"""How long fills and income may lag behind each other."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 4.0
LAG_SECONDS = 1.0
"""How long fills may lag behind a position."""
STILL = 3
"""How often positions and fills are asked for until no fill has come in between."""


@dataclass(slots=True)
class AskedBooks:
    """
    The books of an account, asked of its exchange.

    Parameters
    ----------
    past : Past
        Asks.
    owners : Owners
        Of what is traded.
    symbols : frozenset[str]
        What is traded; others are found in positions and income.
    span : Span
        Of when.
    warn : Callable[[str], None]
        Takes a line each time that something is asked for again.

    """

    past: Past
    owners: Owners
    symbols: frozenset[str]
    span: Span
    warn: Callable[[str], None]
    _income: dict[str, IncomeRecord] = field(default_factory=dict)
    _fills: dict[str, dict[tuple[str, str], Fill]] = field(default_factory=dict)
    _positions: dict[str, Held] = field(default_factory=dict)
    _begun: dict[str, int] = field(default_factory=dict)
    """By symbol since when its fills are here."""

    async def books(self) -> Books:
        """
        Return the books.

        Raises
        ------
        NodeExit
            With code 75 when the exchange does not answer, 70 when its answers are absurd, 78 when
            it refuses for good, or the span holds more than may be asked for at once.

        """
        books = await self._asked_since(self._first_ms)
        deadline, pause = time.monotonic() + AGREE_SECONDS, FIRST_PAUSE_SECONDS
        while (lagging := self._lagging(books)) and time.monotonic() + pause < deadline:
            first_ms, sentence = min(lagging)
            self.warn(f"The exchange is asked again: {sentence}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            books = await self._asked_since(first_ms - EDGE_MS)
        return books

    @property
    def _first_ms(self) -> int:
        return self.span.since_ms - EDGE_MS

    def _lagging(self, books: Books) -> list[tuple[int, str]]:
        """Return what may only lag: when it was, and what it is in a sentence."""
        found = [(each.at_ms, each.sentence) for each in books.balance.differences]
        found += [
            (fill.at_ms, f"the order of fill {fill.trade_id} of {fill.symbol} is not told.")
            for fill in books.fills
            if fill.who == FORGOTTEN
        ]
        return [each for each in found if each[0] > self.past.now_ms - LAGS_MS]

    async def _asked_since(self, since_ms: int) -> Books:
        await self._ask(since_ms)
        told = Told(
            fills={symbol: list(each.values()) for symbol, each in self._fills.items()},
            positions={s: held.position.quantity for s, held in self._positions.items()},
            income=sorted(self._income.values(), key=lambda row: row.at_ms),
            income_since_ms=self.past.income_since_ms + EDGE_MS,
        )
        return books_of(told, self.span)

    async def _ask(self, since_ms: int) -> None:
        await self._ask_income(since_ms, self.span.until_ms + EDGE_MS)
        await self._ask_fills(since_ms)
        if not all(map(self._begins_flat, self._fills)):
            # Before older fills are looked for: the newest may not be told yet.
            await asyncio.sleep(LAG_SECONDS)
            await self._ask_fills(self.past.now_ms - EDGE_MS)
        await asyncio.gather(*(self._reach_back(symbol) for symbol in sorted(self._fills)))
        first_ms = min((f.at_ms for each in self._fills.values() for f in each.values()), default=0)
        if 0 < first_ms < self.span.since_ms:  # for the funding of trades that were open then
            await self._ask_income(first_ms, self.span.since_ms)

    async def _ask_income(self, since_ms: int, until_ms: int) -> None:
        rows = await _answer("the income", lambda: self.past.income(since_ms, until_ms))
        self._income.update((row.number, row) for row in rows)

    async def _ask_fills(self, since_ms: int) -> None:
        """Ask for positions and fills until they are of one moment: the node may be trading."""
        for _ in range(STILL):
            now_ms = await _answer("its time", self.past.look_at_the_clock)
            before = await self._ask_positions()
            symbols = {*self.symbols, *before, *self._fills}
            symbols |= {row.symbol for row in self._income.values() if row.symbol}
            known = dict.fromkeys(self._begun, since_ms)  # of others all is wanted
            await asyncio.gather(
                *(
                    self._ask_symbol(symbol, known.get(symbol, self._first_ms), now_ms)
                    for symbol in sorted(symbols)
                )
            )
            self._positions = await self._ask_positions()
            if before == self._positions:
                return
            since_ms = max(since_ms, now_ms - EDGE_MS)

    async def _ask_positions(self) -> dict[str, Held]:
        return await _answer("positions", self.past.positions)

    async def _ask_symbol(self, symbol: str, since_ms: int, until_ms: int) -> None:
        found = await _answer(
            f"fills of {symbol}", lambda: self.past.fills(symbol, since_ms, until_ms)
        )
        mine = self._fills.setdefault(symbol, {})
        self._begun[symbol] = min(since_ms, self._begun.get(symbol, since_ms))
        new = [
            each for each in found if _key(each) not in mine or mine[_key(each)].who == FORGOTTEN
        ]
        names = await _answer(f"orders of {symbol}", lambda: self.past.names(symbol, new))
        mine.update((_key(each), self._fill(each, names)) for each in new)

    def _fill(self, trade: Trade, names: dict[str, str]) -> Fill:
        record = trade.record
        sign = 1 if record.side == "BUY" else -1
        return Fill(
            symbol=record.symbol,
            trade_id=record.trade_id,
            order_id=record.exchange_order_id,
            who=self.owners.who(names.get(record.exchange_order_id)),
            quantity=sign * record.quantity,
            price=record.price,
            realized=trade.realized,
            commission=record.commission,
            commission_asset=record.commission_asset,
            at_ms=record.at_ms,
        )

    async def _reach_back(self, symbol: str) -> None:
        """Ask for older fills until they tell how what was held at the beginning was opened."""
        while not self._begins_flat(symbol) and self._begun[symbol] > self.past.fills_since_ms:
            end = self._begun[symbol]
            await self._ask_symbol(symbol, end - WINDOW_MS, end)

    def _begins_flat(self, symbol: str) -> bool:
        held = self._positions.get(symbol)
        position = ZERO if held is None else held.position.quantity
        return begins_flat(position, list(self._fills[symbol].values()), self.span.since_ms)


def _key(trade: Trade) -> tuple[str, str]:
    return trade.record.trade_id, trade.record.exchange_order_id


async def _answer[Answer](what: str, question: Callable[[], Awaitable[Answer]]) -> Answer:
    async def once() -> Answer:
        try:
            return await question()
        except TooMuchError as error:
            raise NodeExit(
                ExitCode.CONFIGURATION,
                f"There is more than may be asked for at once, of {what} {error}: ask for a "
                "shorter time with --since and --until.",
            ) from None

    return await answer_to(what, once)

"""The course of the market: walks through bars, closes them, spikes. Pure; time is an argument."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..account.booking import OPENING_WALLET
from ..journal.journal import Journal
from ..journal.state import TRADING, State
from ..market.bars import MINUTE_MS, POINT_MS, Bar
from ..market.funding import Funding
from ..market.scripts import Market
from ..market.symbols import SymbolRules, text
from .matching import Matching


class MarketUsedUpError(Exception):
    """There is no further bar."""


class Course:
    """Take a market, whose bar 0 opens at an epoch, through time."""

    def __init__(
        self,
        state: State,
        journal: Journal,
        matching: Matching,
        market: Market,
        epoch_ms: int,
        funding: Funding | None = None,
    ) -> None:
        self.epoch_ms = epoch_ms
        self._state = state
        self._journal = journal
        self._matching = matching
        self._market = market
        self._funding = funding or Funding()

    def start(
        self,
        rules: list[SymbolRules],
        first_open_ms: int,
        history: int,
        wallet: Decimal = OPENING_WALLET,
        setup: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin the journal with the wallet and the bars that are closed before anybody trades.

        The setup says what the exchange was started with, for those who start it again.
        """
        bars = {}
        for symbol in rules:
            opens = range(first_open_ms, first_open_ms + (history + 1) * MINUTE_MS, MINUTE_MS)
            *closed, _ = [self._bar(symbol, open_ms).row() for open_ms in opens]
            bars[symbol.name] = closed
        began = {"setup": dict(setup or {}), "first_open_ms": first_open_ms, "wallet": text(wallet)}
        start_ms = first_open_ms + history * MINUTE_MS
        self._journal.write("exchange.started", began | {"bars": bars}, start_ms)

    def resume(self, cut_bytes: int) -> None:
        """Go on after a restart; faults end with the process, and so does what they changed."""
        with self._journal.batch():
            self._journal.write("exchange.resumed", {"cut_bytes": cut_bytes})
            for name, book in self._state.books.items():
                if book.liquidity is not None:
                    self._journal.write("market.liquidity", {"symbol": name, "quantity": None})
                if book.status != TRADING:
                    self._journal.write("market.status", {"symbol": name, "status": TRADING})
                if book.mark is not None:
                    self._journal.write("market.mark", {"symbol": name, "price": None})

    def walk(self, *, halt: bool = False) -> None:
        """Take the prices along the rest of the forming bar, without closing it.

        Told to halt, they stay where the first order has filled or triggered, so that a client may
        act upon that before they go on.
        """
        self._pass_points(self._state.forming_open_ms + MINUTE_MS, halt=halt)

    def close_bar(self) -> None:
        """Walk what is left of the forming bar, then close it."""
        self.walk()
        open_ms = self._state.forming_open_ms
        self._matching.expire(open_ms + MINUTE_MS)
        stamp = max(self._state.market_ms, open_ms + MINUTE_MS)
        for name, book in self._state.books.items():
            bar = self._bar(book.rules, open_ms)
            if book.forming is not None:
                high, low = max(bar.high, book.forming.high), min(bar.low, book.forming.low)
                bar = bar._replace(high=high, low=low)
            *prices, volume = bar.row()
            close_ms = open_ms + MINUTE_MS - 1
            data = {"symbol": name, "bar": prices, "volume": volume, "close_ms": close_ms}
            self._journal.write("market.bar_closed", data, stamp)
        for name in self._state.books:
            rate = self._funding.rate(name, open_ms + MINUTE_MS)
            if rate is not None:
                self._matching.fund(name, rate, stamp)

    def reach(self, symbol: str, price: Decimal) -> None:
        """Take a price towards another inside the forming bar, to where it changes an order."""
        book, now = self._state.books[symbol], self._state.market_ms
        self._matching.travel(symbol, book.rules.price(price), book.points, now, halt=True)

    def wick(self, symbol: str, price: Decimal) -> None:
        """Take a price somewhere and back at once, inside the forming bar."""
        book, now = self._state.books[symbol], self._state.market_ms
        for target in (book.rules.price(price), book.price):
            self._matching.travel(symbol, target, book.points, now)

    def advance(self, market_ms: int) -> bool:
        """Let the market run up to a time; return whether it is reached or the bar ended first."""
        open_ms = self._state.forming_open_ms
        if market_ms >= open_ms + MINUTE_MS:
            self.close_bar()
            return False
        self._pass_points(market_ms)
        self._matching.expire(market_ms)
        for name, book in self._state.books.items():
            passed = book.points
            if not 0 < passed < len(POINT_MS):
                continue
            came, goes = self._bar(book.rules, open_ms).path()[passed - 1 : passed + 1]
            since, until = POINT_MS[passed - 1 : passed + 1]
            part = Decimal(market_ms - open_ms - since) / (until - since)
            price = book.rules.price(came + (goes - came) * part)
            if price != book.price:
                self._matching.travel(name, price, passed, market_ms)
        return True

    def _pass_points(self, until_ms: int, *, halt: bool = False) -> None:
        """Take all prices through the points of the forming bar that are due by a time.

        Told to halt, they stay at the first order that is met on the way.
        """
        open_ms = self._state.forming_open_ms
        for point, offset in enumerate(POINT_MS):
            for name, book in self._state.books.items():
                at_ms = open_ms + offset
                if book.points == point and at_ms <= until_ms:
                    price = self._bar(book.rules, open_ms).path()[point]
                    jump = point == 0
                    if not self._matching.travel(
                        name, price, point + 1, at_ms, jump=jump, halt=halt
                    ):
                        return

    def _bar(self, rules: SymbolRules, open_ms: int) -> Bar:
        index = (open_ms - self.epoch_ms) // MINUTE_MS
        bar = self._market.bar(rules, index)
        if bar is None:
            more = "give a longer file or less --history"
            raise MarketUsedUpError(f"The market has only {index} bars: {more}.")
        return bar

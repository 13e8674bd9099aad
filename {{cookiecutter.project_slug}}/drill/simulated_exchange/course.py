"""The course of the market: walks through bars, closes them, spikes. Pure; time is an argument."""

from decimal import Decimal

from .account import OPENING_WALLET
from .journal import Journal
from .market import MINUTE_MS, POINT_MS, Bar, Market
from .matching import Matching
from .state import State, bar_row
from .symbols import SymbolRules, text


class MarketUsedUpError(Exception):
    """There is no further bar."""


class Course:
    """Take a market through time.

    Parameters
    ----------
    state : State
        Read here; the prices in it move through `matching` and `journal` only.
    journal : Journal
        Where closed bars are recorded.
    matching : Matching
        What prices move through.
    market : Market
        Where the bars come from.
    epoch_ms : int
        The open time of the market's bar 0.
    """

    def __init__(
        self, state: State, journal: Journal, matching: Matching, market: Market, epoch_ms: int
    ) -> None:
        self._state = state
        self._journal = journal
        self._matching = matching
        self._market = market
        self._epoch_ms = epoch_ms

    def start(self, rules: list[SymbolRules], first_open_ms: int, history: int) -> None:
        """Begin the journal with the bars that are closed before anybody trades.

        Raises
        ------
        MarketUsedUpError
            When the market has fewer bars, or none after them.
        """
        index = (first_open_ms - self._epoch_ms) // MINUTE_MS
        bars = {r.name: [self._bar(r, index + k) for k in range(history)] for r in rules}
        for symbol in rules:
            self._bar(symbol, index + history)
        self._journal.write(
            "exchange.started",
            {
                "first_open_ms": first_open_ms,
                "wallet": text(OPENING_WALLET),
                "bars": {name: [bar_row(bar) for bar in rows] for name, rows in bars.items()},
            },
            first_open_ms + history * MINUTE_MS,
        )

    def walk(self) -> None:
        """Take the prices along the rest of the forming bar, without closing it."""
        self._pass_points(self._state.forming_open_ms + MINUTE_MS)

    def close_bar(self) -> None:
        """Walk what is left of the forming bar, then close it."""
        self.walk()
        opened = self._state.forming_open_ms
        stamp = max(self._state.market_ms, opened + MINUTE_MS)
        for name, book in self._state.books.items():
            bar = self._forming(book.rules)
            if book.forming is not None:
                high, low = max(bar.high, book.forming.high), min(bar.low, book.forming.low)
                bar = Bar(bar.open, high, low, bar.close, bar.volume)
            *prices, volume = bar_row(bar)
            close_ms = opened + MINUTE_MS - 1
            data = {"symbol": name, "bar": prices, "volume": volume, "close_ms": close_ms}
            self._journal.write("market.bar_closed", data, stamp)

    def wick(self, symbol: str, price: Decimal) -> None:
        """Take a price somewhere and back at once, inside the forming bar."""
        book, now = self._state.books[symbol], self._state.market_ms
        for target in (book.rules.price(price), book.price):
            self._matching.travel(symbol, target, book.points, now)

    def advance(self, market_ms: int) -> bool:
        """Let the market run up to a time, or to the end of the forming bar if that is earlier.

        Returns
        -------
        bool
            Whether that time is reached.
        """
        if market_ms >= self._state.forming_open_ms + MINUTE_MS:
            self.close_bar()
            return False
        self._pass_points(market_ms)
        elapsed = market_ms - self._state.forming_open_ms
        for name, book in self._state.books.items():
            passed = book.points
            if not 0 < passed < len(POINT_MS):
                continue
            came, goes = self._forming(book.rules).path()[passed - 1 : passed + 1]
            since, until = POINT_MS[passed - 1 : passed + 1]
            part = Decimal(elapsed - since) / (until - since)
            price = book.rules.price(came + (goes - came) * part)
            if price != book.price:
                self._matching.travel(name, price, passed, market_ms)
        return True

    def _pass_points(self, until_ms: int) -> None:
        """Take all prices through the points of the forming bar that are due by a time."""
        opened = self._state.forming_open_ms
        for point, offset in enumerate(POINT_MS):
            for name, book in self._state.books.items():
                if book.points == point and opened + offset <= until_ms:
                    price = self._forming(book.rules).path()[point]
                    at_ms = opened + offset
                    self._matching.travel(name, price, point + 1, at_ms, jump=point == 0)

    def _forming(self, rules: SymbolRules) -> Bar:
        index = (self._state.forming_open_ms - self._epoch_ms) // MINUTE_MS
        return self._bar(rules, index)

    def _bar(self, rules: SymbolRules, index: int) -> Bar:
        bar = self._market.bar(rules, index)
        if bar is None:
            msg = (
                f"The market has only {index} bars: give it a longer file, "
                "or step and keep fewer bars."
            )
            raise MarketUsedUpError(msg)
        return bar

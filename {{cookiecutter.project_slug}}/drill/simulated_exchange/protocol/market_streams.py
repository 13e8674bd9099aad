"""What the market streams say.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures,
"Websocket Market Streams". All of them speak when something changes, as soon as it does: speeds in
names (``@100ms``, ``@1s``) are accepted and mean nothing. A name that there is no stream of is
accepted, too, and stays silent, as clients report of the real exchange.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from ..journal.journal import Record
from ..journal.orders import ZERO
from ..journal.state import Book, State
from ..market.bars import INTERVALS, MINUTE_MS, candles
from ..matching.liquidity import DEEPEST, levels
from ..matching.matching import DELEVERAGED
from . import market_payloads as payloads

Told = tuple[str, payloads.Payload | list[payloads.Payload]]
"""The name of a stream, and what it says."""

DEPTH = re.compile(r"depth(5|10|20|)(@(0|100|250|500)ms)?")
MARKS = ("markPrice", "markPrice@1s")
DAYS = {"ticker": payloads.day_ticker_event, "miniTicker": payloads.mini_ticker_event}
TELLING = (
    "market.price", "market.bar_closed", "market.liquidity", "market.mark", "order.filled",
)  # fmt: skip

Side = dict[Decimal, Decimal]


@dataclass
class Known:
    """What the listeners to a symbol's levels know: both sides, after an update."""

    update_id: int
    bids: Side
    asks: Side


class MarketStreams:
    """The market streams of one exchange.

    It remembers which levels it told last. An update tells what is different since then, and covers
    all update ids since then: these are sequence numbers of the journal, as in ``GET depth``.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: dict[str, Known] = {}

    def current(self, streams: Iterable[str], seq: int, market_ms: int) -> list[Told]:
        """Tell those that join streams of quotes, levels and prices how these stand.

        The real exchange tells the next change, which comes within moments there; a stepped market
        may stand still for long.
        """
        told: list[Told] = []
        for stream in streams:
            symbol, _, suffix = stream.partition("@")
            book, wanted = self._state.books.get(symbol.upper()), DEPTH.fullmatch(suffix)
            if book is None or symbol != symbol.lower():
                continue
            if suffix == "bookTicker":
                told.append((stream, payloads.book_ticker(book, seq, market_ms)))
            elif suffix in MARKS:
                told.append((stream, payloads.mark_price(book, market_ms)))
            elif suffix in DAYS:
                told.append((stream, DAYS[suffix](book, market_ms)))
            elif wanted:
                known = self._known.setdefault(book.rules.name, _now(book, seq))
                if wanted[1]:
                    told.append((stream, _best(book, known, known.update_id, wanted[1], market_ms)))
        return told

    def told_by(
        self, records: Sequence[Record], streams: Collection[str], seq: int, market_ms: int
    ) -> list[Told]:
        """Tell what some records mean, for streams with listeners; `seq` is the journal's last."""
        told: list[Told] = []
        if not streams:
            self._known.clear()
        touched: dict[str, bool] = {}  # symbols, and whether their price moved
        for record in records:
            if streams and record["kind"] in TELLING:
                name = record["data"]["symbol"]
                touched[name] = record["kind"] == "market.price" or touched.get(name, False)
                told += (one for one in self._by(name, record, streams) if one[0] in streams)
        for name, moved in touched.items():
            book, symbol = self._state.books[name], name.lower()
            for suffix, day in DAYS.items():
                if f"{symbol}@{suffix}" in streams:
                    told.append((f"{symbol}@{suffix}", day(book, market_ms)))
            if moved and book.forming is not None:
                told += self._candles(name, streams, market_ms, closed=False)
            told += self._levels(book, streams, seq, market_ms)
        books = [self._state.books[name] for name in touched]
        return [*told, *self._of_all(books, streams, market_ms)]

    def _by(self, name: str, record: Record, streams: Collection[str]) -> Iterator[Told]:
        """Tell of one record: trade, quote and mark price, a liquidation, or the end of a bar."""
        book, symbol, stamp = self._state.books[name], name.lower(), record["market_ms"]
        if trade := book.tape.find(record["seq"]):
            yield f"{symbol}@aggTrade", payloads.aggregate_trade_event(name, trade)
            yield f"{symbol}@trade", payloads.trade_event(name, trade)
        if record["kind"] == "market.price":  # the book may have moved on since
            book = replace(book, price=Decimal(record["data"]["price"]), taken={})
        if record["kind"] in ("market.price", "market.mark"):
            for suffix in MARKS:
                yield f"{symbol}@{suffix}", payloads.mark_price(book, stamp)
        quote = payloads.book_ticker(book, record["seq"], stamp)
        yield f"{symbol}@bookTicker", quote
        yield "!bookTicker", quote
        if record["kind"] == "order.filled" and _is_forced(record["data"]):
            forced = payloads.forced_order(record["data"], stamp)
            yield f"{symbol}@forceOrder", forced
            yield "!forceOrder@arr", forced
        if record["kind"] == "market.bar_closed":
            yield from self._candles(name, streams, stamp, closed=True)

    def _of_all(
        self, books: Sequence[Book], streams: Collection[str], market_ms: int
    ) -> Iterator[Told]:
        """Tell all that changed at once."""
        tickers = DAYS | {"markPrice": payloads.mark_price}
        for suffix, ticker in tickers.items():
            for stream in (f"!{suffix}@arr", f"!{suffix}@arr@1s"):
                if books and stream in streams:
                    yield stream, [ticker(book, market_ms) for book in books]

    def _levels(
        self, book: Book, streams: Collection[str], seq: int, market_ms: int
    ) -> Iterator[Told]:
        """Tell levels that changed, or the best ones, to each by the name of its stream."""
        symbol = book.rules.name.lower()
        parts = (stream.partition("@") for stream in streams)
        wanted = [DEPTH.fullmatch(suffix) for name, _, suffix in parts if name == symbol]
        if not any(wanted):  # who joins later begins with what there is then
            self._known.pop(book.rules.name, None)
            return
        now = _now(book, seq)
        before = self._known.setdefault(book.rules.name, now)
        if (before.bids, before.asks) == (now.bids, now.asks):
            return
        self._known[book.rules.name] = now
        ids = before.update_id, seq
        changes = _changes(before.bids, now.bids), _changes(before.asks, now.asks)
        for match in filter(None, wanted):
            stream = f"{symbol}@{match[0]}"
            if match[1]:
                yield stream, _best(book, now, before.update_id, match[1], market_ms)
            else:
                yield stream, payloads.depth_update(book.rules.name, market_ms, ids, *changes)

    def _candles(
        self, name: str, streams: Collection[str], stamp: int, *, closed: bool
    ) -> Iterator[Told]:
        book, state = self._state.books[name], self._state
        for interval, minutes in INTERVALS.items():
            stream = f"{name.lower()}@kline_{interval}"
            if stream not in streams:
                continue
            bars = book.bars[-minutes:]
            first_ms = state.forming_open_ms - len(bars) * MINUTE_MS
            if not closed and book.forming is not None:
                bars = [*bars, book.forming]
            candle = candles(bars, first_ms, minutes)[-1]
            ends = closed and candle.close_ms < state.forming_open_ms
            yield stream, payloads.kline_event(name, interval, candle, stamp, ends)


def _is_forced(row: Mapping[str, Any]) -> bool:
    return bool(row["liquidation"]) and row["client_order_id"] != DELEVERAGED


def _now(book: Book, update_id: int) -> Known:
    return Known(update_id, dict(levels(book, -1, DEEPEST)), dict(levels(book, 1, DEEPEST)))


def _best(book: Book, known: Known, before: int, count: str, market_ms: int) -> payloads.Payload:
    best = [list(side.items())[: int(count)] for side in (known.bids, known.asks)]
    return payloads.depth_update(book.rules.name, market_ms, (before, known.update_id), *best)


def _changes(before: Side, now: Side) -> list[tuple[Decimal, Decimal]]:
    """Return the levels that are different, and with zero those that are gone."""
    gone = [(price, ZERO) for price in before if price not in now]
    return gone + [(price, size) for price, size in now.items() if before.get(price) != size]

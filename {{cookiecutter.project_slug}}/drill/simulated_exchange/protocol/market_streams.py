"""What the market streams say, by stream. Pure functions.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures,
"Websocket Market Streams".
"""

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal

from ..journal.journal import Record
from ..journal.state import State
from ..market.bars import INTERVALS, MINUTE_MS, candles
from . import market_payloads as payloads

Told = tuple[str, payloads.Payload]
"""The name of a stream, and what it says."""


def current(state: State, streams: Iterable[str], seq: int, market_ms: int) -> Iterator[Told]:
    """Tell those that join streams of quotes and mark prices how these stand.

    The real exchange tells the next change, which comes within moments there; a stepped market
    may stand still for long.
    """
    for name, book in state.books.items():
        quote = payloads.book_ticker(book, seq, market_ms, book.price)
        mark = payloads.mark_price(name, market_ms, book.price)
        for stream in streams:
            if stream == f"{name.lower()}@bookTicker":
                yield stream, quote
            elif stream.startswith(f"{name.lower()}@markPrice"):
                yield stream, mark


def told_by(
    state: State, records: Iterable[Record], streams: Collection[str], market_ms: int
) -> Iterator[Told]:
    """Tell quotes, trades, mark prices and candles of some records, for streams with listeners."""
    moved: dict[str, None] = {}
    for record in records if streams else ():
        name = record["data"].get("symbol")
        if record["kind"] == "market.price":
            moved[name] = None
            yield from (told for told in _price(state, name, record) if told[0] in streams)
        elif record["kind"] == "market.bar_closed":
            moved.pop(name, None)
            yield from _candles(state, name, streams, record["market_ms"], closed=True)
    for name in moved:
        yield from _candles(state, name, streams, market_ms, closed=False)


def _price(state: State, name: str, record: Record) -> Iterator[Told]:
    """Tell what a new last price means: a trade of others, the quote, the mark price."""
    price, number, stamp = record["data"]["price"], record["seq"], record["market_ms"]
    book, last = state.books[name], Decimal(price)
    mark = payloads.mark_price(name, stamp, last)
    for suffix, event in (
        ("bookTicker", payloads.book_ticker(book, number, stamp, last)),
        ("aggTrade", payloads.public_trade("aggTrade", name, price, number, stamp)),
        ("trade", payloads.public_trade("trade", name, price, number, stamp)),
        ("markPrice", mark),
        ("markPrice@1s", mark),
    ):
        yield f"{name.lower()}@{suffix}", event


def _candles(
    state: State, name: str, streams: Collection[str], stamp: int, *, closed: bool
) -> Iterator[Told]:
    book = state.books[name]
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

"""The state of the exchange, and the one function that changes it.

Nothing else writes to a `State`: a decision is recorded first and then applied here, so replaying
the journal rebuilds the state.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..market.bars import MINUTE_MS, Bar
from ..market.symbols import SymbolRules, symbol_rules, text
from ..market.tape import Tape, usual_size
from .orders import ZERO, Fill, Kind, Order
from .payments import FundingFee, FundingRate

TRADING, SETTLING = "TRADING", "SETTLING"
"""Whether a symbol trades, as ``exchangeInfo`` says."""

FIRST_ID = 1_000_001
"""Ids have seven digits from the start: clients sort them as text, too."""


@dataclass
class Book:
    """One symbol: its price, its bars and the position in it."""

    rules: SymbolRules
    price: Decimal
    bars: list[Bar]
    forming: Bar | None = None
    tape: Tape = field(default_factory=Tape)
    points: int = 0  # how many points of the forming bar's path are passed
    position: Decimal = ZERO
    entry_price: Decimal = ZERO
    position_ms: int = 0  # when it changed last
    leverage: int = 20
    status: str = TRADING
    liquidity: Decimal | None = None  # what a fault says that the best price holds
    mark: Decimal | None = None  # where a fault says that the mark price stands
    funding_rate: Decimal = ZERO  # the latest one
    taken: dict[Decimal, Decimal] = field(default_factory=dict)  # by our fills, since the price is

    def touch(self, sign: int) -> Decimal:
        """Return the best price to buy (plus) or sell (minus) at: one tick from the last price."""
        return self.price + sign * self.rules.tick

    @property
    def mark_price(self) -> Decimal:
        """The price from which bands and funding are measured: the last one, but for a fault."""
        return self.price if self.mark is None else self.mark

    @property
    def notional(self) -> Decimal:
        """The signed worth of the position at the last price, in USDT."""
        return self.position * self.price

    @property
    def unrealized_pnl(self) -> Decimal:
        """What closing the position at the last price would bring, in USDT."""
        return self.position * (self.price - self.entry_price)


@dataclass
class State:
    """Everything that the exchange knows about its market and its one account."""

    market_ms: int = 0
    changed_wall_ms: int = field(default=0, compare=False)  # when market time came there
    first_open_ms: int = 0
    deposits: Decimal = ZERO  # with what the insurance fund paid in
    wallet: Decimal = ZERO
    books: dict[str, Book] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    funding_rates: list[FundingRate] = field(default_factory=list)
    funding_fees: list[FundingFee] = field(default_factory=list)
    open_ids: dict[str, None] = field(default_factory=dict)
    id_of_client: dict[tuple[Kind, str], str] = field(default_factory=dict)
    conditional_of_order: dict[str, str] = field(default_factory=dict)
    listen_key: str | None = None
    listen_key_until_ms: int = 0  # in wall time
    listen_keys_made: int = 0
    countdowns: dict[str, int] = field(default_factory=dict)  # when they end, in wall time

    @property
    def next_order_id(self) -> str:
        """The id that the next order or conditional order gets."""
        return str(FIRST_ID + len(self.orders))

    @property
    def forming_open_ms(self) -> int:
        """The open time of the bar that is forming; all symbols close theirs together."""
        return self.first_open_ms + len(next(iter(self.books.values())).bars) * MINUTE_MS

    def books_of(self, symbol: str | None) -> list[Book]:
        """Return the book of one symbol, or all."""
        return list(self.books.values()) if symbol is None else [self.books[symbol]]

    def open_orders(self, kind: Kind | None = None, symbol: str | None = None) -> list[Order]:
        """Return what is open, in order of creation."""
        found = (self.orders[key] for key in self.open_ids)
        return [o for o in found if kind in (None, o.kind) and symbol in (None, o.symbol)]

    def find(self, kind: Kind, order_id: str | None, client_order_id: str | None) -> Order | None:
        """Return an order by its id or, for the latest of that name, by the client's."""
        key = order_id or self.id_of_client.get((kind, client_order_id or ""), "")
        order = self.orders.get(key)
        return order if order is not None and order.kind == kind else None

    def ledger(self) -> dict[str, Any]:
        """Return orders, fills, positions and wallet as plain data, in order."""
        held = {name: book for name, book in self.books.items() if book.position}
        return {
            "market_ms": self.market_ms,
            "bar": self.forming_open_ms - 1,
            "prices": {name: text(book.price) for name, book in self.books.items()},
            "wallet": {"USDT": text(self.wallet)},
            "positions": [
                {"symbol": k, "quantity": text(b.position), "entry_price": text(b.entry_price)}
                for k, b in held.items()
            ],
            "orders": [order.row() for order in self.orders.values()],
            "fills": [fill.row() for fill in self.fills],
            "funding": [fee.row() for fee in self.funding_fees],
        }


def apply(state: State, record: Mapping[str, Any]) -> None:
    """Change the state as one record says; records that tell of no change are passed over."""
    kind, data, stamp = record["kind"], record["data"], (record["seq"], record["market_ms"])
    if kind.startswith(("order.", "conditional.")):
        _put_order(state, Order.from_row(data))
        if kind == "order.filled":
            fill = Fill.from_row(data["fill"])
            state.fills.append(fill)
            book = state.books[fill.symbol]
            book.taken[fill.price] = book.taken.get(fill.price, ZERO) + fill.quantity
            passive = (fill.side == "BUY") == fill.maker
            book.tape.add(*stamp, fill.price, fill.quantity, buyer_is_maker=passive)
    elif kind == "position.changed":
        book = state.books[data["symbol"]]
        book.position = Decimal(data["quantity"])
        book.entry_price = Decimal(data["entry_price"])
        book.position_ms = record["market_ms"]
        state.wallet = Decimal(data["wallet"])
    elif kind == "wallet.covered":
        state.wallet = Decimal(data["wallet"])
        state.deposits += Decimal(data["change"])
    elif kind == "market.funding":
        state.funding_rates.append(FundingRate.from_row(data))
        state.books[data["symbol"]].funding_rate = Decimal(data["rate"])
    elif kind == "wallet.funded":
        state.funding_fees.append(FundingFee.from_row(data))
        state.wallet = Decimal(data["wallet"])
    elif kind == "market.mark":
        price = data["price"]
        state.books[data["symbol"]].mark = None if price is None else Decimal(price)
    elif kind == "countdown.changed":
        state.countdowns.pop(data["symbol"], None)
        if data["until_ms"]:
            state.countdowns[data["symbol"]] = data["until_ms"]
    elif kind == "market.price":
        book, price = state.books[data["symbol"]], Decimal(data["price"])
        size = usual_size(book.rules, book.bars[-1])
        book.tape.add(*stamp, price, size, buyer_is_maker=price < book.price)
        _move(book, price, data["point"])
    elif kind == "market.bar_closed":
        book, row = state.books[data["symbol"]], [*data["bar"], data["volume"]]
        book.bars.append(Bar(*map(Decimal, row)))
        book.price, book.forming, book.points = book.bars[-1].close, None, 0
        book.taken.clear()
    elif kind == "market.liquidity":
        quantity = data["quantity"]
        state.books[data["symbol"]].liquidity = None if quantity is None else Decimal(quantity)
    elif kind == "market.status":
        state.books[data["symbol"]].status = data["status"]
    elif kind == "leverage.changed":
        state.books[data["symbol"]].leverage = data["leverage"]
    elif kind == "listen_key.changed":
        state.listen_keys_made += data["key"] not in (None, state.listen_key)
        state.listen_key, state.listen_key_until_ms = data["key"], data["until_ms"]
    elif kind == "exchange.started":
        state.first_open_ms = data["first_open_ms"]
        state.wallet = state.deposits = Decimal(data["wallet"])
        for name, rows in data["bars"].items():
            bars = [Bar(*map(Decimal, row)) for row in rows]
            book = state.books[name] = Book(symbol_rules(name), bars[-1].close, bars)
            book.tape.print_bars(book.rules, bars, state.first_open_ms)
    else:
        return
    state.market_ms, state.changed_wall_ms = record["market_ms"], record["wall_ns"] // 1_000_000


def replay(records: Iterable[Mapping[str, Any]]) -> State:
    """Rebuild the state from the records of a journal."""
    state = State()
    for record in records:
        apply(state, record)
    return state


def _put_order(state: State, order: Order) -> None:
    key = order.exchange_order_id
    state.orders[key] = order
    state.id_of_client[order.kind, order.client_order_id] = key
    if order.is_open:
        state.open_ids[key] = None
    else:
        state.open_ids.pop(key, None)
    if order.triggered_order_id:
        state.conditional_of_order[order.triggered_order_id] = key


def _move(book: Book, price: Decimal, points: int) -> None:
    if price != book.price:
        book.taken.clear()
    book.price, book.points = price, points
    here = book.forming or Bar(price, price, price, price, ZERO)
    book.forming = Bar(here.open, max(here.high, price), min(here.low, price), price, ZERO)

"""The core of the exchange without process and network, for tests."""

from collections.abc import Callable
from decimal import Decimal as Dec
from typing import Any

import pytest

from simulated_exchange.errors import ExchangeError
from simulated_exchange.journal.journal import Journal
from simulated_exchange.journal.orders import Order
from simulated_exchange.journal.state import State
from simulated_exchange.market.scripts import RecordedMarket
from simulated_exchange.market.symbols import symbol_rules
from simulated_exchange.matching.course import Course
from simulated_exchange.matching.matching import Matching
from simulated_exchange.protocol.user_events import user_event

NAME, OTHER = "XUSDT", "YUSDT"
FLAT = ("100",) * 5


class Core:
    """A market that stands at 100.00 and then goes through the bars given.

    The best bid and ask hold 100, which is worth 10,000 USDT.
    """

    def __init__(
        self,
        *bars: tuple[str, str, str, str],
        wallet: str = "100000",
        names: tuple[str, ...] = (NAME,),
    ) -> None:
        self.state = State()
        self.journal = Journal(self.state)
        self.matching = Matching(self.state, self.journal)
        rows = [(*prices, prices[3]) for prices in bars] or [FLAT] * 5
        market = RecordedMarket([FLAT, *rows])
        self.course = Course(self.state, self.journal, self.matching, market, 0)
        self.course.start([symbol_rules(name) for name in names], 0, 1, Dec(wallet))

    @property
    def book(self) -> Any:
        return self.state.books[NAME]

    def order(self, side: str, quantity: str = "1", **more: Any) -> Order:
        """Place an order; return what became of it."""
        more = {k: Dec(v) if k == "price" else v for k, v in more.items()}
        kind = "LIMIT" if "price" in more else "MARKET"
        given: dict[str, Any] = {"symbol": NAME, "quantity": Dec(quantity)} | more
        order = Order(kind="order", side=side, type=kind, **given)
        return self.now(self.matching.place(order))

    def conditional(self, side: str, kind: str, trigger: str, **more: Any) -> Order:
        more = {k: Dec(v) if k in ("price", "quantity") else v for k, v in more.items()}
        given: dict[str, Any] = {"symbol": NAME, "quantity": Dec(1), "trigger_price": Dec(trigger)}
        order = Order(kind="conditional", side=side, type=kind, **(given | more))
        return self.matching.place_conditional(order)

    def now(self, order: Order) -> Order:
        return self.state.orders[order.exchange_order_id]

    def became(self, conditional: Order) -> Order:
        return self.state.orders[self.now(conditional).triggered_order_id]

    def thin(self, quantity: str) -> None:
        self.matching.set_liquidity(NAME, Dec(quantity))

    def fills(self) -> list[tuple[float, float]]:
        """Return quantity and price of all fills."""
        return [(float(fill.quantity), float(fill.price)) for fill in self.state.fills]

    def wick(self, price: str) -> None:
        self.course.wick(NAME, Dec(price))

    def travel(self, price: str) -> None:
        """Move the price without way back."""
        self.matching.travel(NAME, Dec(price), self.book.points, self.state.market_ms)

    def events(self, name: str = "ORDER_TRADE_UPDATE") -> list[Any]:
        """Return what the user stream tells by one name."""
        events = filter(None, map(user_event, self.journal.after(0)))
        return [event.get("o") or event.get("a") for event in events if event["e"] == name]

    def told(self, kind: str) -> list[Any]:
        return [r["data"] for r in self.journal.after(0) if r["kind"] == kind]


def code_of(action: Callable[[], object]) -> int:
    with pytest.raises(ExchangeError) as refused:
        action()
    return refused.value.code

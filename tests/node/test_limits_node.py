"""
Strategies that are written to break each limit: how many orders past it reach the exchange is 0.

The exchange's own ledger is what is counted. A node without the gate shows that each of them does
break its limit, where nothing stands in its way.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from node.conftest import Start
from node.processes import SETTLE_SECONDS, Exchange, Node, Store
from node.test_trading import last_bar

BARS = 5
"""After a restart."""
MOST_BARS = 40
MIDNIGHT = 1_704_153_600_000
HISTORY = 300
BARS_TO_MIDNIGHT = 25
BAR_MS = 60_000
NEW_DAY_SECONDS = 20.0
AWAY = 75
D = Decimal
ZERO = D(0)
CODE = """
import sys
from decimal import Decimal as D
from trading_node import strategies
from trading_node.commands import main
from trading_node.engine.v1 import start
from trading_node.guards import limit_watch
from trading_node.plan.target import Resting, Target
from trading_node.plan.traded import Traded

UNIT = D("0.010")


class Rule:
    window = 1

    def target(self, view):
        close, held = view.bars[-1].close, view.position
        minute = view.bars[-1].close_ms // 60_000
        return {target}


strategies.traded = lambda settings, own: [Traded(Rule(), "BTCUSDT", "1m", "BREAK")]
if not {limited}:
    start.limit_orders = lambda *anything: None
limit_watch.LOOK_SECONDS, limit_watch.INCOME_SECONDS = {rhythm}
sys.exit(main.main(["run"]))
"""
CHURN = "Target(UNIT if minute % 2 else -UNIT)"
"""Another side each bar: an exit and an entry, and commission for both."""

type Ledger = dict[str, Any]


def opening(ledger: Ledger) -> list[dict[str, Any]]:
    """Return the orders that may open something, as the exchange has them."""
    return [row for row in ledger["orders"] if not row["reduce_only"]]


def is_larger(limit: Decimal) -> Callable[[Ledger], int]:
    """Count orders of more than so many coins."""
    return lambda ledger: sum(D(row["quantity"]) > limit for row in opening(ledger))


def is_worth_more(limit: Decimal) -> Callable[[Ledger], int]:
    """Count orders whose fills are worth more than so much; marks are a few bars old at most."""

    def count(ledger: Ledger) -> int:
        worth: dict[str, Decimal] = {}
        for fill in ledger["fills"]:
            name = fill["exchange_order_id"]
            worth[name] = worth.get(name, ZERO) + D(fill["quantity"]) * D(fill["price"])
        names = {row["exchange_order_id"] for row in opening(ledger)}
        return sum(each > limit * D("1.02") for name, each in worth.items() if name in names)

    return count


def holds_more(limit: Decimal) -> Callable[[Ledger], int]:
    """Count fills after which the position is worth more than so much."""

    def count(ledger: Ledger) -> int:
        held, found = ZERO, 0
        for fill in ledger["fills"]:
            held += D(fill["quantity"]) * (1 if fill["side"] == "BUY" else -1)
            found += abs(held) * D(fill["price"]) > limit * D("1.02")
        return found

    return count


def are_more(limit: int, *, reduce_only: bool = False) -> Callable[[Ledger], int]:
    """Count orders beyond so many within any minute; the exchange has heard of them in `at_s`."""

    def count(ledger: Ledger) -> int:
        rows = [row for row in ledger["orders"] if row["reduce_only"] is reduce_only]
        times = sorted(row["at_s"] for row in rows)
        # Each has taken a moment to get there.
        most = max((sum(at <= each < at + 59 for each in times) for at in times), default=0)
        return max(0, most - limit)

    return count


def are_further(part: Decimal) -> Callable[[Ledger], int]:
    """Count orders with a price further from the last fill, or the market, than so much."""

    def count(ledger: Ledger) -> int:
        prices = [D(row["price"]) for row in opening(ledger) if row.get("price")]
        market = D(ledger["prices"]["BTCUSDT"])
        return sum(abs(price - market) / market > part for price in prices if price)

    return count


def cost(ledger: Ledger, *, fees_alone: bool) -> Iterator[tuple[str, Decimal]]:
    """Yield, fill by fill, the order and what had been lost before it."""
    lost = ZERO
    for fill in ledger["fills"]:
        yield fill["exchange_order_id"], lost
        lost += D(fill["commission"]) - (ZERO if fees_alone else D(fill["realized_pnl"]))


def open_after(limit: Decimal, *, fees_alone: bool) -> Callable[[Ledger], int]:
    """Count orders that open something although so much was lost, or paid, before."""

    def count(ledger: Ledger) -> int:
        names = {row["exchange_order_id"] for row in opening(ledger)}
        late = {
            name
            for name, lost in cost(ledger, fees_alone=fees_alone)
            if lost >= limit and name in names
        }
        return len(late)

    return count


@dataclass(frozen=True)
class Case:
    """
    A strategy that breaks a limit.

    Parameters
    ----------
    target : str
        What it asks for, in Python.
    setting, value : str
        The limit.
    past : Callable[[Ledger], int]
        Counts the orders past the limit in the exchange's ledger.
    wallet : str
        What the account begins with.
    opens : bool
        Whether something is opened before the limit is met.

    """

    target: str
    setting: str
    value: str
    past: Callable[[Ledger], int] = field(repr=False)
    wallet: str = "100000"
    opens: bool = True


CASES = {
    "too large": Case(
        "Target(2 * UNIT)", "MAX_ORDER_QUANTITY", "0.015", is_larger(D("0.015")), opens=False
    ),
    "worth too much": Case(
        "Target(2 * UNIT)", "MAX_ORDER_NOTIONAL", "500", is_worth_more(D(500)), opens=False
    ),
    "grows": Case("Target(held + UNIT)", "MAX_POSITION_NOTIONAL", "2000", holds_more(D(2000))),
    "grows on little": Case(
        "Target(held + UNIT)", "MAX_LEVERAGE", "9.5", holds_more(D("9.5") * 200), wallet="200"
    ),
    "too often": Case(CHURN, "MAX_ORDERS_A_MINUTE", "3", are_more(3)),
    "moves its stop": Case(
        "Target(UNIT, stop=close * (D('0.9') + D(minute % 50) / 1000))",
        "MAX_REDUCING_ORDERS_A_MINUTE",
        "4",
        are_more(4, reduce_only=True),
    ),
    "too far": Case(
        "Target(D(0), resting=(Resting(0, UNIT, close * D('0.96')),))",
        "MAX_PRICE_DISTANCE",
        "0.02",
        are_further(D("0.02")),
        opens=False,
    ),
    "loses": Case(CHURN, "MAX_DAILY_LOSS", "1", open_after(D(1), fees_alone=False)),
    "churns": Case(CHURN, "MAX_DAILY_FEES", "1", open_after(D(1), fees_alone=True)),
}


def code(case: Case, *, limited: bool = True, rhythm: str = "5.0, 30.0") -> str:
    """Return a node that trades a case's strategy."""
    return CODE.format(target=case.target, limited=limited, rhythm=rhythm)


def ledger_of(exchange: Exchange) -> Ledger:
    """Return the ledger, with the wall time at which each order has come, in seconds."""
    ledger: Ledger = exchange.get("ledger")
    came: dict[str, float] = {}
    for record in exchange.get("journal?after=0")["records"]:
        if record["kind"].startswith(("order.", "conditional.")):
            name = record["data"]["exchange_order_id"]
            came.setdefault(name, record["wall_ns"] / 1e9)
    for row in ledger["orders"]:
        row["at_s"] = came[row["exchange_order_id"]]
    return ledger


def step_anyway(exchange: Exchange, node: Node) -> dict[str, Any]:
    """Close one bar, and wait until the node has looked at it, whether it may decide or not."""
    revision = node.get("state")[1]["revision"]
    exchange.post("step", {"bars": 1})
    deadline = time.monotonic() + SETTLE_SECONDS
    state: dict[str, Any] = node.get(f"state?after={revision}&wait_s={SETTLE_SECONDS:g}")[1]
    while state["inflight"]:
        assert time.monotonic() < deadline, node.everything()
        state = node.get(f"state?after={state['revision']}&wait_s=1")[1]
    return state


def told_of_limits(state: dict[str, Any]) -> str:
    """Return what the node says that its limits keep back; empty when they keep nothing."""
    return " ".join(c["sentence"] for c in state["conditions"] if c["name"] == "limits")


def until_limited(exchange: Exchange, node: Node) -> str:
    """Close bars until the node says that a limit keeps an order back; return the sentence."""
    for _ in range(MOST_BARS):
        if told := told_of_limits(step_anyway(exchange, node)):
            return told
    raise AssertionError(f"Nothing was kept back in {MOST_BARS} bars.\n{node.everything()}")


@pytest.fixture
def play(start: Start, store: Store, tmp_path: Path, project: Path) -> Callable[..., Any]:
    """Begin an exchange for a case; return it, and what starts a node there."""

    def begin(case: Case, *options: str) -> tuple[Exchange, Callable[..., Node]]:
        wallet = ("--wallet", case.wallet)
        exchange = Exchange(tmp_path / "exchange", project / "drill", *wallet, *options)
        urls = {"TRADER_EXCHANGE_HTTP_URL": exchange.http, "TRADER_EXCHANGE_WS_URL": exchange.ws}

        def run(**how: Any) -> Node:
            node = start(code(case, **how), **{f"TRADER_{case.setting}": case.value}, **urls)
            node.until("trading")
            return node

        return exchange, run

    return begin


@pytest.mark.parametrize("name", CASES)
def test_no_order_past_a_limit_reaches_the_exchange(play: Callable[..., Any], name: str) -> None:
    case = CASES[name]
    exchange, run = play(case)
    node = run()
    told = until_limited(exchange, node)
    assert f"TRADER_{case.setting} allows {case.value}." in told
    assert node.said(told), "it is in the log"
    status, health = node.get("health")
    assert (status, health["stage"]) == (503, "degraded")
    assert told in health["reason"]
    step_anyway(exchange, node)
    node.kill()
    again = run()
    for _ in range(BARS):
        step_anyway(exchange, again)
    ledger = ledger_of(exchange)
    assert case.past(ledger) == 0, ledger["orders"]
    assert bool(ledger["fills"]) is case.opens


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_without_limits_orders_past_them_do_reach_it(play: Callable[..., Any], name: str) -> None:
    case = CASES[name]
    exchange, run = play(case)
    node = run(limited=False)
    for _ in range(2 * BARS):
        step_anyway(exchange, node)
    assert case.past(ledger_of(exchange)) > 0


def test_a_day_s_loss_survives_a_kill_and_ends_with_the_day(play: Callable[..., Any]) -> None:
    case = CASES["loses"]
    epoch = MIDNIGHT - (HISTORY + BARS_TO_MIDNIGHT) * BAR_MS
    exchange, run = play(case, "--epoch", str(epoch), "--history", str(HISTORY))
    node = run(rhythm="0.5, 1.0")
    until_limited(exchange, node)
    # One that is kept back would have passed the limit; what closes the position costs as well.
    node.kill()
    before = len(opening(exchange.get("ledger")))
    again = run(rhythm="0.5, 1.0")
    while last_bar(exchange) < MIDNIGHT - BAR_MS:
        state = step_anyway(exchange, again)
        assert len(opening(exchange.get("ledger"))) == before, "the loss is of the day, not of it"
    assert "TRADER_MAX_DAILY_LOSS allows 1." in told_of_limits(state)
    deadline = time.monotonic() + NEW_DAY_SECONDS
    while len(opening(exchange.get("ledger"))) == before:
        assert time.monotonic() < deadline, again.everything()
        step_anyway(exchange, again)


def test_a_loop_of_stops_is_bounded_and_leaves_the_position_a_stop(
    play: Callable[..., Any],
) -> None:
    exchange, run = play(CASES["moves its stop"])
    node = run()
    until_limited(exchange, node)
    for _ in range(BARS):
        step_anyway(exchange, node)
        assert exchange.position() == "0" or exchange.working_stops()


PLAIN = """
from decimal import Decimal
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.trading.strategy import Strategy
from trading_node.engine.v1 import start as engine
from trading_node.engine.v1.views import instrument_id_of

BITCOIN = instrument_id_of("BTCUSDT")
limit_orders = engine.limit_orders


class Plain(Strategy):
    bars = 0

    def on_start(self):
        self.subscribe_bars(BarType.from_str(f"{{BITCOIN}}-1-MINUTE-LAST-EXTERNAL"))

    def on_bar(self, bar):
        self.bars += 1
        if self.bars == 1:
            self.burst()
        elif self.bars == 2:
            self.list(bar)
        elif self.bars == 3:
            self.change()

    def burst(self):
        for _ in range(10):
            self.submit_order(self.market("0.010"))

    def list(self, bar):
        price = bar.close.as_decimal() * Decimal("0.97")
        self.resting = self.limit("0.005", price)
        orders = [self.limit("0.020", price), self.resting, self.limit("0.020", price)]
        self.submit_order_list(self.order_factory.create_list(orders))

    def change(self):
        instrument = self.cache.instrument(BITCOIN)
        self.modify_order(self.resting, quantity=instrument.make_qty(Decimal("0.050")))

    def market(self, quantity):
        instrument = self.cache.instrument(BITCOIN)
        return self.order_factory.market(
            BITCOIN, OrderSide.BUY, instrument.make_qty(Decimal(quantity))
        )

    def limit(self, quantity, price):
        instrument = self.cache.instrument(BITCOIN)
        return self.order_factory.limit(
            BITCOIN,
            OrderSide.BUY,
            instrument.make_qty(Decimal(quantity)),
            price=instrument.make_price(price),
        )


def with_plain(node, events):
    if {limited}:
        limit_orders(node, events)
    node.trader.add_strategy(Plain(StrategyConfig(order_id_tag="PLAIN")))


engine.limit_orders = with_plain
"""
"""An ordinary strategy of the engine's, which sends what it likes in every way that there is."""


def is_held_or_works_more(limit: Decimal) -> Callable[[Ledger], int]:
    """Count what could be bought beyond so much, if all that works filled."""

    def count(ledger: Ledger) -> int:
        bought = sum(D(fill["quantity"]) for fill in ledger["fills"] if fill["side"] == "BUY")
        works = sum(
            D(row["quantity"]) - D(row["filled"])
            for row in ledger["orders"]
            if row["status"] in ("NEW", "PARTIALLY_FILLED")
        )
        return int((bought + works) * D(ledger["prices"]["BTCUSDT"]) > limit * D("1.02"))

    return count


ORDINARY = Case("Target(held)", "MAX_POSITION_NOTIONAL", "1600", is_held_or_works_more(D(1600)))


@pytest.mark.parametrize("limited", [True, False])
def test_an_ordinary_strategy_passes_no_limit_either(
    play: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, limited: bool
) -> None:
    head, _, end = CODE.partition("sys.exit")
    both = head.replace("start.limit_orders = lambda *anything: None", "pass")
    monkeypatch.setitem(globals(), "CODE", f"{both}{PLAIN}\nsys.exit{end}")
    exchange, run = play(ORDINARY)
    node = run(limited=limited)
    for _ in range(2 * BARS):
        step_anyway(exchange, node)
    ledger = exchange.get("ledger")
    small = [row for row in ledger["orders"] if row["quantity"] == "0.005"]
    if limited:
        assert ORDINARY.past(ledger) == 0
        assert len(ledger["fills"]) == 2, "of ten that were sent at once, two keep the limit"
        assert len(small) == 1, "of a list, what keeps the limit is sent"
        assert "allows 1600" in told_of_limits(node.get("state")[1])
    else:
        assert ORDINARY.past(ledger) == 1
        assert small == [], "it was changed"


def test_a_start_that_is_not_told_the_day_s_income_does_not_trade(
    start: Start, store: Store, exchange: Exchange
) -> None:
    refused = {"name": "fail", "match": {"request": "income.read"}, "times": 100}
    exchange.post("faults", {**refused, "status": 503, "code": -1001})
    node = start()
    assert node.wait() == AWAY
    [line] = node.complaint()
    assert "the day's income" in line

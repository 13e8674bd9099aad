"""What the exchange still tells of orders and trades, by market time.

Most of these tests take the core alone: days pass by one record.
"""

import asyncio
import time
from typing import Any

import pytest

from exchange.core import NAME, Core, code_of
from exchange.support import User
from simulated_exchange.clock import Clock
from simulated_exchange.errors import ExchangeError
from simulated_exchange.exchange import Exchange
from simulated_exchange.protocol.endpoints import ENDPOINTS
from simulated_exchange.protocol.parameters import Parameters
from simulated_exchange.protocol.signing import Credentials

DAY_MS = 86_400_000
HISTORIES = ("allOrders", "userTrades", "allAlgoOrders")


class History(Core):
    """A core that answers questions of a client with a wall clock."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock(self.state, self.state.market_ms, stepped=True)
        self.exchange = Exchange(
            7, Credentials("", ""), self.state, self.journal, self.clock, self.matching, self.course
        )

    def ask(self, path: str, **given: Any) -> Any:
        p = Parameters({name: str(value) for name, value in ({"symbol": NAME} | given).items()})
        return ENDPOINTS[f"GET /fapi/v1/{path}"].handle(self.exchange, p)

    def refused(self, path: str, **given: Any) -> int:
        return code_of(lambda: self.ask(path, **given))

    def pass_days(self, days: float) -> None:
        now = self.state.market_ms + int(days * DAY_MS)
        self.journal.write("leverage.changed", {"symbol": NAME, "leverage": 20}, now)

    def wall(self, days_ago: float) -> int:
        """Return a past market time as a client with a wall clock names it."""
        return self.state.market_ms + self.clock.lag_ms() - int(days_ago * DAY_MS)

    def cancelled(self) -> str:
        return self.matching.cancel(self.order("BUY", price="99")).exchange_order_id


@pytest.fixture
def history() -> History:
    return History()


@pytest.mark.parametrize("path", HISTORIES)
def test_a_question_covers_seven_days(history: History, path: str) -> None:
    start = history.wall(80)
    assert history.refused(path, startTime=start, endTime=start + 7 * DAY_MS + 1) == -4165
    assert history.ask(path, startTime=start, endTime=start + 7 * DAY_MS) == []
    assert history.refused(path, startTime=start, endTime=start - 1) == -1023


def test_the_text_of_a_long_question(history: History) -> None:
    start = history.wall(80)
    with pytest.raises(ExchangeError, match=r"-4165: Maximum time interval is 7 days\."):
        history.ask("allOrders", startTime=start, endTime=start + 8 * DAY_MS)


def test_without_a_time_it_is_the_last_seven_days(history: History) -> None:
    history.order("BUY")
    history.conditional("SELL", "STOP_MARKET", "90")
    for path in HISTORIES[:2]:
        assert len(history.ask(path)) == 1
        assert len(history.ask(path, orderId=1)) == (1 if path == "allOrders" else 0)
    assert len(history.ask("allAlgoOrders")) == 1
    history.pass_days(6.9)
    assert [len(history.ask(path)) for path in HISTORIES] == [1, 1, 1]
    history.pass_days(0.2)
    assert [history.ask(path) for path in HISTORIES] == [[], [], []]
    assert history.ask("allOrders", orderId=1) == [], "an id alone reaches no further"
    assert history.ask("userTrades", fromId=1) == []


def test_a_start_alone_is_the_seven_days_after_it(history: History) -> None:
    history.order("BUY")
    history.pass_days(10)
    history.order("BUY")
    for path in HISTORIES[:2]:
        first, later = (
            [row["time"] for row in history.ask(path, startTime=history.wall(ago))]
            for ago in (11, 6)
        )
        assert (len(first), len(later)) == (1, 1)
        assert later[0] - first[0] > 9 * DAY_MS
        assert history.ask(path, startTime=history.wall(9)) == [], "it ends two days ago"
        [last] = history.ask(path, endTime=history.wall(5))
        assert last["time"] == first[0]


def test_trades_by_id_or_time_not_both(history: History) -> None:
    history.order("BUY")
    for name in ("startTime", "endTime"):
        given = {name: history.wall(1)}
        assert history.refused("userTrades", fromId=1, **given) == -1106


def test_an_id_is_the_first_that_is_told(history: History) -> None:
    orders = [history.order("BUY").exchange_order_id for _ in range(3)]
    told = history.ask("allOrders", orderId=orders[1])
    assert [str(row["orderId"]) for row in told] == orders[1:]
    trades = [fill.trade_id for fill in history.state.fills]
    told = history.ask("userTrades", fromId=trades[1])
    assert [str(row["id"]) for row in told] == trades[1:]
    conditionals = [history.conditional("SELL", "STOP_MARKET", "90") for _ in range(3)]
    ids = [conditional.exchange_order_id for conditional in conditionals]
    assert [str(row["algoId"]) for row in history.ask("allAlgoOrders", algoId=ids[1])] == ids[1:]


def test_orders_without_a_fill_are_forgotten_after_three_days(history: History) -> None:
    ended = history.cancelled()
    expired = history.order("BUY", price="99", time_in_force="IOC").exchange_order_id
    filled = history.order("BUY").exchange_order_id
    resting = history.order("BUY", price="98").exchange_order_id
    everyone = [ended, expired, filled, resting]
    history.pass_days(2.9)
    assert [str(row["orderId"]) for row in history.ask("allOrders")] == everyone
    assert history.ask("order", orderId=ended)["status"] == "CANCELED"
    history.pass_days(0.2)
    assert [str(row["orderId"]) for row in history.ask("allOrders")] == [filled, resting]
    for forgotten in (ended, expired):
        assert history.refused("order", orderId=forgotten) == -2013
    assert history.ask("order", orderId=filled)["status"] == "FILLED"


def test_a_partial_fill_is_remembered(history: History) -> None:
    history.thin("0.4")
    order = history.order("BUY", price="100.01")
    assert history.matching.cancel(order).filled < order.quantity
    history.pass_days(4)
    assert history.ask("order", orderId=order.exchange_order_id)["status"] == "CANCELED"


def test_orders_are_forgotten_after_ninety_days(history: History) -> None:
    filled = history.order("BUY").exchange_order_id
    history.pass_days(89)
    assert history.ask("order", orderId=filled)["status"] == "FILLED"
    assert len(history.ask("allOrders", startTime=history.wall(89.5))) == 1
    history.pass_days(2)
    assert history.refused("order", orderId=filled) == -2013
    assert history.refused("allOrders", startTime=history.wall(91)) == -4166
    assert history.ask("allOrders", endTime=history.wall(88)) == []


def test_trades_are_told_for_six_months(history: History) -> None:
    history.order("BUY")
    history.pass_days(179)
    assert len(history.ask("userTrades", startTime=history.wall(179.5))) == 1
    history.pass_days(2)
    assert history.refused("userTrades", startTime=history.wall(181.5)) == -4166
    assert history.ask("userTrades", endTime=history.wall(175)) == []


def test_conditionals_are_forgotten_likewise(history: History) -> None:
    placed = history.conditional("SELL", "STOP_MARKET", "90")
    history.matching.cancel(placed)
    asked = {"algoId": placed.exchange_order_id}
    history.pass_days(2)
    assert history.ask("algoOrder", **asked)["algoStatus"] == "CANCELED"
    history.pass_days(2)
    assert history.ask("allAlgoOrders") == []
    assert history.refused("algoOrder", **asked) == -2013


def test_income(history: History) -> None:
    history.order("BUY")
    history.order("SELL")
    rows = history.ask("income")
    assert [row["incomeType"] for row in rows] == ["COMMISSION", "REALIZED_PNL", "COMMISSION"]
    assert len(history.ask("income", incomeType="COMMISSION")) == 2
    assert history.ask("income", limit=2, page=2) == rows[2:]
    assert history.refused("income", page=0) == -1130
    history.pass_days(8)
    assert history.ask("income") == []
    assert len(history.ask("income", startTime=history.wall(9))) == 3


def test_rows_are_limited(history: History) -> None:
    for _ in range(501):
        history.order("BUY", "0.05")
    for path in HISTORIES[:2]:
        assert len(history.ask(path)) == 500
        assert len(history.ask(path, limit=1000)) == 501
        [newest] = history.ask(path, limit=1)
        [oldest] = history.ask(path, limit=1, startTime=history.wall(1))
        assert newest["time"] > oldest["time"] + 500
        assert history.refused(path, limit=1001) == -1130
        assert history.refused(path, limit=0) == -1130


async def test_a_client_asks_in_wall_time(user: User) -> None:
    await user.order("BUY")
    now = time.time_ns() // 1_000_000
    for path in ("v1/allOrders", "v1/userTrades"):
        assert len(await user.ask("GET", path, symbol="BTCUSDT", startTime=now - DAY_MS)) == 1
        wide = {"startTime": now - 8 * DAY_MS, "endTime": now}
        assert await user.refused("GET", path, symbol="BTCUSDT", **wide) == -4165
        early = {"startTime": now - 200 * DAY_MS}
        assert await user.refused("GET", path, symbol="BTCUSDT", **early) == -4166


async def test_a_client_asks_from_a_stamp_that_it_was_told(user: User) -> None:
    for _ in range(2):
        await user.order("BUY")
    now = time.time_ns() // 1_000_000
    for path in ("v1/allOrders", "v1/userTrades", "v1/income"):
        stamps = [row["time"] for row in await user.ask("GET", path, symbol="BTCUSDT")]
        for end in ({}, {"endTime": now}):  # it was now when the client asked
            given = {"symbol": "BTCUSDT", "startTime": stamps[-1], **end}
            assert [row["time"] for row in await user.ask("GET", path, **given)] == stamps[-1:]
        given = {"symbol": "BTCUSDT", "endTime": stamps[0]}
        assert [row["time"] for row in await user.ask("GET", path, **given)] == stamps[:1]


async def test_an_end_of_now_includes_the_last_change(user: User) -> None:
    await user.order("BUY")
    now = time.time_ns() // 1_000_000
    await asyncio.sleep(0.02)  # the request travels, and market time stands still
    for path in ("v1/allOrders", "v1/userTrades", "v1/income"):
        for start in ({}, {"startTime": now - DAY_MS}, {"startTime": now - 7 * DAY_MS}):
            given = {"symbol": "BTCUSDT", "endTime": now, **start}
            assert len(await user.ask("GET", path, **given)) == 1
        given = {"symbol": "BTCUSDT", "endTime": now - 60_000}
        assert await user.ask("GET", path, **given) == []

"""Request weight and order counts: what is told, and what is refused."""

from typing import Any

import pytest

from exchange.support import User, exchange
from simulated_exchange.errors import ExchangeError
from simulated_exchange.protocol.endpoints import ENDPOINTS
from simulated_exchange.protocol.limits import Cost, Limits
from simulated_exchange.protocol.parameters import Parameters

MINUTE_MS = 60_000
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"}
USED = "X-MBX-USED-WEIGHT-1M"
COUNTS = ("X-MBX-ORDER-COUNT-10S", "X-MBX-ORDER-COUNT-1M")


class Clocked(Limits):
    """Limits whose wall time is moved by hand."""

    def __init__(self, weight: int = 0, orders: int = 0) -> None:
        self.now_ms = 1_000_000 * MINUTE_MS
        super().__init__(weight, orders, lambda: self.now_ms)


def weight(request: str, **given: Any) -> int:
    cost = ENDPOINTS[request].cost.weight
    p = Parameters({name: str(value) for name, value in given.items()})
    return cost if isinstance(cost, int) else cost(p)


def refusal(limits: Limits, cost: Cost) -> ExchangeError | None:
    try:
        limits.weigh(cost, Parameters())
        limits.order(cost)
    except ExchangeError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("request_name", "given", "expected"),
    [
        ("GET /fapi/v1/ping", {}, 1),
        ("GET /fapi/v2/account", {}, 5),
        ("GET /fapi/v1/positionSide/dual", {}, 30),
        ("GET /fapi/v1/commissionRate", {}, 20),
        ("GET /fapi/v1/openOrders", {"symbol": "BTCUSDT"}, 1),
        ("GET /fapi/v1/openOrders", {}, 40),
        ("GET /fapi/v1/openAlgoOrders", {}, 40),
        ("GET /fapi/v1/klines", {}, 5),
        ("GET /fapi/v1/klines", {"limit": 99}, 1),
        ("GET /fapi/v1/klines", {"limit": 100}, 2),
        ("GET /fapi/v1/klines", {"limit": 500}, 5),
        ("GET /fapi/v1/klines", {"limit": 1001}, 10),
        ("GET /fapi/v1/klines", {"limit": "many"}, 5),
        ("GET /fapi/v1/depth", {"limit": 50}, 2),
        ("GET /fapi/v1/depth", {"limit": 1000}, 20),
        ("POST /fapi/v1/order", {}, 0),
        ("POST /fapi/v1/batchOrders", {}, 5),
        ("DELETE /fapi/v1/order", {}, 1),
    ],
)
def test_weights(request_name: str, given: dict[str, Any], expected: int) -> None:
    assert weight(request_name, **given) == expected


def test_weight_beyond_the_limit_is_refused_until_the_minute_ends() -> None:
    limits = Clocked(weight=10)
    assert refusal(limits, Cost(10)) is None
    limits.now_ms += 15_001
    refused = refusal(limits, Cost(1))
    assert refused is not None
    assert (refused.code, refused.status) == (-1003, 429)
    assert "is 10 requests per minute" in refused.message
    assert limits.headers(Cost(1), 429) == {USED: "11", "Retry-After": "45"}
    assert refusal(limits, Cost(0)) is None, "what weighs nothing always passes"
    limits.now_ms += 44_998
    assert refusal(limits, Cost(1)) is not None
    limits.now_ms += 1
    assert refusal(limits, Cost(1)) is None
    assert limits.headers(Cost(1), 200) == {USED: "1"}


def test_orders_are_limited_in_ten_seconds_and_in_a_minute() -> None:
    limits, order = Clocked(orders=8), Cost(0, 1, 1)
    assert [refusal(limits, order), refusal(limits, order)] == [None, None]
    refused = refusal(limits, order)
    assert refused is not None
    assert (refused.code, refused.status) == (-1015, 429)
    assert refused.message == "Too many new orders; current limit is 2 orders per 10 SECOND."
    told = {USED: "0", COUNTS[0]: "3", COUNTS[1]: "3", "Retry-After": "10"}
    assert limits.headers(order, 429) == told
    for count in (2, 2, 1):
        limits.now_ms += 10_000
        assert [refusal(limits, order) for _ in range(count)] == [None] * count
    refused = refusal(limits, order)
    assert refused is not None
    assert refused.message == "Too many new orders; current limit is 8 orders per 1 MINUTE."
    assert limits.headers(order, 429)["Retry-After"] == "30"


def test_several_orders_count_five_in_ten_seconds_and_one_in_a_minute() -> None:
    limits, batch = Clocked(orders=100), ENDPOINTS["POST /fapi/v1/batchOrders"].cost
    assert refusal(limits, batch) is None
    assert limits.headers(batch, 200) == {USED: "5", COUNTS[0]: "5", COUNTS[1]: "1"}


def test_without_limits_it_is_counted_all_the_same() -> None:
    limits = Clocked()
    assert refusal(limits, Cost(1_000_000, 1_000_000, 1_000_000)) is None
    assert limits.headers(Cost(), 200) == {USED: "1000000"}
    assert [row["limit"] for row in limits.rows()] == [2400, 300, 1200]
    assert [row["limit"] for row in Clocked(weight=4, orders=8).rows()] == [4, 2, 8]


async def test_every_answer_tells_the_weight(user: User) -> None:
    await user.raw("GET", "/fapi/v1/ping", key="")
    before = int(user.headers[USED])
    await user.refused("GET", "v2/account", recvWindow=70_000)
    # A minute may end in between, which starts from zero.
    assert int(user.headers[USED]) in (before + 5, 5)
    assert not set(COUNTS) & set(user.headers)


async def test_answers_to_orders_tell_their_count(user: User) -> None:
    for place in (user.order("BUY"), user.conditional("SELL", "STOP_MARKET", "50000")):
        await place
        assert all(int(user.headers[name]) in (1, 2) for name in COUNTS)
    await user.refused("POST", "v1/order", symbol="BTCUSDT")
    assert all(int(user.headers[name]) in (1, 2, 3) for name in COUNTS)


async def test_too_much_weight() -> None:
    async with exchange("--stepped", "--weight-limit", "4") as user:
        status, answer = await user.signed("GET", "v2/account")
        assert (status, answer["code"]) == (429, -1003)
        assert 1 <= int(user.headers["Retry-After"]) <= 60


async def test_too_many_orders() -> None:
    async with exchange("--stepped", "--order-limit", "4") as user:
        # One in ten seconds; of three at once, the second or the third is too many.
        answers = [await user.signed("POST", "v1/order", **ORDER) for _ in range(3)]
        assert answers[0][0] == 200
        assert {answer.get("code") for _, answer in answers[1:]} >= {-1015}
        assert len((await user.ledger())["fills"]) == [status for status, _ in answers].count(200)
        assert await user.ask("GET", "v1/openOrders") == [], "questions are no orders"


async def test_a_running_market_has_the_real_limits_and_a_stepped_one_none(user: User) -> None:
    for _ in range(70):
        await user.ask("GET", "v1/openOrders")
    assert [row["limit"] for row in await user.ask("GET", "v1/rateLimit/order")] == [300, 1200]
    async with exchange() as running:
        answers = [await running.signed("GET", "v1/openOrders") for _ in range(121)]
        assert {status for status, _ in answers} == {200, 429}
        assert answers[0][0] == 200


async def test_zero_is_no_limit() -> None:
    async with exchange("--weight-limit", "0", "--order-limit", "0") as user:
        for _ in range(61):
            await user.ask("GET", "v1/openOrders")

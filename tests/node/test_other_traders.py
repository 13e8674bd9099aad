"""Two traders on one account: an order of another one is not taken for one's own, nor cancelled."""

import urllib.request
from decimal import Decimal
from typing import Any

import pytest

from node.baked import module
from node.conftest import Start
from node.processes import SYMBOL, Exchange, Store
from node.test_trading import MOST_BARS, OWNER, last_bar, step, step_until_position
from signing import HEADERS, signed

OTHER = module("plan.order_ids").owner_of("TRADER-002", "EMA001", SYMBOL)


def place(exchange: Exchange, path: str, **order: str) -> None:
    """Place an order by hand, as any other program with the account's key could."""
    url = f"{exchange.http}{path}?{signed({'symbol': SYMBOL, **order})}"
    request = urllib.request.Request(  # noqa: S310 - loopback
        url, data=b"", headers=dict(HEADERS), method="POST"
    )
    urllib.request.urlopen(request, timeout=20).close()  # noqa: S310 - loopback


def stop_of_the_other(exchange: Exchange, position: Decimal) -> str:
    """Place a stop as another trader would, on the right side of the market; return its id."""
    [own] = exchange.working_stops()
    name = f"{OTHER}-{last_bar(exchange) // 1000}-S0"
    far = Decimal(own["trigger_price"]) * (Decimal("0.9") if position > 0 else Decimal("1.1"))
    place(
        exchange,
        "/fapi/v1/algoOrder",
        algoType="CONDITIONAL",
        side="SELL" if position > 0 else "BUY",
        type="STOP_MARKET",
        quantity=str(abs(position)),
        triggerPrice=f"{far:.1f}",
        reduceOnly="true",
        clientAlgoId=name,
    )
    return name


def working(exchange: Exchange) -> set[str]:
    return {row["client_order_id"] for row in exchange.working_stops()}


@pytest.mark.parametrize("killed", [False, True])
def test_stop_of_another_trader_is_left_alone(
    start: Start, store: Store, exchange: Exchange, killed: bool
) -> None:
    node = start()
    node.until("trading")
    state = step_until_position(exchange, node)
    position = Decimal(state["positions"][0]["quantity"])
    name = stop_of_the_other(exchange, position)
    if killed:
        node.kill()
        node = start()
        node.until("trading")
    for _ in range(MOST_BARS):
        state = step(exchange, node)
        others, own = {n for n in working(exchange) if n == name}, working(exchange) - {name}
        assert others == {name}, "the other trader's stop was cancelled"
        assert all(n.startswith(OWNER) for n in own)
        if not state["positions"]:
            break
        assert len(own) == 1, "the other trader's stop was taken for protection"
    else:
        raise AssertionError(f"No exit in {MOST_BARS} bars.")
    assert own == set()


def test_two_traders_make_different_ids() -> None:
    order_ids: Any = module("plan.order_ids")
    owners = {
        order_ids.owner_of(trader, tag, symbol)
        for trader in ("TRADER-001", "TRADER-002")
        for tag in ("EMA001", "EMA002")
        for symbol in ("BTCUSDT", "ETHUSDT")
    }
    assert len(owners) == 8
    assert order_ids.owner_of("TRADER-001", "EMA001", SYMBOL) == OWNER

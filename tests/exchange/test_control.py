"""The control interface: time, ledger, journal."""

from typing import Any

import pytest

from exchange.support import EPOCH_MS, START_MS, User, exchange


async def test_hello(user: User) -> None:
    hello = await user.sim("GET", "hello")
    assert hello == hello | {
        "name": "simulated-exchange", "seed": 7, "market_epoch": EPOCH_MS, "market_ms": START_MS,
        "symbols": ["BTCUSDT"], "stepped": True,
    }  # fmt: skip


async def test_steps(user: User) -> None:
    assert (await user.step())["bar"] == START_MS + 59_999
    walked = await user.sim("POST", "step", {"walk": True})
    assert (walked["bar"], walked["changes"]) == (START_MS + 59_999, 0)
    assert (await user.step(3))["bar"] == START_MS + 239_999
    closed = await user.journal("market.bar_closed")
    assert [record["data"]["close_ms"] for record in closed] == [
        START_MS + k * 60_000 - 1 for k in range(1, 5)
    ]
    ledger = await user.ledger()
    assert (ledger["bar"], ledger["market_ms"]) == (START_MS + 239_999, START_MS + 240_000)


async def test_all_symbols_close_the_bar_that_they_walked() -> None:
    from simulated_exchange.market.scripts import SeededMarket
    from simulated_exchange.market.symbols import symbol_rules

    names = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    async with exchange("--stepped", *(f"--symbol={name}" for name in names)) as user:
        await user.step(2)
        closed = await user.journal("market.bar_closed")
    for count, record in enumerate(closed):
        told, symbol = record["data"], names[count % 3]
        bar = SeededMarket(7).bar(symbol_rules(symbol), 300 + count // 3)
        assert told["symbol"] == symbol
        assert [float(price) for price in told["bar"]] == [float(price) for price in bar[:4]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"bars": 0},
        {"bars": "2"},
        {"bars": 1e9},
        {"walk": 1},
        {"walk": "on"},
        [],
        {"bars": True},
    ],
)
async def test_steps_that_are_none(user: User, body: Any) -> None:
    assert (await user.sim("POST", "step", body, status=400))["error"].endswith(".")


async def test_walk_and_wick_count_changes(user: User) -> None:
    price = await user.price()
    await user.order("BUY", type="LIMIT", timeInForce="GTC", price=f"{price - 100:.1f}")
    told = await user.wick(price - 200)
    assert told["changes"] == 2, "a position and an order"
    assert await user.price() == price
    assert (await user.fired(told["id"]))["fired"]
    for wrong in (
        {"symbol": "X", "price": 1},
        {"symbol": "BTCUSDT"},
        {"symbol": "BTCUSDT", "price": -1},
    ):
        await user.sim("POST", "faults", {"name": "wick"} | wrong, status=400)


async def test_market_time_cannot_pass_wall_time() -> None:
    import time

    recent = int(time.time()) // 60 * 60_000 - 5 * 60_000
    async with exchange("--stepped", "--epoch", str(recent), "--history", "4") as user:
        await user.step()
        assert (
            "cannot pass wall time"
            in (await user.sim("POST", "step", {"bars": 2}, status=409))["error"]
        )


async def test_the_ledger(user: User) -> None:
    await user.order("BUY", newClientOrderId="A")
    await user.conditional("SELL", "STOP_MARKET", "50000", clientAlgoId="S", reduceOnly="True")
    ledger = await user.ledger()
    order, stop = ledger["orders"]
    assert order == order | {
        "kind": "order", "exchange_order_id": "1000001", "client_order_id": "A", "side": "BUY",
        "symbol": "BTCUSDT", "type": "MARKET", "quantity": "0.010", "filled": "0.010", "price": "0",
        "trigger_price": "0", "status": "FILLED", "reduce_only": False, "close_position": False,
        "created_ms": START_MS + 1, "updated_ms": START_MS + 2, "triggered_order_id": "",
    }  # fmt: skip
    assert stop == stop | {"kind": "conditional", "trigger_price": "50000", "reduce_only": True}
    (fill,) = ledger["fills"]
    assert fill == fill | {
        "trade_id": "1000001", "exchange_order_id": "1000001", "client_order_id": "A",
        "maker": False, "market_ms": START_MS + 2, "position_after": "0.010", "realized_pnl": "0",
    }  # fmt: skip
    (position,) = ledger["positions"]
    assert position["quantity"] == "0.010"
    assert position["entry_price"] == order["average_price"]


async def test_the_journal_of_requests(user: User) -> None:
    await user.order("BUY", newClientOrderId="A")
    await user.refused(
        "POST", "v1/order", symbol="BTCUSDT", side="SELL", reduceOnly="true", type="X"
    )
    await user.raw("GET", "/fapi/v1/klines", "symbol=BTCUSDT&interval=1m&limit=7")
    told = [record["data"] for record in await user.journal("request")]
    assert told[0] == {
        "request": "order.new", "leg": "entry", "client_order_id": "A", "symbol": "BTCUSDT",
        "status": 200, "code": None,
    }  # fmt: skip
    assert (told[1]["leg"], told[1]["status"], told[1]["code"]) == ("exit", 400, -1116)
    assert (told[2]["rows"], told[2]["interval"]) == (7, "1m")
    every = (await user.sim("GET", "journal?after=0"))["records"]
    assert [record["seq"] for record in every] == list(range(1, len(every) + 1))
    tail = await user.sim("GET", f"journal?after={len(every) - 1}")
    assert tail == {"records": every[-1:], "seq": len(every)}
    await user.sim("GET", "journal?after=x", status=400)


async def test_the_journal_over_the_wire_rebuilds_the_ledger(user: User) -> None:
    from simulated_exchange.journal.state import replay

    await user.order("BUY")
    await user.conditional("SELL", "STOP_MARKET", "55000")
    await user.step()
    await user.wick(54_000)
    ledger = await user.ledger()
    del ledger["seq"]
    assert replay(await user.journal()).ledger() == ledger
    assert len(ledger["fills"]) == 2


async def test_two_runs_have_the_same_ledger() -> None:
    async def run() -> Any:
        async with exchange("--stepped", "--symbol", "ETHUSDT", "--symbol", "BTCUSDT") as user:
            await user.order("BUY")
            await user.conditional("SELL", "STOP_MARKET", "55000", closePosition="true")
            await user.step(2)
            await user.ask("GET", "v2/account")
            await user.wick(54_000)
            await user.sim("POST", "step", {"walk": True})
            await user.order("SELL", symbol="ETHUSDT", quantity="1")
            ledger = await user.ledger()
            del ledger["seq"]
            return ledger

    first, second = await run(), await run()
    assert first == second
    assert len(first["fills"]) == 3

"""Market data: a book kept from updates, trades and tickers say the same everywhere."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from exchange.support import User, exchange

BTC = "symbol=BTCUSDT"


async def get(user: User, path: str, query: str = BTC) -> Any:
    status, answer = await user.raw("GET", f"/fapi/{path}", query)
    assert status == 200, answer
    return answer


class Kept:
    """A book kept as the exchange's documentation tells clients to keep it."""

    def __init__(self, snapshot: Any) -> None:
        self.last = snapshot["lastUpdateId"]
        self.sides = [dict(snapshot["bids"]), dict(snapshot["asks"])]
        self.updates = 0

    def take(self, update: Any) -> None:
        if update["u"] < self.last:
            return
        if self.updates:
            assert update["pu"] == self.last
        else:
            assert update["U"] <= self.last <= update["u"]
        for side, changes in zip(self.sides, (update["b"], update["a"]), strict=True):
            side.update(changes)
        self.last = update["u"]
        self.updates += 1

    def levels(self, side: int, *, best_is_highest: bool) -> list[tuple[float, float]]:
        held = ((float(price), float(size)) for price, size in self.sides[side].items())
        return sorted((level for level in held if level[1]), reverse=best_is_highest)


def numbers(rows: Any) -> list[tuple[float, float]]:
    return [(float(price), float(size)) for price, size in rows]


@pytest.mark.parametrize("stream", ["depth", "depth@100ms", "depth@0ms"])
async def test_a_book_kept_from_updates_is_the_book(user: User, stream: str) -> None:
    async with user.listening(f"/ws/btcusdt@{stream}") as heard:
        kept = Kept(await get(user, "v1/depth", f"{BTC}&limit=1000"))
        await user.order("BUY", "5")  # takes from the best level
        await user.wick(59_000)
        await user.step(3)
        now = await get(user, "v1/depth", f"{BTC}&limit=1000")
        while kept.last < now["lastUpdateId"]:
            kept.take(await heard.next())
    assert kept.updates > 3
    assert kept.levels(0, best_is_highest=True) == numbers(now["bids"])
    assert kept.levels(1, best_is_highest=False) == numbers(now["asks"])


async def test_who_comes_later_keeps_the_same_book(user: User) -> None:
    async with user.listening("/ws/btcusdt@depth") as first:
        await user.step()
        before = (await first.take(1))[0]
        async with user.listening("/ws/btcusdt@depth") as second:
            kept = Kept(await get(user, "v1/depth", f"{BTC}&limit=1000"))
            await user.step()
            update = await second.next()
            assert await first.next() == update
            assert update["pu"] == before["u"]
            kept.take(update)
    now = await get(user, "v1/depth", f"{BTC}&limit=1000")
    assert kept.levels(0, best_is_highest=True) == numbers(now["bids"])


@pytest.mark.parametrize("others", ["/ws", "/ws/btcusdt@aggTrade"])
async def test_who_comes_late_hears_nothing_old(user: User, others: str) -> None:
    async with user.listening(others):
        async with user.listening("/ws/btcusdt@depth"):
            await user.step()
        await user.step(3)
        async with user.listening("/ws/btcusdt@depth5") as stream:
            told = await stream.next()
    now = await get(user, "v1/depth", f"{BTC}&limit=5")
    assert (told["b"], told["a"]) == (now["bids"], now["asks"])


async def test_best_levels_are_those_of_the_book(user: User) -> None:
    async with user.listening("/ws/btcusdt@depth5") as stream:
        await user.step()
        _, told = await stream.take(2)
    book = await get(user, "v1/depth", f"{BTC}&limit=5")
    best = await get(user, "v1/ticker/bookTicker")
    assert (told["b"], told["a"]) == (book["bids"], book["asks"])
    assert [best["bidPrice"], best["bidQty"]] == book["bids"][0]
    assert [best["askPrice"], best["askQty"]] == book["asks"][0]


@pytest.mark.parametrize("limit", [5, 10, 20, 50, 100, 500, 1000])
async def test_depth_has_as_many_levels_as_wanted(user: User, limit: int) -> None:
    book = await get(user, "v1/depth", f"{BTC}&limit={limit}")
    assert len(book["bids"]) == len(book["asks"]) == limit


async def test_depth_has_no_other_lengths(user: User) -> None:
    assert (await user.raw("GET", "/fapi/v1/depth", f"{BTC}&limit=7"))[1]["code"] == -4021
    assert len((await get(user, "v1/depth"))["bids"]) == 500


async def test_somebody_always_buys(user: User) -> None:
    async with user.listening("/ws/btcusdt@bookTicker") as stream:
        await user.wick(0.1)
        _, lowest, _ = await stream.take(3)
    assert (lowest["b"], lowest["a"]) == ("0.10", "0.30")


async def test_streams_and_requests_tell_the_same_trades(user: User) -> None:
    async with user.listening("/ws/btcusdt@aggTrade") as stream:
        await user.order("BUY", "0.100")
        bought = await stream.next()
        await user.wick(59_000)
        fell, rose = await stream.take(2)
    assert (bought["q"], bought["m"]) == ("0.100", False)
    assert (fell["m"], rose["m"]) == (True, False)
    rows = await get(user, "v1/aggTrades", f"{BTC}&limit=3")
    assert [[row[name] for name in "apqflTm"] for row in rows] == [
        [told[name] for name in "apqflTm"] for told in (bought, fell, rose)
    ]
    trades = await get(user, "v1/trades", f"{BTC}&limit=3")
    assert [(row["id"], row["price"]) for row in trades] == [(r["a"], r["p"]) for r in rows]


async def test_a_fill_that_waited_was_the_makers(user: User) -> None:
    ask = (await get(user, "v1/depth", f"{BTC}&limit=5"))["asks"][0][0]
    price = str(float(ask) - 1_000)
    await user.order("BUY", type="LIMIT", timeInForce="GTC", price=price)
    await user.wick(float(ask) - 2_000)
    rows = await get(user, "v1/aggTrades")
    assert [row["m"] for row in rows if row["q"] == "0.010"] == [True]


async def test_trades_are_found_by_id_and_by_time(user: User) -> None:
    await user.step(2)
    rows = await get(user, "v1/aggTrades", f"{BTC}&limit=1000")
    assert len(rows) == 1000
    assert all(b["a"] == a["a"] + 1 and b["T"] >= a["T"] for a, b in itertools.pairwise(rows))
    some = rows[-20:-10]
    first, since, until = some[0]["a"], some[0]["T"], some[-1]["T"]
    assert await get(user, "v1/aggTrades", f"{BTC}&fromId={first}&limit=10") == some
    assert await get(user, "v1/aggTrades", f"{BTC}&startTime={since}&endTime={until}") == some
    longer = f"{BTC}&startTime={since}&endTime={since + 3_600_001}"
    assert (await user.raw("GET", "/fapi/v1/aggTrades", longer))[1]["code"] == -1127


async def test_the_same_market_prints_the_same_trades() -> None:
    async with exchange("--stepped") as one, exchange("--stepped") as other:
        await other.raw("GET", "/fapi/v1/exchangeInfo")  # questions change nothing
        for user in (one, other):
            await user.order("BUY")
            await user.step(2)
        assert await get(one, "v1/aggTrades") == await get(other, "v1/aggTrades")


async def test_the_day_is_that_of_the_candles(user: User) -> None:
    await user.step(3)
    day = await get(user, "v1/ticker/24hr")
    rows = await get(user, "v1/klines", f"{BTC}&interval=1m&limit=1500")
    assert day["openPrice"] == rows[0][1]
    assert day["lastPrice"] == rows[-1][4] == (await get(user, "v1/ticker/price"))["price"]
    assert float(day["highPrice"]) == max(float(row[2]) for row in rows)
    assert float(day["lowPrice"]) == min(float(row[3]) for row in rows)
    assert float(day["volume"]) == pytest.approx(sum(float(row[5]) for row in rows))
    async with user.listening("/ws/btcusdt@ticker") as stream:
        told = await stream.next()
    assert (told["c"], told["h"], told["v"]) == (day["lastPrice"], day["highPrice"], day["volume"])


async def test_without_a_symbol_all_are_told() -> None:
    async with exchange("--stepped", "--symbol", "BTCUSDT", "--symbol", "ETHUSDT") as user:
        for path in ("ticker/24hr", "ticker/price", "ticker/bookTicker", "premiumIndex"):
            rows = await get(user, f"v1/{path}", "")
            assert [row["symbol"] for row in rows] == ["BTCUSDT", "ETHUSDT"]
            assert await get(user, f"v1/{path}", "symbol=ETHUSDT") == rows[1]
        async with user.listening("/ws/!ticker@arr") as stream:
            await user.step()
            assert [row["s"] for row in await stream.next()] == ["BTCUSDT", "ETHUSDT"]


async def test_there_is_no_funding_unless_it_is_asked_for(user: User) -> None:
    mark = await get(user, "v1/premiumIndex")
    assert float(mark["lastFundingRate"]) == 0
    assert mark["nextFundingTime"] > mark["time"]
    assert await get(user, "v1/fundingRate") == []
    assert await get(user, "v1/fundingInfo", "") == []


async def test_a_liquidation_is_told_to_everybody(user: User) -> None:
    async with user.listening("/ws/btcusdt@forceOrder") as stream:
        await user.order("BUY")
        await user.sim("POST", "faults", {"name": "liquidate", "symbol": "BTCUSDT"})
        order = (await stream.next())["o"]
    assert (order["S"], order["X"], order["l"]) == ("SELL", "FILLED", "0.010")


async def test_an_unknown_stream_is_accepted_and_silent(user: User) -> None:
    async with user.listening("/ws") as stream:
        unknown = ["nothing@depth", "btcusdt@weather", "BTCUSDT@bookTicker"]
        await stream.socket.send_json({"method": "SUBSCRIBE", "params": unknown, "id": 1})
        assert await stream.next() == {"result": None, "id": 1}
        await user.step()
        await stream.socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        assert (await stream.next())["id"] == 2


async def test_a_restart_forgets_no_trade(tmp_path: Path) -> None:
    told: list[Any] = []
    for _ in range(2):
        async with exchange("--stepped", "--state", str(tmp_path / "state")) as user:
            if not told:
                await user.order("BUY")
                await user.step(2)
            told.append(await get(user, "v1/aggTrades", f"{BTC}&limit=1000"))
    assert told[0] == told[1]

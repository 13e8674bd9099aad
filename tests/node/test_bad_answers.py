"""What the exchange answers at a start is wrong: the node trades and is right, or says why not."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from node.lies import AWAY, CONFIGURATION, REFUSED, Lie, Raw, Tell, World, world

RISK, ACCOUNT = "/fapi/v3/positionRisk", "/fapi/v3/account"
ENGINE_ACCOUNT = "/fapi/v2/account"
CONFIG, SYMBOLS = "/fapi/v1/accountConfig", "/fapi/v1/symbolConfig"
OPEN, OPEN_STOPS = "/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders"
ORDERS, STOPS, TRADES = "/fapi/v1/allOrders", "/fapi/v1/allAlgoOrders", "/fapi/v1/userTrades"
INFO, TIME, PRICE = "/fapi/v1/exchangeInfo", "/fapi/v1/time", "/fapi/v2/ticker/price"
KLINES, LISTEN_KEY = "/fapi/v1/klines", "/fapi/v1/listenKey"
DUAL = "/fapi/v1/positionSide/dual"
DAY_MS = 86_400_000

RIGHT = "right"


def always(answer: Any) -> Tell:
    """Answer this, whatever is true."""
    return lambda _: answer


def error(status: int, code: int, message: str = "It is not so.", **headers: str) -> Tell:
    """Answer with an error."""
    body = json.dumps({"code": code, "msg": message}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return always(Raw(body, status, named))


def html(status: int) -> Tell:
    """Answer with a page."""
    return always(Raw(b"<html><body>502 Bad Gateway</body></html>", status))


def every(**fields: Any) -> Tell:
    """Set fields of every row."""
    return lambda rows: [{**row, **fields} for row in rows]


def without(*names: str) -> Tell:
    """Leave fields out of every row."""
    return lambda rows: [{k: v for k, v in row.items() if k not in names} for row in rows]


def times(count: int) -> Tell:
    """Tell every row so many times."""
    return lambda rows: rows * count


def scaled(name: str, factor: float) -> Tell:
    """Multiply an amount of every row."""
    return lambda rows: [{**row, name: f"{float(row[name]) * factor:.3f}"} for row in rows]


def told(**fields: Any) -> Tell:
    """Set fields of an object."""
    return lambda answer: {**answer, **fields}


def assets(**fields: Any) -> Tell:
    """Set fields of every asset of an account."""
    return lambda a: {**a, "assets": [{**row, **fields} for row in a["assets"]]}


def positions(tell: Tell) -> Tell:
    """Change the positions of an account."""
    return lambda a: {**a, "positions": tell(a["positions"])}


def everywhere(tell: Tell) -> Tell:
    """Change positions, wherever they are told."""
    return lambda a: positions(tell)(a) if isinstance(a, dict) else tell(a)


def symbols(**fields: Any) -> Tell:
    """Set fields of every symbol of the exchange's rules."""
    return lambda a: {**a, "symbols": [{**row, **fields} for row in a["symbols"]]}


def fewer_symbol_fields(*names: str) -> Tell:
    """Leave fields out of every symbol of the exchange's rules."""
    return lambda a: {**a, "symbols": without(*names)(a["symbols"])}


def filters(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Tell:
    """Change every filter of every symbol."""
    return lambda a: {
        **a, "symbols": [{**s, "filters": [change(f) for f in s["filters"]]} for s in a["symbols"]]
    }  # fmt: skip


def cut(rows: Any) -> Raw:
    """Break the answer off in its middle, as JSON that ends too soon."""
    body = json.dumps(rows).encode()
    return Raw(body[: len(body) // 2])


def broken_off(rows: Any) -> Raw:
    """Break the connection off in the middle of the answer."""
    body = json.dumps(rows).encode()
    return Raw(body[: len(body) // 2], 200, {"Content-Length": str(len(body))})


def nested(_: Any) -> Raw:
    """Answer lists in lists."""
    return Raw(b"[" * 10_000 + b"]" * 10_000)


def constant(name: str, word: str) -> Tell:
    """Write a word that is no JSON where a number should be."""

    def tell(rows: Any) -> Raw:
        marked = json.dumps([{**row, name: "@@"} for row in rows])
        return Raw(marked.replace('"@@"', word).encode())

    return tell


def many(count: int) -> Tell:
    """Add positions of symbols that nobody knows."""

    def tell(rows: Any) -> Any:
        odd = [{**rows[0], "symbol": f"N{n}USDT", "positionAmt": "0.000"} for n in range(count)]
        return odd + rows

    return tell


def newest(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Tell:
    """Change the newest row."""
    return lambda rows: [*rows[:-1], change(rows[-1])]


def one_more(**fields: Any) -> Tell:
    """Add a row like the newest, with other fields."""
    return lambda rows: [*rows, {**rows[-1], **fields}]


def bars(change: Callable[[list[Any]], list[Any]]) -> Tell:
    """Change every bar."""
    return lambda rows: [change(list(row)) for row in rows]


def column(at: int, value: Any) -> Tell:
    """Set one field of every bar."""
    return bars(lambda row: [*row[:at], value, *row[at + 1 :]])


OUTCOMES: dict[str, tuple[Lie, int | str]] = {
    # -- What is held --
    "no position": (Lie(RISK, always([])), REFUSED),
    "no position in the account": (Lie(ACCOUNT, positions(always([]))), REFUSED),
    "ten times the position": (Lie(RISK, scaled("positionAmt", 10)), REFUSED),
    "ten times, in all answers": (
        Lie(f"{RISK}|{ACCOUNT}|{ENGINE_ACCOUNT}", everywhere(scaled("positionAmt", 10))), REFUSED),
    "no position, in all answers": (
        Lie(f"{RISK}|{ACCOUNT}|{ENGINE_ACCOUNT}", everywhere(always([]))), REFUSED),
    "the opposite position": (Lie(RISK, scaled("positionAmt", -1)), REFUSED),
    "200,000 positions": (Lie(RISK, many(200_000)), REFUSED),
    "1,000 positions of nothing": (Lie(RISK, many(1_000)), RIGHT),
    "a position of 1e308": (Lie(RISK, every(positionAmt="1e308")), REFUSED),
    "a position of 0.010abc": (Lie(RISK, every(positionAmt="0.010abc")), REFUSED),
    "a position of null": (Lie(RISK, every(positionAmt=None)), REFUSED),
    "a position of NaN": (Lie(RISK, every(positionAmt="NaN")), REFUSED),
    "a position that is a number": (Lie(RISK, every(positionAmt=0.01)), REFUSED),
    "a bare NaN": (Lie(RISK, constant("positionAmt", "NaN")), REFUSED),
    "a position of a list": (Lie(RISK, every(positionAmt=[])), REFUSED),
    "a position without amount": (Lie(RISK, without("positionAmt")), REFUSED),
    "a position without symbol": (Lie(RISK, without("symbol")), REFUSED),
    "a position without side": (Lie(RISK, without("positionSide")), REFUSED),
    "a position of another symbol": (Lie(RISK, every(symbol="ETHUSDT")), REFUSED),
    "an entry price of -1": (Lie(RISK, every(entryPrice="-1")), REFUSED),
    "an entry price of 1": (Lie(RISK, every(entryPrice="1.0")), REFUSED),
    "the position twice": (Lie(RISK, times(2)), REFUSED),
    "a position in hedge mode": (Lie(RISK, every(positionSide="LONG")), REFUSED),
    "positions that are an object": (Lie(RISK, always({})), REFUSED),
    "positions that are null": (Lie(RISK, always(None)), REFUSED),
    "positions that are text": (Lie(RISK, always("none")), REFUSED),
    "positions that are numbers": (Lie(RISK, always([1, 2, 3])), REFUSED),
    "a page instead of positions": (Lie(RISK, html(200)), REFUSED),
    "200 with an error in it": (Lie(RISK, error(200, -1000)), REFUSED),
    "positions that end too soon": (Lie(RISK, cut), REFUSED),
    "positions broken off": (Lie(RISK, broken_off), AWAY),
    "10,000 lists in each other": (Lie(RISK, nested), REFUSED),
    "nothing at all": (Lie(RISK, always(Raw(b""))), REFUSED),
    # -- Only the engine hears it --
    "the engine: no position": (Lie(RISK, always([]), "engine"), REFUSED),
    "the engine: ten times the position": (
        Lie(RISK, scaled("positionAmt", 10), "engine"), REFUSED),
    "the engine: positions without mark price": (Lie(RISK, without("markPrice")), REFUSED),
    "the engine: a position of 1e308": (Lie(RISK, every(positionAmt="1e308"), "engine"), REFUSED),
    "the engine: 0.010abc": (Lie(RISK, every(positionAmt="0.010abc"), "engine"), REFUSED),
    "the engine: no position, once": (Lie(RISK, always([]), "engine", 3), RIGHT),
    "the engine: a page, once": (Lie(RISK, html(200), "engine", 1), RIGHT),
    "the engine: no orders": (Lie(ORDERS, always([]), "engine"), RIGHT),
    "the engine: no open stops": (Lie(OPEN_STOPS, always([]), "engine"), RIGHT),
    "the engine: orders of others": (
        Lie(OPEN_STOPS, one_more(clientAlgoId="web_1", algoId=77), "engine"), REFUSED),
    "the engine: trades without price": (Lie(TRADES, without("price"), "engine"), REFUSED),
    "the engine: a balance of 1e308": (
        Lie(ENGINE_ACCOUNT, assets(walletBalance="1e308")), REFUSED),
    "the engine: a balance of abc": (Lie(ENGINE_ACCOUNT, assets(walletBalance="abc")), REFUSED),
    "the engine: ten times the balance": (
        Lie(ENGINE_ACCOUNT, assets(walletBalance="1000000.0")), REFUSED),
    "the engine: an account without assets": (
        Lie(ENGINE_ACCOUNT, lambda a: {k: v for k, v in a.items() if k != "assets"}), REFUSED),
    "the engine: a page as account": (Lie(ENGINE_ACCOUNT, html(200)), REFUSED),
    "the engine: no account for a while": (Lie(ENGINE_ACCOUNT, html(503)), AWAY),
    "the engine: key refused": (Lie(ENGINE_ACCOUNT, error(401, -2015)), CONFIGURATION),
    "the engine: clock refused": (Lie(ENGINE_ACCOUNT, error(400, -1021)), AWAY),
    "the engine: no time": (Lie(TIME, always({}), "engine"), REFUSED),
    "the engine: hedge mode": (Lie(DUAL, told(dualSidePosition=True), "engine"), REFUSED),
    "the engine: no rules": (Lie(INFO, told(symbols=[]), "engine"), REFUSED),
    "the engine: settings that are none": (Lie(SYMBOLS, always([1]), "engine"), REFUSED),
    "no listen key": (Lie(LISTEN_KEY, error(400, -1125)), AWAY),
    "a listen key of null": (Lie(LISTEN_KEY, always({"listenKey": None})), REFUSED),
    "a listen key that is none": (Lie(LISTEN_KEY, always({})), REFUSED),
    "a page instead of a listen key": (Lie(LISTEN_KEY, html(200)), REFUSED),
    # -- Only what comes after the engine hears it --
    "the audit: no position": (Lie(RISK, always([]), "late"), REFUSED),
    "the audit: no trades": (Lie(TRADES, always([]), "late"), REFUSED),
    "the audit: no open stops": (Lie(OPEN_STOPS, always([]), "late"), REFUSED),
    "the audit: another wallet": (Lie(ACCOUNT, assets(walletBalance="5.0"), "late"), REFUSED),
    "the audit: a page": (Lie(ACCOUNT, html(200), "late"), REFUSED),
    "the audit: nothing for a moment": (Lie(RISK, error(503, -1001), "late", 2), RIGHT),
    "the audit: no position for a moment": (Lie(RISK, always([]), "late", 2), RIGHT),
    "the warm-up: orders that are null": (Lie(ORDERS, lambda r: None, "late", 9), RIGHT),
    # -- Account and symbols --
    "the account may not trade": (Lie(CONFIG, told(canTrade=False)), CONFIGURATION),
    "the account in hedge mode": (Lie(DUAL, told(dualSidePosition=True)), CONFIGURATION),
    "settings without a switch": (Lie(CONFIG, always({})), REFUSED),
    "settings of words": (Lie(CONFIG, told(canTrade="yes")), REFUSED),
    "a wallet of 1e308": (Lie(ACCOUNT, assets(walletBalance="1e308")), REFUSED),
    "a wallet of 10^15 coins": (Lie(ACCOUNT, assets(walletBalance="9" * 15)), REFUSED),
    "a leverage of nothing": (Lie(SYMBOLS, every(leverage=0)), REFUSED),
    "no such symbol": (Lie(INFO, symbols(symbol="ETHUSDT")), CONFIGURATION),
    "a symbol without filters": (Lie(INFO, fewer_symbol_fields("filters")), REFUSED),
    "a symbol of no filters": (Lie(INFO, symbols(filters=[])), REFUSED),
    "a symbol without precision": (Lie(INFO, fewer_symbol_fields("pricePrecision")), REFUSED),
    "a symbol with a tick of nothing": (
        Lie(INFO, filters(lambda f: f | ({"tickSize": "0"} if "tickSize" in f else {}))), REFUSED),
    "a symbol with another tick": (
        Lie(INFO, filters(lambda f: f | ({"tickSize": "1000"} if "tickSize" in f else {}))),
        REFUSED),
    "a symbol with a step of NaN": (
        Lie(INFO, filters(lambda f: f | ({"stepSize": "NaN"} if "stepSize" in f else {}))),
        REFUSED),
    "a symbol that is settling": (Lie(INFO, symbols(status="SETTLING")), CONFIGURATION),
    "rules without symbols": (Lie(INFO, always({})), REFUSED),
    "a price of nothing": (Lie(PRICE, told(price="0")), REFUSED),
    "a price of abc": (Lie(PRICE, told(price="abc")), REFUSED),
    "a price of another symbol": (Lie(PRICE, told(symbol="ETHUSDT")), REFUSED),
    "a time that is text": (Lie(TIME, always({"serverTime": "now"})), REFUSED),
    "a time an hour ago": (
        Lie(TIME, lambda a: {"serverTime": a["serverTime"] - 3_600_000}), CONFIGURATION),
    # -- Orders and trades --
    "no open orders": (Lie(OPEN_STOPS, always([])), REFUSED),
    "open orders of another account": (Lie(OPEN_STOPS, every(clientAlgoId="other-1")), REFUSED),
    "an open order twice": (Lie(OPEN_STOPS, times(2)), RIGHT),
    "an open order of another symbol": (Lie(OPEN_STOPS, every(symbol="ETHUSDT")), REFUSED),
    "an order of nothing": (Lie(ORDERS, newest(lambda o: o | {"origQty": "0"})), REFUSED),
    "an order of less than nothing": (Lie(ORDERS, every(origQty="-0.010")), REFUSED),
    "an order filled too much": (Lie(ORDERS, every(executedQty="5.000")), REFUSED),
    "an order of status BOUGHT": (Lie(ORDERS, every(status="BOUGHT")), REFUSED),
    "an order of side BOTH": (Lie(ORDERS, every(side="BOTH")), REFUSED),
    "an order without number": (Lie(ORDERS, without("orderId")), REFUSED),
    "an order from the future": (
        Lie(ORDERS, newest(lambda o: o | {"updateTime": 9_999_999_999_999})), REFUSED),
    "an order of next year": (
        Lie(ORDERS, newest(lambda o: o | {
            "time": o["time"] + 400 * DAY_MS, "updateTime": o["time"] + 400 * DAY_MS})), REFUSED),
    "orders twice": (Lie(ORDERS, times(2)), RIGHT),
    "20,000 orders": (Lie(ORDERS, times(20_000)), REFUSED),
    "no orders": (Lie(ORDERS, always([])), REFUSED),
    "no stops": (Lie(STOPS, always([])), REFUSED),
    "a stop of another symbol": (Lie(STOPS, every(symbol="ETHUSDT")), REFUSED),
    "no trades": (Lie(TRADES, always([])), REFUSED),
    "trades twice": (Lie(TRADES, times(2)), RIGHT),
    "trades of another symbol": (Lie(TRADES, every(symbol="ETHUSDT")), REFUSED),
    "a trade of 1,000 coins": (Lie(TRADES, newest(lambda t: t | {"qty": "1000.000"})), REFUSED),
    "a trade at ten times the price": (Lie(TRADES, scaled("price", 10)), REFUSED),
    "a trade of nothing": (Lie(TRADES, every(qty="0")), REFUSED),
    "a trade of an order unknown": (Lie(TRADES, one_more(id=999_999, orderId=999_999)), REFUSED),
    # -- Bars --
    "no bars": (Lie(KLINES, always([])), AWAY),
    "bars that are words": (Lie(KLINES, column(4, "abc")), REFUSED),
    "bars of NaN": (Lie(KLINES, column(4, "NaN")), REFUSED),
    "bars of nothing": (Lie(KLINES, column(4, "0")), REFUSED),
    "bars of 1e308": (Lie(KLINES, column(2, "1e308")), REFUSED),
    "bars of the future": (Lie(KLINES, bars(lambda r: [r[0], *r[1:6], r[6] + 10**12, *r[7:]])),
                           REFUSED),
    "bars that close below their low": (Lie(KLINES, column(4, "1.0")), REFUSED),
    "bars twice": (Lie(KLINES, times(2)), RIGHT),
    "bars in a wrong order": (Lie(KLINES, lambda rows: rows[::-1]), RIGHT),
    "bars of six fields": (Lie(KLINES, bars(lambda r: r[:6])), REFUSED),
    "bars that are an object": (Lie(KLINES, always({})), REFUSED),
    # -- Errors --
    "a server error, once": (Lie(RISK, error(503, -1001), times=1), RIGHT),
    "a page, once": (Lie(ACCOUNT, html(502), times=1), RIGHT),
    "server errors": (Lie(ACCOUNT, html(502)), AWAY),
    "busy for good": (Lie(RISK, error(503, -1008)), AWAY),
    "too many requests": (Lie(RISK, error(429, -1003)), AWAY),
    "banned": (Lie(CONFIG, error(418, -1003)), AWAY),
    "clock refused": (Lie(RISK, error(400, -1021)), AWAY),
    "key refused": (Lie(CONFIG, error(401, -2015)), CONFIGURATION),
    "signature refused": (Lie(OPEN, error(400, -1022)), CONFIGURATION),
    "a redirection": (Lie(RISK, always(Raw(b"", 302, {"Location": "http://127.0.0.1:1/"}))),
                      REFUSED),
}  # fmt: skip


@pytest.fixture(scope="module")
def holding(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Iterator[World]:
    """A world in which a position is held."""
    with world(tmp_path_factory.mktemp("world"), project) as made:
        yield made


LONG = frozenset(
    {
        *("no position in the account", "ten times the position", "ten times, in all answers"),
        *("the opposite position", "a position of another symbol", "an entry price of 1"),
        *("a position of null", "a position of a list", "positions that are text"),
        *("a position without symbol", "a position without side", "an entry price of -1"),
        *("the engine: ten times the position", "the engine: ten times the balance"),
        *("the engine: orders of others", "the engine: 0.010abc", "the engine: a balance of abc"),
        *("the engine: settings that are none", "a listen key that is none"),
        *("the audit: no trades", "the audit: no open stops", "the audit: another wallet"),
        *("the audit: no position", "a wallet of 1e308", "a wallet of 10^15 coins"),
        *("no open orders", "an open order of another symbol", "an order of nothing"),
        *("an order of less than nothing", "an order of status BOUGHT", "an order of side BOTH"),
        *("an order without number", "an order from the future", "20,000 orders", "no orders"),
        *("no stops", "a stop of another symbol", "trades of another symbol"),
        *("a trade of 1,000 coins", "a trade at ten times the price", "a trade of nothing"),
        *("a trade of an order unknown", "bars of NaN", "bars of nothing", "bars of 1e308"),
        *("bars of six fields", "bars that are an object", "bars that close below their low"),
        *("server errors", "a price of abc", "a symbol with a step of NaN"),
    }
)
"""What takes ten seconds, or is much like another one."""


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.long if n in LONG else ()) for n in OUTCOMES]
)
def test_a_bad_answer(name: str, holding: World) -> None:
    lie, expected = OUTCOMES[name]
    holding.play(lie).check(expected)


def test_those_that_take_long_are_there() -> None:
    assert OUTCOMES.keys() >= LONG


WAITS = {
    "the preflight": Lie(RISK, error(429, -1003, Retry_After="2"), times=1),
    "the mend": Lie(ACCOUNT, error(418, -1003, Retry_After="2"), times=1),
    "the audit": Lie(ACCOUNT, error(429, -1003, Retry_After="2"), "late", 1),
    "the warm-up": Lie(KLINES, error(429, -1003, Retry_After="2"), times=1),
    "the engine": Lie(ENGINE_ACCOUNT, error(429, -1003, Retry_After="2"), times=1),
}


@pytest.mark.parametrize("who", WAITS)
def test_nobody_asks_earlier_than_told(who: str, holding: World) -> None:
    end = holding.play(WAITS[who])
    end.check(RIGHT)
    asker = "engine" if who == "the engine" else "own"
    [told_at] = end.liar.told
    later = [at for name, path, at in end.liar.asked if name == asker and at > told_at
             and path.startswith(WAITS[who].path)]  # fmt: skip
    assert min(later) - told_at >= 2


def test_a_wait_that_is_too_long_for_a_start(holding: World) -> None:
    lie = Lie(RISK, error(418, -1003, Retry_After="600"))
    end = holding.play(lie, TRADER_STARTUP_TIMEOUT_SECONDS="8")
    end.check(AWAY)
    assert "600 s" in end.last
    # Whoever starts it again does so at once: it has waited for as long as it could.
    assert end.seconds > 4
    assert len(end.liar.told) == 1

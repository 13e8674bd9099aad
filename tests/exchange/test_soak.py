"""Twenty clients ask for anything, sensible or not, while the market moves and faults happen.

Whatever they send, no answer is a 500, the exchange writes nothing on standard error, every
refusal is one of the protocol's, and in the end the laws of the account hold.
"""

import asyncio
import hashlib
import hmac
import json
import random
from decimal import Decimal as Dec
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import pytest
from yarl import URL

from exchange import laws
from exchange.support import User, exchange
from signing import KEY, SECRET
from simulated_exchange.clock import wall_ms
from simulated_exchange.journal.state import replay
from simulated_exchange.protocol.endpoints import ENDPOINTS

pytestmark = pytest.mark.long

CLIENTS = 20
REQUESTS = 4_000  # by each client
SEED = 20_240_101
SECONDS = 1_200.0
SYMBOLS = ("BTCUSDT", "ETHUSDT")
COMMON = (
    *["POST /fapi/v1/order"] * 5, "PUT /fapi/v1/order", "GET /fapi/v1/order",
    "DELETE /fapi/v1/order", "POST /fapi/v1/algoOrder", "DELETE /fapi/v1/algoOrder",
)  # fmt: skip
NAMED = {"origClientOrderId", "clientAlgoId", "newClientOrderId"}
NEEDED = {"symbol", "side", "type", "quantity", "algoType", "triggerPrice"} | NAMED
HOSTILE = (
    "", " ", "0", "-1", "-0", "1e3", "1E-30", "9" * 30, "0.0105", "NaN", "Infinity", "-Infinity",
    "0x10", "1_000", "٣", "ü", "\x00", "null", "true", "[]", "{}", "[1]", '["a"]', "a" * 37,
    "a" * 500, "%", "&", "=", "2" * 400 + ".5", "9223372036854775808", "1.5",
)  # fmt: skip
STREAMS = ("bookTicker", "aggTrade", "kline_1m", "depth", "markPrice@1s", "ticker", "nothing", "")
SAYINGS = (
    '{"method":"SUBSCRIBE","params":["btcusdt@bookTicker","ethusdt@kline_1m"],"id":1}',
    '{"method":"UNSUBSCRIBE","params":["btcusdt@bookTicker"],"id":2}',
    '{"method":"LIST_SUBSCRIPTIONS","id":3}',
    '{"method":"SUBSCRIBE","params":[1,null,{}],"id":"x"}',
    '{"method":"SUBSCRIBE","params":"btcusdt@trade","id":[]}',
    '{"method":"SET_PROPERTY","params":["combined",true],"id":4}',
    "{", "null", "[]", "7", '""', "x" * 10_000,
)  # fmt: skip


def is_documented(status: int, text: str) -> bool:
    """Tell whether an answer is a good one, or a refusal of the protocol or of the controls."""
    try:
        content = json.loads(text)
    except ValueError:
        return False
    if status == 200:
        return True
    told = content["error"] if "error" in content else content["code"] < 0 and content["msg"]
    return status in (400, 401, 404, 409, 410, 429, 503) and bool(told)


class Client:
    """One of them: its choices follow from its number."""

    def __init__(self, user: User, number: int) -> None:
        self.user = user
        self.random = random.Random(SEED + number)  # noqa: S311 - chance, not secrecy
        self.prices = {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0}
        self.answered: dict[int, int] = {}
        self.wrong: list[str] = []

    async def live(self) -> None:
        """Do all of its requests; one in a hundred is something else."""
        others = (self.move_market, self.do_fault, self.open_socket, self.read_prices)
        for _ in range(REQUESTS):
            if self.random.random() < 0.01:
                await self.random.choice(others)()
            else:
                await self.ask()

    async def send(self, method: str, url: str, **more: Any) -> None:
        """Send a request; a fault may cut the connection, all else is answered as documented."""
        try:
            sent = URL(self.user.http + url, encoded=True)
            async with self.user.session.request(method, sent, **more) as answer:
                status, text = answer.status, await answer.text()
        except aiohttp.ServerDisconnectedError:
            return
        self.answered[status] = self.answered.get(status, 0) + 1
        if not is_documented(status, text):
            self.wrong.append(f"{status} {text} to {method} {url} {more}")

    async def ask(self) -> None:
        """Send a request of the protocol, signed well or not."""
        endpoint = self.random.choice(COMMON if self.random.random() < 0.7 else [*ENDPOINTS])
        method, path = endpoint.split(" ")
        text = urlencode(self.parameters(path), quote_via=quote)
        if self.random.random() < 0.97:
            digest = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
            text += f"&signature={digest}"
        headers = {"X-MBX-APIKEY": KEY if self.random.random() < 0.99 else "nobody"}
        if self.random.random() < 0.2:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            await self.send(method, path, data=text, headers=headers)
        else:
            await self.send(method, f"{path}?{text}", headers=headers)

    def parameters(self, path: str) -> dict[str, str]:
        """Choose parameters: mostly those of an order that makes sense, now and then anything."""
        choose, chance = self.random.choice, self.random.random
        symbol = choose(SYMBOLS)
        near = self.prices[symbol] * self.random.uniform(0.97, 1.03)
        step = 1 if symbol == "BTCUSDT" else 2
        name = f"soak-{self.random.randrange(300)}"
        order_id = str(1_000_001 + self.random.randrange(60_000))
        millis = str(1_704_085_200_000 + self.random.randrange(10**8))
        conditional = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET")
        kind = choose(conditional if "algo" in path else ("LIMIT", "MARKET"))
        known = {
            "symbol": symbol,
            "side": choose(("BUY", "SELL")),
            "type": kind,
            "quantity": str(round(600 / near * self.random.uniform(0.1, 40), 3)),
            "price": f"{near:.{step}f}",
            "triggerPrice": f"{near * choose((0.98, 1.02)):.{step}f}",
            "timeInForce": choose(("GTC", "IOC", "FOK", "GTX", "GTD")),
            "goodTillDate": str(wall_ms() + self.random.randrange(2_000_000)),
            "algoType": "CONDITIONAL",
            "newClientOrderId": name,
            "clientAlgoId": name,
            "origClientOrderId": name,
            "orderId": order_id,
            "algoId": order_id,
            "reduceOnly": choose(("true", "false")),
            "closePosition": choose(("true", "false")),
            "newOrderRespType": choose(("ACK", "RESULT")),
            "leverage": str(self.random.randrange(1, 126)),
            "marginType": "CROSSED",
            "interval": choose(("1m", "5m", "1h", "1d", "9m")),
            "limit": choose(("1", "5", "50", "1000")),
            "fromId": order_id,
            "startTime": millis,
            "endTime": millis,
            "orderIdList": f"[{order_id}]",
            "batchOrders": json.dumps([{"symbol": symbol, "side": "BUY", "type": "MARKET"}] * 2),
        }
        # Those that an order needs are there mostly, of the others a few.
        needed = NEEDED if "MARKET" in kind else NEEDED | {"price", "timeInForce"}
        given = {k: v for k, v in known.items() if chance() < (0.97 if k in needed else 0.04)}
        for key in given if chance() < 0.2 else ():
            if chance() < 0.3:
                given[key] = choose(HOSTILE)
        given["timestamp"] = str(wall_ms()) if chance() < 0.98 else choose(HOSTILE)
        if chance() < 0.05:
            given["recvWindow"] = choose(("5000", "60000", *HOSTILE))
        return given

    async def move_market(self) -> None:
        await self.send("POST", "/_sim/step", json={"bars": self.random.randrange(4)})

    async def do_fault(self) -> None:
        """Let something happen that ends by itself."""
        choose, symbol = self.random.choice, self.random.choice(SYMBOLS)
        price = round(self.prices[symbol] * self.random.uniform(0.9, 1.1), 1)
        met: dict[str, Any] = {"match": {"request": "order.new"}, "times": 3}
        faults: list[dict[str, Any]] = [
            {"name": "wick", "symbol": symbol, "price": price},
            {"name": "close", "symbol": symbol},
            {"name": "order", "symbol": symbol, "side": "SELL", "quantity": 0.05},
            {"name": "cancel", "client_order_id": f"soak-{self.random.randrange(300)}"},
            {"name": "liquidate", "symbol": symbol},
            {"name": "thin", "symbol": symbol, "quantity": 0.5},
            {"name": "delay", **met, "phase": choose(("received", "processed")), "seconds": 0.01},
            {"name": "fail", **met, "processed": choose((True, False))},
            {"name": "lose_ack", **met},
            {"name": "lose_event", "match": {}},
            {"name": "duplicate_event", "match": {}},
            {"name": "reorder_event", "match": {}},
            {"name": "drop_sockets"},
            {"name": "expire_listen_key"},
            {"name": choose(HOSTILE), "symbol": choose(HOSTILE), "price": choose(HOSTILE)},
            {"name": "wick", "symbol": symbol, "price": choose(HOSTILE)},
        ]
        await self.send("POST", "/_sim/faults", json=choose(faults))

    async def open_socket(self) -> None:
        """Listen for a while to something, say something, and go, politely or not."""
        choose, symbol = self.random.choice, self.random.choice(SYMBOLS).lower()
        wanted = "/".join(f"{symbol}@{choose(STREAMS)}" for _ in range(3))
        path = choose((f"/stream?streams={wanted}", f"/ws/{wanted}", "/ws", "/ws/garbage"))
        if choose((True, False)):
            _, answer = await self.user.raw("POST", "/fapi/v1/listenKey")
            path = f"/ws/{answer['listenKey']}"
        try:
            async with self.user.session.ws_connect(self.user.ws + path) as socket:
                await socket.send_str(choose(SAYINGS))
                for _ in range(self.random.randrange(5)):
                    await socket.receive(timeout=0.05)
                if choose((True, False)):
                    await socket.send_bytes(b"\xff\x00")
        except (TimeoutError, aiohttp.ClientError, ConnectionError):
            pass  # quiet streams, refused ones and cut ones are all in order

    async def read_prices(self) -> None:
        told = (await self.user.ledger())["prices"]
        self.prices = {symbol: float(price) for symbol, price in told.items()}


async def test_nothing_breaks_it_and_the_laws_hold(tmp_path: Path) -> None:
    state = tmp_path / "state"
    options = [word for name in SYMBOLS for word in ("--symbol", name)]
    options += ["--wallet", "1000000000", "--state", str(state)]  # it loses a lot
    async with exchange("--stepped", *options) as user:
        clients = [Client(user, number) for number in range(CLIENTS)]
        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.live())
        ledger = await user.ledger()
    assert [wrong for client in clients for wrong in client.wrong] == []
    lines = (state / "journal.jsonl").read_bytes().splitlines()
    rebuilt = replay(map(json.loads, lines))
    laws.hold(rebuilt)
    same = rebuilt.ledger().keys() - {"market_ms"}  # faults that end with the process take time
    assert {key: rebuilt.ledger()[key] for key in same} == {key: ledger[key] for key in same}
    # It was a soak: much was refused, and much was traded.
    answered = {s: sum(c.answered.get(s, 0) for c in clients) for s in (200, 400)}
    assert min(answered.values()) > CLIENTS * REQUESTS / 10, answered
    assert len(ledger["fills"]) > CLIENTS * REQUESTS / 100
    assert sum(Dec(fill["commission"]) for fill in ledger["fills"]) > 0

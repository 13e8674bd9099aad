"""The WebSocket API: the same answers as over HTTP, by messages on one connection."""

import base64
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exchange.support import SECONDS, Stream, User, exchange
from exchange.test_streams import CLOSED
from signing import KEY, SECRET, signature
from simulated_exchange.protocol.ws_api import METHODS, SESSION_REQUESTS

PATH = "/ws-fapi/v1"
BTC = {"symbol": "BTCUSDT"}
MARKET = {**BTC, "side": "BUY", "type": "MARKET", "quantity": "0.010"}
LIMIT = {**MARKET, "type": "LIMIT", "timeInForce": "GTC", "price": "50000"}
STOP = {
    **BTC, "side": "SELL", "type": "STOP_MARKET", "algoType": "CONDITIONAL", "quantity": "0.010",
    "triggerPrice": "55000", "reduceOnly": "true",
}  # fmt: skip


def signed(params: Mapping[str, Any], secret: str = SECRET) -> dict[str, Any]:
    """Sign as documented: everything but the signature, sorted by name."""
    whole = {"apiKey": KEY, "timestamp": time.time_ns() // 1_000_000, **params}
    words = {True: "true", False: "false"}
    text = "&".join(
        f"{name}={words[whole[name]] if isinstance(whole[name], bool) else whole[name]}"
        for name in sorted(whole)
    )
    return {**whole, "signature": signature(text, secret)}


class Api:
    """One connection, which asks and waits for the answer to that."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.asked = 0

    async def raw(self, method: str, params: Any = None, **frame: Any) -> Any:
        self.asked += 1
        whole = {"id": self.asked, "method": method, "params": params, **frame}
        await self.stream.socket.send_json(whole)
        return await self.stream.next()

    async def ask(self, method: str, **params: Any) -> Any:
        answer = await self.raw(method, signed(params))
        assert (answer["id"], answer["status"]) == (self.asked, 200), answer
        return answer["result"]

    async def refused(self, method: str, **params: Any) -> tuple[int, int]:
        answer = await self.raw(method, signed(params))
        assert answer["id"] == self.asked
        assert answer["error"]["msg"]
        return answer["status"], answer["error"]["code"]


async def test_an_order_lives_over_it_as_over_http(user: User) -> None:
    async with user.listening(PATH) as stream, user.listening() as events:
        api = Api(stream)
        filled = await api.ask("order.place", **MARKET, newOrderRespType="RESULT")
        assert (filled["status"], filled["executedQty"]) == ("FILLED", "0.010")
        assert (await events.next())["e"] == "ORDER_TRADE_UPDATE"
        await api.ask("order.place", **LIMIT, newClientOrderId="A")
        named = {**BTC, "origClientOrderId": "A"}
        await api.ask("order.modify", **named, side="BUY", quantity="0.020", price="51000")
        status = await api.ask("order.status", **named)
        assert status == await user.ask("GET", "v1/order", **named)
        assert (status["origQty"], status["price"]) == ("0.020", "51000")
        assert (await api.ask("order.cancel", **named))["status"] == "CANCELED"
        stop = await api.ask("algoOrder.place", **STOP, clientAlgoId="S")
        assert (await user.ask("GET", "v1/openAlgoOrders"))[0] == stop
        assert (await api.ask("algoOrder.cancel", clientAlgoId="S"))["code"] == "200"
    assert [order["status"] for order in (await user.ledger())["orders"]] == [
        "FILLED", "CANCELED", "CANCELED",
    ]  # fmt: skip


async def test_questions_are_answered_as_over_http(user: User) -> None:
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "account.balance": ("v2/balance", {}), "v2/account.balance": ("v3/balance", {}),
        "account.status": ("v2/account", {}), "v2/account.status": ("v3/account", {}),
        "account.position": ("v2/positionRisk", {}),
        "v2/account.position": ("v3/positionRisk", {}),
        "ticker.price": ("v1/ticker/price", BTC), "ticker.book": ("v1/ticker/bookTicker", BTC),
        "depth": ("v1/depth", {**BTC, "limit": 5}), "ping": ("v1/ping", {}),
    }  # fmt: skip
    await user.order("BUY")
    async with user.listening(PATH) as stream:
        api = Api(stream)
        for method, (path, given) in asked.items():
            assert await api.ask(method, **given) == await user.ask("GET", path, **given)
        assert (await api.raw("ticker.price", BTC))["result"]["symbol"] == "BTCUSDT"
        assert abs((await api.ask("time"))["serverTime"] - time.time_ns() // 10**6) < 5_000


async def test_a_listen_key_lives_over_it(user: User) -> None:
    async with user.listening(PATH) as stream:
        api, key = Api(stream), {"apiKey": KEY}
        listen_key = (await api.raw("userDataStream.start", key))["result"]["listenKey"]
        async with user.listening(f"/ws/{listen_key}") as events:
            await user.order("BUY")
            assert (await events.next())["e"] == "ORDER_TRADE_UPDATE"
            kept = await api.raw("userDataStream.ping", key)
            assert kept["result"] == {"listenKey": listen_key}
            assert (await api.raw("userDataStream.stop", key))["result"] == {}
        answer = await api.raw("userDataStream.ping", key)
        assert (answer["status"], answer["error"]["code"]) == (400, -1125)


@pytest.mark.parametrize("given", [7, -7, 0, "a-B_9", None])
async def test_an_id_comes_back_as_it_was_given(user: User, given: Any) -> None:
    async with user.listening(PATH) as stream:
        answer = await Api(stream).raw("ping", id=given)
        assert (answer["id"], type(answer["id"])) == (given, type(given))


@pytest.mark.parametrize(
    ("sent", "code", "told"),
    [
        ("{", -1135, None),
        ("[]", -1135, None),
        ("[" * 60_000, -1135, None),
        ('{"method": "ping"}', -1135, None),
        ('{"method": "ping", "id": true}', -1135, None),
        ('{"method": "ping", "id": 1.5}', -1135, None),
        ('{"method": "ping", "id": "a b"}', -1135, None),
        ('{"id": 1}', -1135, 1),
        ('{"id": 1, "method": "ping", "params": [1]}', -1135, 1),
        ('{"id": 1, "method": "openOrders.status"}', -5000, 1),
        ('{"id": "x", "method": "v1/login"}', -5000, "x"),
        ('{"id": 1, "method": "order.place", "params": {}}', -2014, 1),
        ('{"id": 1, "method": "order.place", "params": {"apiKey": "other"}}', -2015, 1),
        ('{"id": 1, "method": "order.place", "params": {"apiKey": "simulated-key"}}', -1102, 1),
    ],
)
async def test_what_cannot_be_is_refused_at_once(
    user: User, sent: str, code: int, told: Any
) -> None:
    async with user.listening(PATH) as stream:
        await stream.socket.send_str(sent)
        answer = await stream.next()
        assert (answer["error"]["code"], answer["id"]) == (code, told)
        assert answer["status"] in (400, 401, 404)
        assert (await Api(stream).raw("ping"))["status"] == 200, "the connection goes on"


async def test_refusals_are_those_of_http(user: User) -> None:
    async with user.listening(PATH) as stream:
        api = Api(stream)
        assert await api.refused("order.place", **{**MARKET, "symbol": "NOUSDT"}) == (400, -1121)
        assert await api.refused("order.place", **{**LIMIT, "price": "70000"}) == (400, -4016)
        assert await api.refused("order.place", **{**MARKET, "type": "STOP_MARKET"}) == (400, -4120)
        assert await api.refused("order.status", **BTC, orderId=7) == (400, -2013)
        assert await api.refused("order.cancel", **BTC, orderId=7) == (400, -2011)
        wrong = await api.raw("account.balance", signed({}, "wrong"))
        assert (wrong["status"], wrong["error"]["code"]) == (400, -1022)
        old = time.time_ns() // 1_000_000 - 9_000
        assert await api.refused("account.balance", timestamp=old) == (400, -1021)
    assert not (await user.ledger())["orders"]


async def test_numbers_and_truths_are_signed_as_they_are_written(user: User) -> None:
    async with user.listening(PATH) as stream:
        api = Api(stream)
        await api.ask("order.place", **{**MARKET, "quantity": 0.01}, returnRateLimits=False)
        reducing = {**MARKET, "side": "SELL", "quantity": 0.01, "reduceOnly": True}
        await api.ask("order.place", **reducing)
    assert len((await user.ledger())["fills"]) == 2


async def test_a_hmac_key_logs_nobody_on(user: User) -> None:
    async with user.listening(PATH) as stream:
        api = Api(stream)
        assert await api.refused("session.logon") == (400, -4056)
        told = (await api.raw("session.status"))["result"]
        assert (told["apiKey"], told["authorizedSince"]) == (None, None)
        assert told["connectedSince"] <= told["serverTime"]
        assert (await api.raw("session.logout"))["result"]["apiKey"] is None


async def test_an_ed25519_key_logs_on_and_needs_no_signature_then(tmp_path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(pem)

    def by_key(params: Mapping[str, Any]) -> dict[str, Any]:
        whole = {"apiKey": KEY, "timestamp": time.time_ns() // 1_000_000, **params}
        text = "&".join(f"{name}={whole[name]}" for name in sorted(whole))
        return {**whole, "signature": base64.b64encode(private.sign(text.encode())).decode()}

    def now() -> dict[str, Any]:
        return {"timestamp": time.time_ns() // 1_000_000}

    async with (
        exchange("--stepped", "--ed25519-key", str(tmp_path / "key.pem")) as user,
        user.listening(PATH) as stream,
    ):
        api = Api(stream)
        assert await api.refused("session.logon") == (400, -1022), "signed by HMAC"
        assert (await api.raw("order.place", by_key(MARKET)))["status"] == 200
        unsigned = await api.raw("order.place", {**MARKET, **now(), "apiKey": KEY})
        assert unsigned["error"]["code"] == -1102
        told = (await api.raw("session.logon", by_key({})))["result"]
        assert (told["apiKey"], told["authorizedSince"] >= told["connectedSince"]) == (KEY, True)
        assert (await api.raw("order.place", {**MARKET, **now()}))["status"] == 200
        assert (await api.raw("order.place", MARKET))["error"]["code"] == -1102, "no timestamp"
        assert (await api.raw("userDataStream.start"))["result"]["listenKey"]
        wrong = await api.raw("order.place", signed(MARKET))
        assert wrong["error"]["code"] == -1022, "a signature that is given counts"
        assert (await api.raw("session.logout"))["result"]["apiKey"] is None
        assert (await api.raw("order.place", {**MARKET, **now()}))["error"]["code"] == -2014
        query = urlencode({**BTC, **now()})
        made = base64.b64encode(private.sign(query.encode())).decode()
        status, _ = await user.raw(
            "GET", "/fapi/v1/openOrders", f"{query}&{urlencode({'signature': made})}"
        )
        assert status == 200
        assert (await user.signed("GET", "v1/openOrders"))[1]["code"] == -1022


async def test_answers_tell_of_limits_unless_they_shall_not() -> None:
    async with exchange("--stepped", "--weight-limit", "20") as user:
        async with user.listening(PATH) as stream:
            api = Api(stream)
            (weight,) = (await api.raw("ticker.price", BTC))["rateLimits"]
            assert (weight["rateLimitType"], weight["limit"], weight["count"]) == (
                "REQUEST_WEIGHT", 20, 6,
            ), "the handshake weighs 5"  # fmt: skip
            rows = (await api.raw("order.place", signed(MARKET)))["rateLimits"]
            assert [(row["rateLimitType"], row["count"]) for row in rows] == [
                ("ORDERS", 1), ("ORDERS", 1), ("REQUEST_WEIGHT", 6),
            ]  # fmt: skip
            assert "rateLimits" not in await api.raw("ping", {"returnRateLimits": False})
        async with user.listening(f"{PATH}?returnRateLimits=false") as stream:
            api = Api(stream)
            assert "rateLimits" not in await api.raw("ping")
            assert "rateLimits" in await api.raw("ping", {"returnRateLimits": True})
            await api.ask("account.status")
            assert await api.refused("account.status") == (429, -1003)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with user.listening(PATH):
                pass


async def test_faults_and_journal_know_its_requests(user: User) -> None:
    async with user.listening(PATH) as stream:
        api = Api(stream)
        await user.arm("fail", match={"leg": "entry"})
        assert await api.refused("order.place", **MARKET) == (503, -1001)
        await user.arm("fail", match={"leg": "entry"}, status=502, code=None)
        assert await api.refused("order.place", **MARKET) == (502, -1001)
        assert not (await user.ledger())["orders"]
        await api.ask("order.place", **MARKET, newClientOrderId="A")
        told = [record["data"] for record in await user.journal("request")]
        assert [(row["request"], row["leg"], row["status"]) for row in told] == [
            ("order.new", "entry", 503), ("order.new", "entry", 502), ("order.new", "entry", 200),
        ]  # fmt: skip
        assert (told[-1]["method"], told[-1]["client_order_id"]) == ("order.place", "A")
        await user.arm("lose_ack", match={"client_order_id": "B"})
        params = signed({**MARKET, "newClientOrderId": "B"})
        await stream.socket.send_json({"id": 9, "method": "order.place", "params": params})
        assert (await stream.socket.receive(timeout=SECONDS)).type in CLOSED
    assert [order["status"] for order in (await user.ledger())["orders"]] == ["FILLED"] * 2


async def test_a_gate_holds_one_request_and_not_those_behind_it(user: User) -> None:
    async with user.listening(PATH) as stream:
        held = (await user.arm("gate", match={"request": "order.new"}, phase="received"))["id"]
        await stream.socket.send_json({"id": 1, "method": "order.place", "params": signed(MARKET)})
        await user.fired(held)
        assert (await Api(stream).raw("ping", id=2))["id"] == 2
        await user.release(held)
        assert (await stream.next())["id"] == 1
        gone = (await user.arm("gate", match={"request": "order.new"}, phase="received"))["id"]
        await stream.socket.send_json({"id": 3, "method": "order.place", "params": signed(MARKET)})
        await user.fired(gone)
    await user.release(gone)
    assert len((await user.ledger())["orders"]) == 1, "who went away has asked for nothing"


async def test_its_sockets_break_by_a_name_of_their_own(user: User) -> None:
    async with user.listening(PATH) as stream, user.listening() as events:
        await Api(stream).raw("ping")
        assert (await user.arm("drop_sockets", stream="api"))["sockets"] == 1
        assert (await stream.socket.receive(timeout=SECONDS)).type in CLOSED
        await user.order("BUY")
        assert (await events.next())["e"] == "ORDER_TRADE_UPDATE"


def test_every_method_is_asked_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert not [method for method in (*METHODS, *SESSION_REQUESTS) if f'"{method}"' not in text]

"""Who may ask: key, signature, time."""

import hashlib
import hmac
import time
from urllib.parse import urlencode

from exchange.support import SECRET, User


async def test_keys(user: User) -> None:
    assert await user.raw("POST", "/fapi/v1/listenKey", key="") == (
        401,
        {"code": -2014, "msg": "API-key format invalid."},
    )
    status, answer = await user.raw("POST", "/fapi/v1/listenKey", key="other")
    assert (status, answer["code"]) == (401, -2015)


async def test_signatures(user: User) -> None:
    status, answer = await user.signed("GET", "v2/account", secret="wrong")
    assert (status, answer["code"]) == (400, -1022)
    now = time.time_ns() // 1_000_000
    assert (await user.raw("GET", "/fapi/v2/account", f"timestamp={now}"))[1]["code"] == -1102
    assert (await user.raw("GET", "/fapi/v2/account", "signature=ab"))[1]["code"] == -1102


async def test_a_changed_parameter_breaks_the_signature(user: User) -> None:
    query = urlencode({"symbol": "BTCUSDT", "timestamp": time.time_ns() // 1_000_000})
    digest = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    whole = f"{query}&signature={digest}"
    assert (await user.raw("GET", "/fapi/v1/openOrders", whole))[0] == 200
    changed = whole.replace("BTC", "ETH")
    assert (await user.raw("GET", "/fapi/v1/openOrders", changed))[1]["code"] == -1022


async def test_parameters_may_come_in_the_body(user: User) -> None:
    given = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    body = urlencode(given | {"timestamp": time.time_ns() // 1_000_000})
    digest = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
    status, answer = await user.raw("POST", "/fapi/v1/order", body=f"{body}&signature={digest}")
    assert (status, answer["status"]) == (200, "NEW")


async def test_times(user: User) -> None:
    now = time.time_ns() // 1_000_000
    assert await user.refused("GET", "v2/account", timestamp=now - 6_000) == -1021
    assert await user.refused("GET", "v2/account", timestamp=now + 3_000) == -1021
    assert await user.refused("GET", "v2/account", timestamp="soon") == -1102
    await user.ask("GET", "v2/account", timestamp=now - 6_000, recvWindow=10_000)
    assert await user.refused("GET", "v2/account", recvWindow=70_000) == -1131

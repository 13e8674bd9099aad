"""Who may ask: key, signature, time."""

import time
from pathlib import Path
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.support import User, refused
from signing import signature, signed
from simulated_exchange.protocol.ed25519 import holds
from simulated_exchange.protocol.signing import read_public_key


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
    whole = signed({"symbol": "BTCUSDT"})
    assert (await user.raw("GET", "/fapi/v1/openOrders", whole))[0] == 200
    changed = whole.replace("BTC", "ETH")
    assert (await user.raw("GET", "/fapi/v1/openOrders", changed))[1]["code"] == -1022


def order(**more: str | int) -> str:
    given = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    return urlencode(given | {"timestamp": time.time_ns() // 1_000_000} | more)


async def test_parameters_may_come_in_the_body(user: User) -> None:
    body = order()
    whole = f"{body}&signature={signature(body)}"
    status, answer = await user.raw("POST", "/fapi/v1/order", body=whole)
    assert (status, answer["status"]) == (200, "NEW")


async def test_parameters_may_come_in_both(user: User) -> None:
    query, body = "symbol=BTCUSDT&side=BUY", order(side="SELL")
    whole = f"{body}&signature={signature(query + body)}"
    status, answer = await user.raw("POST", "/fapi/v1/order", query, body=whole)
    assert (status, answer["side"]) == (200, "BUY"), "the query string counts"
    joined = f"{body}&signature={signature(f'{query}&{body}')}"
    assert (await user.raw("POST", "/fapi/v1/order", query, body=joined))[1]["code"] == -1022


async def test_a_signature_stands_anywhere_in_any_case(user: User) -> None:
    plain = order()
    name, rest = plain.split("&", 1)
    for whole in (
        f"{plain}&signature={signature(plain).upper()}",
        f"{name}&signature={signature(plain)}&{rest}",
        f"signature={signature(plain)}&{plain}",
    ):
        assert (await user.raw("POST", "/fapi/v1/order", whole))[0] == 200


async def test_it_covers_the_bytes_as_they_were_sent(user: User) -> None:
    plain = order(newClientOrderId="a:b/c")
    assert "%3A" in plain
    assert (await user.raw("POST", "/fapi/v1/order", f"{plain}&signature={signature(plain)}"))[
        0
    ] == 200
    other = f"{plain}&signature={signature(plain.replace('%3A', ':'))}"
    assert (await user.raw("POST", "/fapi/v1/order", other))[1]["code"] == -1022


async def test_booleans_in_any_case(user: User) -> None:
    await user.order("BUY")
    for written in ("True", "TRUE", "true"):
        assert (await user.order("SELL", "0.001", reduceOnly=written))["reduceOnly"] is True
    assert (await user.order("BUY", reduceOnly="False"))["reduceOnly"] is False


async def test_the_key_is_looked_at_before_the_signature(user: User) -> None:
    assert (await user.raw("GET", "/fapi/v2/account", "signature=ab", key="other"))[0] == 401


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 511), st.binary(min_size=32, max_size=32))
def test_an_ed25519_signature_holds_as_others_say(text: bytes, bit: int, seed: bytes) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = private.public_key().public_bytes_raw(), private.sign(text)
    assert holds(key, text, signature)
    turned = bytearray(signature)
    turned[bit // 8] ^= 1 << bit % 8
    assert not holds(key, text, bytes(turned))
    assert not holds(key, text + b"x", signature)
    assert not holds(bytes(reversed(key)), text, signature)
    assert not holds(key, text, signature[:-1])


def test_a_public_key_is_read_or_refused(tmp_path: Path) -> None:
    made = Ed25519PrivateKey.generate().public_key()
    pem = made.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert read_public_key(pem) == made.public_bytes_raw()
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    wrong = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for text in ("", "nonsense", wrong, pem.replace("PUBLIC", "PRIVATE")):
        (tmp_path / "key.pem").write_text(text)
        code, said = refused("--ed25519-key", str(tmp_path / "key.pem"))
        assert (code, "is no PEM file with an Ed25519 public key" in said) == (2, True)


async def test_times(user: User) -> None:
    now = time.time_ns() // 1_000_000
    assert await user.refused("GET", "v2/account", timestamp=now - 6_000) == -1021
    assert await user.refused("GET", "v2/account", timestamp=now + 3_000) == -1021
    assert await user.refused("GET", "v2/account", timestamp="soon") == -1102
    await user.ask("GET", "v2/account", timestamp=now - 6_000, recvWindow=10_000)
    assert await user.refused("GET", "v2/account", recvWindow=70_000) == -1131

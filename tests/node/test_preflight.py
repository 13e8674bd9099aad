"""What no restart mends at the exchange ends the preflight with 78 and a sentence."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.asking import Asked
from node.baked import module
from node.relay import Change

AWAY, REFUSED, CONFIGURATION = 75, 70, 78


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    asked = Asked(tmp_path_factory.mktemp("exchange") / "first", "--symbol", "BTCUSDT")
    yield asked
    asked.close()


@pytest.fixture
def asked(shared: Asked) -> Iterator[Asked]:
    yield shared
    shared.relay.changes.clear()


def but(**changes: Any) -> Change:
    return lambda answer: answer | changes


def symbol(**changes: Any) -> Change:
    return lambda answer: answer | {"symbols": [row | changes for row in answer["symbols"]]}


def later(by_ms: int) -> Change:
    return lambda answer: {"serverTime": answer["serverTime"] + by_ms}


def refusal(status: int, code: int) -> Change:
    return lambda _answer: (status, {"code": code, "msg": "Refused."})


async def end_of(start: Any) -> tuple[int, str]:
    """Return how the preflight ends."""
    with pytest.raises(module("exit_codes").NodeExit) as caught:
        await module("guards.questions").check_exchange(start)
    return int(caught.value.code), str(caught.value.sentence)


async def test_all_is_well(asked: Asked) -> None:
    start = asked.start()
    await module("guards.questions").check_exchange(start)
    assert start.notes == []


@pytest.mark.parametrize(
    ("path", "change", "words"),
    [
        ("positionSide/dual", but(dualSidePosition=True), "one-way"),
        ("accountConfig", but(dualSidePosition=True), "one-way"),
        ("multiAssetsMargin", but(multiAssetsMargin=True), "multi-assets mode"),
        ("accountConfig", but(multiAssetsMargin=True), "multi-assets mode"),
        ("accountConfig", but(canTrade=False), "does not let this account trade"),
        ("exchangeInfo", symbol(status="SETTLING"), "its status is SETTLING"),
        ("exchangeInfo", symbol(status="PENDING_TRADING"), "its status is PENDING_TRADING"),
        (
            "exchangeInfo",
            symbol(symbol="OTHERUSDT"),
            "does not list BTCUSDT; correct TRADER_SYMBOL",
        ),
        ("/time", later(-2_000), "s ahead of the exchange's"),
        ("/time", later(8_000), "s behind the exchange's"),
        ("accountConfig", refusal(401, -2015), "refuses the key"),
        ("accountConfig", refusal(401, -2014), "refuses the key"),
        ("accountConfig", refusal(400, -1022), "TRADER_API_SECRET"),
        ("openOrders", refusal(451, 0), "does not serve this machine's place"),
    ],
)
async def test_what_no_restart_mends(asked: Asked, path: str, change: Change, words: str) -> None:
    asked.relay.changes[path] = change
    code, sentence = await end_of(asked.start())
    assert code == CONFIGURATION
    assert words in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("quantity", "words"),
    [
        ("0.0105", "The quantity 0.0105 is no multiple of 0.001"),
        ("0.001", "an order must be worth 100 at least"),
        ("120.001", "is above 120"),
        ("0.0001", "is no multiple of 0.001"),
    ],
)
async def test_a_quantity_that_no_order_can_have(asked: Asked, quantity: str, words: str) -> None:
    code, sentence = await end_of(asked.start(order_quantity=quantity))
    assert code == CONFIGURATION
    assert words in sentence
    assert "TRADER_ORDER_QUANTITY" in sentence


async def test_a_quantity_just_above_what_an_order_must_be_worth(asked: Asked) -> None:
    start = asked.start(order_quantity="0.002")
    await module("guards.questions").check_exchange(start)
    assert start.notes == []
    least = {"filterType": "MIN_NOTIONAL", "notional": "115"}
    steps = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001"},
    ]
    asked.relay.changes["exchangeInfo"] = symbol(filters=[least, *steps])
    await module("guards.questions").check_exchange(start)
    [note] = start.notes
    assert "just above the 115" in note


async def test_sizes_that_a_rule_tells() -> None:
    sizes_of = module("guards.symbols").sizes_of
    from decimal import Decimal

    class Sized:
        sizes = (Decimal(1), Decimal(-2))

    assert sizes_of(Sized()) == (Decimal(1), Decimal(2))
    assert sizes_of(object()) == ()


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("exchangeInfo", lambda _: []),
        ("exchangeInfo", symbol(filters="none")),
        ("accountConfig", but(canTrade="true")),
        ("positionRisk", lambda _: [{"symbol": "BTCUSDT"}] * 3_000),
        (
            "positionRisk",
            lambda _: b'[{"symbol":"BTCUSDT","positionSide":"BOTH","positionAmt":1e308}]',
        ),
        ("openOrders", lambda _: {"rows": []}),
        ("ticker/price", but(price="0.010abc")),
        ("ticker/price", but(price="-1")),
        ("/time", lambda _: {"serverTime": "now"}),
    ],
)
async def test_nonsense_is_refused(asked: Asked, path: str, change: Change) -> None:
    asked.relay.changes[path] = change
    code, sentence = await end_of(asked.start())
    assert code == REFUSED
    assert sentence.startswith("The exchange")
    assert "not believed" in sentence


@pytest.mark.parametrize("body", [b"", b"<html>", b"[NaN]", b"[" * 100_000])
async def test_an_exchange_that_answers_no_json(asked: Asked, body: bytes) -> None:
    asked.relay.changes["accountConfig"] = lambda _: (503, body)
    code, sentence = await end_of(asked.start())
    assert code == AWAY
    assert "HTTP status 503: no JSON" in sentence


async def test_a_refused_time_alone_is_no_wrong_clock(asked: Asked) -> None:
    """The request may have been slow: the next start asks again."""
    asked.relay.changes["accountConfig"] = refusal(400, -1021)
    code, sentence = await end_of(asked.start())
    assert code == AWAY
    assert "it came late, or a clock was set" in sentence


async def test_positions_of_hedge_mode_are_not_called_nonsense(asked: Asked) -> None:
    asked.relay.changes["positionSide/dual"] = but(dualSidePosition=True)
    row = {"symbol": "BTCUSDT", "positionSide": "LONG", "positionAmt": "0.010"}
    asked.relay.changes["positionRisk"] = lambda _: [row]
    code, sentence = await end_of(asked.start())
    assert code == CONFIGURATION
    assert "one-way" in sentence


async def test_what_passes_is_asked_again(asked: Asked) -> None:
    answers = iter(
        [(503, {"code": -1001, "msg": "Busy."}), (429, {"code": -1003, "msg": "Later."})]
    )
    asked.relay.changes["accountConfig"] = lambda answer: next(answers, answer)
    start = asked.start()
    await module("guards.questions").check_exchange(start)


async def test_what_is_left_behind_is_named(tmp_path: Path) -> None:
    asked = Asked(tmp_path / "two", "--symbol", "BTCUSDT", "--symbol", "ETHUSDT")
    try:
        asked.order("BUY")
        asked.stop("a-stop")
        start = asked.start(symbol="ETHUSDT", order_quantity="0.100")
        await module("guards.questions").check_exchange(start)
    finally:
        asked.close()
    [note] = start.notes
    assert note.startswith("BTCUSDT is not traded by this node")
    assert "a position of 0.010" in note
    assert "a-stop" in note


async def test_it_is_quick(asked: Asked) -> None:
    start = asked.start()
    await module("guards.questions").check_exchange(start)
    started = time.monotonic()
    await module("guards.questions").check_exchange(start)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("offset", "wrong"), [(-700, False), (-900, True), (1_700, False), (1_900, True)]
)
def test_the_bounds_of_a_clock(offset: int, wrong: bool) -> None:
    complaint = module("guards.clock").complaint
    assert bool(complaint(offset, 0)) is wrong
    assert not complaint(offset, 5_000)  # an answer that was on its way for ten seconds

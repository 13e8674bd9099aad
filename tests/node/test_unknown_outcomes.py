"""An order whose outcome nobody tells is asked for until it is known, and only then sent again."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from nautilus_trader.adapters.binance.http.error import BinanceClientError, BinanceServerError

from node.baked import module
from node.conftest import Start
from node.processes import SYMBOL, Exchange, Node, Store
from node.test_trading import last_bar, step_until_position
from node.test_user_stream import STOCK

MOST_BARS = 150
KNOWN_SECONDS = 9.0
"""In which everything is known, on a busy machine: 3 s until no late request can be accepted."""
QUESTIONS = ("order.query", "conditional.query", "trades.all", "conditionals.open", "orders.open")
LEGS: dict[str, dict[str, str]] = {
    "entry": {"request": "order.new", "leg": "entry"},
    "exit": {"request": "order.new", "leg": "exit"},
    "stop": {"request": "conditional.new", "leg": "stop"},
    "cancel": {"request": "conditional.cancel"},
}
LONG = ("exit", "cancel")
LETTERS = {"entry": "E", "exit": "X", "stop": "S", "cancel": "S"}
"""What an order is for, in its client order id; what is cancelled here is a stop."""
ORDER, ALGO = "ORDER_TRADE_UPDATE", "ALGO_UPDATE"
MOST_EVENTS = 100


class Kind(NamedTuple):
    """
    One way in which an answer says nothing.

    Parameters
    ----------
    fault : Mapping[str, Any]
        The exchange's fault.
    processed : bool
        Whether what was asked for is done all the same.
    unheard : bool
        Whether the events that would tell are lost, too.

    """

    fault: Mapping[str, Any]
    processed: bool
    unheard: bool = False


def failing(processed: bool, **options: Any) -> Mapping[str, Any]:
    return {"name": "fail", "processed": processed, **options}


NO_ANSWER = {"name": "delay", "seconds": 4}
ANSWERS: dict[str, dict[str, Any]] = {
    "503": {},
    "-1007": {"status": 408, "code": -1007},
    "-1006": {"status": 400, "code": -1006, "message": "An unexpected response was received."},
    "a gateway's page": {"status": 502, "code": None},
}
KINDS: dict[str, Kind] = {
    f"{name}, {'' if processed else 'not '}processed{', unheard' if unheard else ''}": Kind(
        failing(processed, **options), processed, unheard
    )
    for name, options in ANSWERS.items()
    for processed, unheard in ((False, False), (True, False), (True, True))
} | {
    "lost answer": Kind({"name": "lose_ack"}, True),
    "lost answer, unheard": Kind({"name": "lose_ack"}, True, True),
    "no answer, not processed": Kind({**NO_ANSWER, "phase": "received"}, False),
    "no answer, processed": Kind({**NO_ANSWER, "phase": "processed"}, True),
}


class Seen(NamedTuple):
    """
    What a fault has cost.

    Parameters
    ----------
    seconds : float
        From the close of its bar until the node has decided and agrees with the exchange.
    questions : Counter[str]
        What the exchange was asked meanwhile.

    """

    seconds: float
    questions: Counter[str]


def difference(exchange: Exchange, state: Mapping[str, Any]) -> str:
    """Return how node and exchange differ; an empty text when they do not."""
    ledger = exchange.get("ledger")
    held = sum((Decimal(p["quantity"]) for p in state["positions"]), Decimal(0))
    if held != Decimal(exchange.position()):
        return f"the node holds {held}, the exchange {exchange.position()}"
    fills = {fill["trade_id"] for fill in ledger["fills"]}
    booked = [trade for order in state["orders"] for trade in order["trade_ids"]]
    if sorted(booked) != sorted(fills):
        return f"the node has booked {sorted(booked)[-3:]}, the exchange {sorted(fills)[-3:]}"
    closed = ("FILLED", "CANCELED", "EXPIRED", "REJECTED", "DENIED")
    working = {o["client_order_id"] for o in state["orders"] if o["status"] not in closed}
    there = {o["client_order_id"] for o in ledger["orders"] if o["status"] == "NEW"}
    return "" if working == there else f"{working} work in the node, {there} at the exchange"


def until_equal(exchange: Exchange, node: Node) -> None:
    """Wait until the node has decided, has nothing in flight and agrees with the exchange."""
    deadline = time.monotonic() + KNOWN_SECONDS
    differs = "nothing was asked"
    while time.monotonic() < deadline:
        state = node.settle(last_bar(exchange))
        differs = difference(exchange, state)
        if not differs:
            return
        time.sleep(0.01)
    raise AssertionError(f"{differs}\n{node.everything()}")


def until_met(exchange: Exchange, node: Node, leg: str, kind: Kind) -> Seen:
    """Close bars until a fault has happened, and wait until node and exchange agree again."""
    fault = exchange.post("faults", {"match": LEGS[leg], **kind.fault})["id"]
    if kind.unheard:
        # Held when it arrives, so that its events can be named before there are any.
        held = exchange.post("faults", {"name": "gate", "match": LEGS[leg], "phase": "received"})
    lost: list[str] = []
    for _ in range(MOST_BARS):
        seq = exchange.get("journal?after=0")["seq"]
        began = time.monotonic()
        bar = exchange.post("step", {"bars": 1})["bar"]
        if kind.unheard:
            lost = lose_what_tells(exchange, node, bar, held["id"])
        node.settle(bar)
        if exchange.get(f"faults/{fault}?wait_s=0")["fired"]:
            until_equal(exchange, node)
            seconds = time.monotonic() - began
            for each in lost:
                exchange.release(each)
            records = exchange.get(f"journal?after={seq}")["records"]
            asked = Counter(r["data"]["request"] for r in records if r["kind"] == "request")
            return Seen(seconds, Counter({q: asked[q] for q in QUESTIONS if asked[q]}))
    raise AssertionError(f"The fault did not happen within {MOST_BARS} bars.")


def lose_what_tells(exchange: Exchange, node: Node, bar: int, gate: str) -> list[str]:
    """Once a request is held, lose its events and let it go; or see the bar pass."""
    while True:
        met = exchange.get(f"faults/{gate}?wait_s=0.05")
        if met["fired"]:
            name = {"client_order_id": met["data"]["client_order_id"]}
            more = {"name": "lose_event", "times": MOST_EVENTS}
            lost = [
                exchange.post("faults", {**more, "match": {"event": event, **name}})["id"]
                for event in (ORDER, ALGO)
            ]
            exchange.release(gate)
            return lost
        state: dict[str, Any] = node.get("state")[1]
        if state["decided_bar"].get(SYMBOL) == bar and not state["inflight"]:
            return []


@pytest.mark.parametrize(
    "leg", ["entry", "stop", *(pytest.param(leg, marks=pytest.mark.long) for leg in LONG)]
)
def test_what_is_unknown_is_asked_for(
    start: Start, store: Store, exchange: Exchange, leg: str
) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    for name, kind in KINDS.items():
        before = len(exchange.get("ledger")["orders"])
        seen = until_met(exchange, node, leg, kind)
        print(f"{leg}: {name}: {seen.seconds:.2f} s, {dict(seen.questions)}")
        assert node.get("state")[1]["conditions"] == []
        # What never arrived is sent again under its own id, and what arrived is not.
        names = [row["client_order_id"] for row in exchange.get("ledger")["orders"][before:]]
        sent = [each for each in names if re.search(f"-{LETTERS[leg]}.$", each)]
        assert [each[-1] for each in sent] == ["0"] * len(sent), name
        assert len(set(sent)) == len(sent), name


def test_an_order_that_was_answered_and_not_told_of_is_asked_for(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    answered = {"name": "delay", "phase": "answered", "seconds": 0}
    for leg in ("entry", "stop", "exit"):
        seen = until_met(exchange, node, leg, Kind(answered, processed=True, unheard=True))
        print(f"{leg}: answered, unheard: {seen.seconds:.2f} s, {dict(seen.questions)}")


def test_the_stock_adapter_takes_it_for_refused(
    start: Start, store: Store, exchange: Exchange
) -> None:
    """Why `unknown_outcomes` exists; the watch of the account then ends the node."""
    node = start(STOCK)
    node.until("trading")
    node.settle(last_bar(exchange))
    with pytest.raises((AssertionError, OSError)):
        until_met(exchange, node, "entry", KINDS["503, processed, unheard"])
    assert node.wait() == 75
    assert "OrderRejected" in "".join(node.output)
    assert Decimal(exchange.position()) != 0


def test_a_stop_that_ends_unheard_is_asked_for(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    [stop] = exchange.working_stops()
    for event in (ORDER, ALGO):
        lost = {"match": {"event": event, "client_order_id": stop["client_order_id"]}}
        exchange.post("faults", {"name": "lose_event", "times": MOST_EVENTS, **lost})
    began = time.monotonic()
    exchange.post("faults", {"name": "wick", "symbol": SYMBOL, "price": stop["trigger_price"]})
    assert exchange.position() == "0"
    until_equal(exchange, node)
    print(f"stop unheard: {time.monotonic() - began:.2f} s")
    assert node.child.poll() is None


def test_a_stop_that_another_hand_cancels_unheard_is_placed_again(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    [stop] = exchange.working_stops()
    name = {"client_order_id": stop["client_order_id"]}
    exchange.post("faults", {"name": "lose_event", "match": {"event": ALGO, **name}})
    began = time.monotonic()
    exchange.post("faults", {"name": "cancel", **name})
    assert exchange.working_stops() == []
    while not exchange.working_stops() and time.monotonic() - began < KNOWN_SECONDS:
        time.sleep(0.01)
    print(f"stop cancelled unheard: {time.monotonic() - began:.2f} s without one")
    until_equal(exchange, node)
    assert len(exchange.working_stops()) == 1
    assert node.child.poll() is None


def test_an_exchange_that_does_not_say_is_a_condition(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    silent = {"match": {"request": "order.query"}, "times": 1000}
    silence = exchange.post("faults", {"name": "fail", **silent})["id"]
    fault = exchange.post("faults", {"match": LEGS["entry"], **failing(False)})["id"]
    for _ in range(MOST_BARS):
        bar = exchange.post("step", {"bars": 1})["bar"]
        if exchange.get(f"faults/{fault}?wait_s=0.1")["fired"]:
            break
        node.settle(bar)
    node.until("degraded")
    status, health = node.get("health")
    assert status == 503
    assert "What has become of order" in health["reason"]
    [condition] = node.get("state")[1]["conditions"]
    assert condition["name"] == "outcomes"
    before = exchange.get("ledger")["orders"]
    exchange.release(silence)
    node.until("trading")
    until_equal(exchange, node)
    # Nothing was sent while it was unknown, and then the same decision under the same id.
    sent = [row["client_order_id"][-2:] for row in exchange.get("ledger")["orders"][len(before) :]]
    assert sent[0] == "E0"
    assert node.get("state")[1]["conditions"] == []


def test_it_is_forgotten_in_the_store_too(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    until_met(exchange, node, "entry", KINDS["503, not processed"])
    assert exchange.position() != "0"
    node.kill()
    again = start()
    again.until("trading")
    assert "all as it should" in again.get("health")[1]["found"]
    until_equal(exchange, again)


REFUSALS = [(400, -2019), (400, -2021), (429, -1003), (503, -1008), (403, None), (400, -2022)]
UNKNOWN = [(503, -1001), (503, None), (502, None), (408, -1007), (400, -1006), (400, -1000)]


@pytest.mark.parametrize(("status", "code"), REFUSALS + UNKNOWN)
def test_what_is_a_refusal(importable: str, status: int, code: int | None) -> None:
    kind: Any = BinanceServerError if status >= 500 else BinanceClientError
    error = kind(status, {"code": code, "msg": ""} if code else "<html>", {})
    is_unknown = module("engine.v1.sending").is_unknown
    assert is_unknown(error) == ((status, code) in UNKNOWN)


@pytest.mark.parametrize("error", [TimeoutError(), OSError("reset"), ValueError("no JSON")])
def test_no_answer_says_nothing(importable: str, error: Exception) -> None:
    assert module("engine.v1.sending").is_unknown(error)


@pytest.mark.parametrize(("is_cancel", "unknown"), [(True, True), (False, False)])
def test_that_nothing_is_there_to_cancel_is_no_refusal(
    importable: str, is_cancel: bool, unknown: bool
) -> None:
    sending = module("engine.v1.sending")

    kind: Any = BinanceClientError

    async def send() -> None:
        raise kind(400, {"code": -2011, "msg": "Unknown order sent."}, {})

    expected = sending.OutcomeUnknown if unknown else BinanceClientError
    with pytest.raises(expected):
        asyncio.run(sending.careful(send, is_cancel=is_cancel)())

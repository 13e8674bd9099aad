"""``state``: what node, store and exchange have side by side, with the node alive or dead."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from node.baked import module
from node.commands import AWAY, CONFIGURATION, DIFFERS, OK, Answer, run
from node.conftest import Start
from node.past import put_keys
from node.processes import SYMBOL, Exchange, Store
from node.stores import Market
from node.test_trading import step_until_position

TRADER = "TRADER-001"
PREFIX = f"trader-{TRADER}:"

State = Callable[..., Answer]


@pytest.fixture
def state(tmp_path: Path, project: Path, environment: dict[str, str]) -> State:
    """Run ``state --json`` with the environment of the test; keyword arguments change it."""

    def tell(*, as_json: bool = True, **changes: str) -> Answer:
        words = ["state", "--json"] if as_json else ["state"]
        return run(tmp_path, project, {**environment, **changes}, *words)

    return tell


def beside(answer: Answer, what: str) -> dict[str, Any]:
    """Return the one line of a kind."""
    [line] = [each for each in answer.json["beside"] if each["what"] == what]
    return dict(line)


def test_a_node_that_holds_alive_and_killed(
    state: State, start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    quantity = exchange.position()
    [stop] = exchange.working_stops()
    with redis.Redis(port=store.port) as client:
        client.set(f"{PREFIX}general:level", "42")
        client.set(f"quarantine:{TRADER}:20260101T000000.000000Z:orders:x", "x")

    answer = state()
    assert (answer.code, answer.errors) == (OK, "")
    assert answer.json["differences"] == []
    assert answer.json["node"]["alive"] is True
    assert answer.json["rows"]["lease"].endswith("in epoch 1, holds it.")
    position, order = beside(answer, "position"), beside(answer, "order")
    assert {float(position[place]) for place in ("node", "store", "exchange")} == {float(quantity)}
    assert order["name"] == stop["client_order_id"]
    assert "stop" in order["exchange"]
    assert beside(answer, "wallet")["differs"] is False
    told = answer.json["store"]
    assert told["format"] == "nautilus-1"
    assert told["memory"] == {"level": "42"}
    assert told["decided"][0]["symbol"] == SYMBOL
    assert [each["keys"] for each in told["quarantine"]] == [1]

    node.kill()
    answer = state(as_json=False)
    assert answer.code == OK
    assert "dead: nothing of it answers at 127.0.0.1" in answer.out
    assert answer.out.rstrip().endswith("Store and exchange agree.")
    assert "memory    level = 42" in answer.out
    assert "in epoch 1, has ended." in answer.out
    for secret in ("simulated-secret", "simulated-key"):
        assert secret not in answer.out

    # The stop goes, and the store has not heard of it.
    exchange.post("faults", {"name": "cancel", "client_order_id": stop["client_order_id"]})
    answer = state()
    assert answer.code == DIFFERS
    [difference] = answer.json["differences"]
    assert difference.startswith(f"The order {stop['client_order_id']} is not the same everywhere")
    assert difference.endswith("nothing at the exchange.")
    [line] = [line for line in state(as_json=False).out.splitlines() if line.startswith("≠")]
    assert stop["client_order_id"] in line

    # What another hand holds is shown, and is no difference.
    exchange.post("faults", {"name": "close", "symbol": SYMBOL})
    answer = state()
    assert answer.code == DIFFERS
    assert {each["what"] for each in answer.json["beside"] if each["differs"]} == {
        "position", "order", "wallet"}  # fmt: skip


def test_an_order_of_another_hand_is_no_difference(
    state: State, store: Store, exchange: Exchange
) -> None:
    by_hand = {"name": "order", "symbol": SYMBOL, "side": "BUY", "type": "LIMIT"}
    exchange.post("faults", {**by_hand, "quantity": "0.010", "price": "40000.00"})
    answer = state()
    order = beside(answer, "order")
    assert (order["is_own"], order["differs"], order["store"]) == (False, False, "-")
    # The store has no account yet, and the exchange has money.
    assert [each["what"] for each in answer.json["beside"] if each["differs"]] == ["wallet"]


def test_an_order_that_only_the_store_has(state: State, store: Store, exchange: Exchange) -> None:
    made = Market()
    made.never_send("1jnoyl7h-1704085259-E0", "0.010", heard=2)
    with redis.Redis(port=store.port) as client:
        put_keys(client, made.keys)
        before = {key: client.dump(key) for key in client.scan_iter()}
        answer = state()
        assert {key: client.dump(key) for key in client.scan_iter()} == before
    assert answer.code == DIFFERS
    assert answer.json["differences"] == [
        "The order 1jnoyl7h-1704085259-E0 is not the same everywhere: BUY 0.010 SUBMITTED in the "
        "store, nothing at the exchange."
    ]


def test_the_exchange_away(state: State, store: Store) -> None:
    made = Market()
    made.send("1jnoyl7h-1704085259-S0", "-0.010", trigger="40000.00")
    with redis.Redis(port=store.port) as client:
        put_keys(client, made.keys)
        client.rpush(f"{PREFIX}orders:x", "not an event")
    answer = state()
    assert answer.code == AWAY
    assert answer.json["differences"] == []
    assert "exchange" not in beside(answer, "order")
    assert beside(answer, "order")["store"] == "SELL 0.010 stop 40000.00 ACCEPTED"
    [unread] = answer.json["store"]["unreadable"]
    assert unread.startswith("orders:x ")


def test_the_store_away(state: State, exchange: Exchange) -> None:
    answer = state()
    assert answer.code == AWAY
    assert "is away" in answer.json["rows"]["store"]
    assert beside(answer, "wallet")["exchange"] != "-"


def test_a_key_that_is_refused(state: State, store: Store, exchange: Exchange) -> None:
    answer = state(TRADER_API_KEY="another", TRADER_API_SECRET="hidden-one")
    assert answer.code == CONFIGURATION
    assert "refuses the key" in answer.json["rows"]["exchange"]
    assert "hidden-one" not in answer.out


def test_a_node_that_is_another_s(
    state: State, start: Start, store: Store, exchange: Exchange
) -> None:
    node = start(TRADER_ID="OTHER-002")
    node.until("trading")
    answer = state()
    assert answer.json["node"]["alive"] is False
    assert "the node of OTHER-002 answers" in answer.json["rows"]["node"]


def test_a_node_that_refuses_is_not_compared(
    state: State, start: Start, store: Store, exchange: Exchange
) -> None:
    node = start(TRADER_API_KEY="another", TRADER_ON_REFUSAL="hold")
    node.until("refused")
    answer = state()
    assert answer.json["node"]["is_compared"] is False
    assert "at refused: The exchange refuses the key" in answer.json["rows"]["node"]


def cells(**compared: tuple[Any, ...]) -> Any:
    """Return columns that have one order each."""
    cell = module("commands.state.beside").Cell
    return {place: {("order", "x"): cell(place, each)} for place, each in compared.items()}


@pytest.mark.parametrize(
    ("columns", "differs"),
    [
        ({"node": ("BUY", 1), "store": ("BUY", 1), "exchange": ("BUY", 1)}, False),
        ({"node": ("BUY", 1), "store": ("BUY", 2), "exchange": ("BUY", 1)}, True),
        ({"node": ("BUY", 1), "store": ("BUY", 1), "exchange": ("BUY", None)}, False),
        ({"node": ("BUY", 1), "store": ("SELL", 1)}, True),
        ({"store": ("BUY", 1)}, False),
    ],
)
def test_what_differs(columns: dict[str, tuple[Any, ...]], differs: bool) -> None:
    [line] = module("commands.state.beside").lines(cells(**columns))
    assert line.differs is differs


def test_what_one_place_does_not_have_differs() -> None:
    columns = {**cells(store=("BUY", 1)), "exchange": {}, "node": {}}
    [line] = module("commands.state.beside").lines(columns)
    assert line.differs
    assert line.cells == {"node": "-", "store": "store", "exchange": "-"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"42", "42"),
        (b"", ""),
        (b"\xff\x00", "2 bytes, ff00"),
        (b"a\x1b[2J", "5 bytes, 611b5b324a"),
        (b"x" * 300, "x" * 200 + "…"),
    ],
)
def test_how_what_is_remembered_is_shown(value: bytes, shown: str) -> None:
    assert module("commands.state.places").shown(value) == shown


def test_both_places_away(state: State) -> None:
    answer = state()
    assert answer.code == AWAY
    assert answer.json["beside"] == []
    rows = answer.json["rows"]
    assert rows["node"].startswith("dead")
    assert "is away" in rows["store"]
    assert "is away" in rows["exchange"]
    assert "Nothing could be compared." in state(as_json=False).out


def test_settings_that_are_wrong(state: State) -> None:
    answer = state(TRADER_SYMBOL="b")
    assert (answer.code, answer.out) == (CONFIGURATION, "")
    assert answer.errors.startswith("TRADER_SYMBOL ")

"""Two nodes with one id and a store each: the exchange is all that they share."""

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from node.baked import module
from node.conftest import Start
from node.processes import SYMBOL, Exchange, Node, Store, free_port
from node.test_other_traders import place
from node.test_trading import MOST_BARS, OWNER, last_bar, step, step_until_position

RIVALS = module("plan.rivals")
Rival = RIVALS.Rival
QUIET_SECONDS = module("engine.v1.rival_orders").QUIET_SECONDS
REFUSED, AWAY = 70, 75
SEEN_SECONDS = 20.0


def quantities(exchange: Exchange) -> set[Decimal]:
    return {Decimal(each["quantity"]) for each in exchange.working_stops()}


def entries(exchange: Exchange) -> list[str]:
    rows = exchange.get("ledger")["orders"]
    return [row["client_order_id"] for row in rows if row["client_order_id"].endswith("-E0")]


def until_not_quiet() -> None:
    """Wait until nothing that an earlier life has sent could arrive any more: it is in no event."""
    time.sleep(QUIET_SECONDS)


def until_both_have_sent(exchange: Exchange, first: Node, second: Node) -> None:
    """Close bars until one entry was sent twice, and both nodes have ended."""
    for _ in range(MOST_BARS):
        bar = exchange.post("step", {"bars": 1})["bar"]
        names = entries(exchange)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and not all(
            node.child.poll() is not None or bar in node.get("state")[1]["decided_bar"].values()
            for node in (first, second)
        ):
            names = entries(exchange)
            if len(names) > len(set(names)):
                return
        names = entries(exchange)
        if len(names) > len(set(names)):
            return
    raise AssertionError(f"No entry in {MOST_BARS} bars.")


def test_one_goes_on_and_one_ends(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    """The old machine comes back to life while the new one trades; both decide the same."""
    elsewhere = {
        "TRADER_STORE_URL": Store(tmp_path / "elsewhere").url,
        "TRADER_STATE_FOLDER": str(tmp_path / "state-elsewhere"),
    }
    old = start()
    old.until("trading")
    step_until_position(exchange, old)
    old.kill()
    new = start(TRADER_HTTP_PORT=str(free_port()), **elsewhere)
    new.until("trading")
    back = start()
    back.until("trading")
    until_not_quiet()
    until_both_have_sent(exchange, new, back)
    codes = {new.wait(SEEN_SECONDS), back.wait(SEEN_SECONDS)}
    assert codes == {REFUSED, AWAY}, new.everything() + back.everything()
    loser, winner = (new, back) if new.wait(1) == REFUSED else (back, new)
    assert loser.said("Another node with this id trades on this account: it has sent the order ")
    assert winner.said("a second time, after this node, which goes on")

    doubled = abs(Decimal(exchange.position()))
    again = start(TRADER_HTTP_PORT=str(free_port()), **(elsewhere if winner is new else {}))
    again.until("trading")
    again.settle(last_bar(exchange))
    for _ in range(MOST_BARS):
        if abs(Decimal(exchange.position())) < doubled:
            break
        step(exchange, again)
    held = abs(Decimal(exchange.position()))
    assert held in (0, doubled / 2), "what was doubled was not taken back"
    assert quantities(exchange) == ({held} if held else set())
    names = entries(exchange)
    assert len(names) == len(set(names)) + 1, "more than one order was doubled"


def test_an_order_that_it_has_not_sent_ends_the_node(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    until_not_quiet()
    stops = exchange.working_stops()
    name = f"{OWNER}-{last_bar(exchange) // 1000 + 60}-R000"
    far = Decimal(stops[0]["trigger_price"]) / 2
    place(
        exchange, "/fapi/v1/order", side="BUY", type="LIMIT", timeInForce="GTC",
        quantity="0.010", price=f"{far:.1f}", newClientOrderId=name,
    )  # fmt: skip
    assert node.wait(SEEN_SECONDS) == REFUSED, node.everything()
    assert node.said(f"it has sent the order {name}, and this node has not, or later.")
    assert exchange.working_stops() == stops, "what is held is left to the other"


# -- The decisions alone ---------------------------------------------------------------------------


def rivals(*known: str) -> Any:
    return RIVALS.Rivals(lambda name: name.startswith("own"), lambda name: name in known)


def test_own_orders_and_strangers_are_no_rival() -> None:
    looks = rivals("own-0")
    assert looks.heard("order", "another", 1) is Rival.NONE
    assert looks.heard("order", "own-0", 1) is Rival.NONE, "of an earlier life"
    looks.sends("order", "own-1")
    assert looks.heard("order", "own-1", 2) is Rival.NONE, "not answered yet"
    assert looks.answered("order", "own-1", 2) is Rival.NONE
    assert looks.heard("order", "own-1", 2) is Rival.NONE


def test_what_it_never_sent_was_first() -> None:
    assert rivals().heard("order", "own-1", 1) is Rival.FIRST


@pytest.mark.parametrize(("own", "whose"), [(2, "FIRST"), (1, "SECOND")])
@pytest.mark.parametrize("answer_first", [True, False])
def test_the_lower_number_was_first(own: int, whose: str, answer_first: bool) -> None:
    looks = rivals()
    looks.sends("order", "own-1")
    other = 3 - own
    if answer_first:
        assert looks.answered("order", "own-1", own) is Rival.NONE
        assert looks.heard("order", "own-1", other) is Rival[whose]
    else:
        assert looks.heard("order", "own-1", other) is Rival.NONE, "it may be its own"
        assert looks.answered("order", "own-1", own) is Rival[whose]


def test_an_order_that_a_trigger_has_made_has_a_number_of_its_own() -> None:
    looks = rivals("own-S0")
    looks.sends("conditional", "own-S0")
    looks.answered("conditional", "own-S0", 7)
    assert looks.heard("order", "own-S0", 99) is Rival.NONE


def test_what_was_never_answered_is_in_no_doubt() -> None:
    """Its outcome is asked for, and it may be sent again under its name."""
    looks = rivals()
    looks.sends("order", "own-1")
    looks.heard("order", "own-1", 1)
    looks.sends("order", "own-1")
    assert looks.answered("order", "own-1", 2) is Rival.NONE


def test_old_names_are_let_go() -> None:
    looks = rivals()
    for number in range(RIVALS.KEPT + 1):
        looks.sends("order", f"own-{number}")
    assert len(looks._names) == RIVALS.KEPT
    assert looks.answered("order", "own-0", 1) is Rival.NONE


def test_the_symbol_is_that_of_the_other_tests() -> None:
    owner = module("plan.order_ids").owner_of("TRADER-001", "EMA001", SYMBOL)
    assert owner == OWNER

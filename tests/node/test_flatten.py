"""One command closes everything, whatever the node does and wherever the command is killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from node.asking import Asked
from node.baked import module
from node.conftest import Order, Start
from node.processes import SYMBOL, Exchange, Node, Store, free_port
from node.relay import Relay
from node.test_halt import TOKEN, conditions, in_file, in_store, post, until
from node.test_trading import step_until_position
from signing import HEADERS, signed

FLATTEN = module("life.flatten.flatten")
STEPS = module("life.flatten.steps")
TAKING = module("life.flatten.taking")
CLOSING = module("venue.binance.closing")
ACCOUNT = module("venue.binance.account")
RECORDS = module("venue.records")
RULES = module("venue.binance.rules")
LEASE = module("guards.lease.lease")
REQUESTS = module("venue.binance.requests")
NodeExit = module("exit_codes").NodeExit
AWAY, REFUSED, CONFIGURATION, WRONG_USAGE = 75, 70, 78, 2
OTHER = "ETHUSDT"
PHASES = ("received", "processed", "answered")
CHANGES = ("order.cancel_all", "conditional.cancel_all", "order.new")
DONE_SECONDS = 60.0
MOST_REQUESTS = 60
GIVEN_WAY_SECONDS = 4.0
"""Much longer than a node takes to end that waits for nobody."""


@pytest.fixture
def exchange(tmp_path: Path, project: Path) -> Exchange:
    """A stepped exchange with a symbol besides that the node does not trade."""
    symbols = ("--symbol", SYMBOL, "--symbol", OTHER)
    return Exchange(tmp_path / "exchange", project / "drill", *symbols)


def send(exchange: Exchange, verb: str, path: str, **query: str) -> None:
    """Send a request by hand, as any other program with the account's key could."""
    url = f"{exchange.http}{path}?{signed(query)}"
    urlopen(Request(url, b"", dict(HEADERS), method=verb), timeout=60).close()  # noqa: S310 - loopback


def price(exchange: Exchange, symbol: str) -> Decimal:
    """Return what a symbol costs now."""
    url = f"{exchange.http}/fapi/v1/ticker/price?symbol={symbol}"
    with urlopen(url, timeout=20) as answer:  # noqa: S310 - loopback
        return Decimal(json.load(answer)["price"])


ORDER, CONDITIONAL = "/fapi/v1/order", "/fapi/v1/algoOrder"


def fill_the_account(exchange: Exchange) -> None:
    """Open positions in two symbols, with stops and resting orders of nobody here."""
    for symbol, side, back, size in (
        (SYMBOL, "BUY", "SELL", "0.010"),
        (OTHER, "SELL", "BUY", "0.10"),
    ):
        now = price(exchange, symbol)
        away = now * Decimal("0.7" if side == "BUY" else "1.3")
        of = {"symbol": symbol, "quantity": size}
        stop = {"algoType": "CONDITIONAL", "type": "STOP_MARKET", "reduceOnly": "true"}
        limit = {"type": "LIMIT", "timeInForce": "GTC", "price": f"{now * Decimal('0.97'):.1f}"}
        send(exchange, "POST", ORDER, side=side, type="MARKET", **of)
        send(exchange, "POST", CONDITIONAL, side=back, triggerPrice=f"{away:.1f}", **stop, **of)
        send(exchange, "POST", ORDER, side="BUY", **limit, **of)


def left(exchange: Exchange, symbol: str | None = None) -> list[str]:
    """Return what the exchange has still: positions, and orders that wait."""
    ledger = exchange.get("ledger")
    rows = [row for row in ledger["positions"] if Decimal(row["quantity"])]
    rows += [row for row in ledger["orders"] if row["status"] in ("NEW", "PARTIALLY_FILLED")]
    return [str(row) for row in rows if symbol in (None, row["symbol"])]


def processed(exchange: Exchange) -> list[str]:
    """Return what changed at the exchange so far."""
    records = exchange.get("journal?after=0")["records"]
    return [each["kind"] for each in records if each["kind"].startswith(("order.", "conditional."))]


def is_done(said: str, exchange: Exchange, store: Store, folder: Path) -> None:
    assert "Flat: the exchange has nothing left of any symbol. Halted everything by " in said
    assert left(exchange) == []
    assert in_store(store)["halted"]
    assert in_store(store) == in_file(folder / "state")


def holding(start: Start, exchange: Exchange) -> Node:
    """Return a node that trades and holds a position, in an account with more than that."""
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    send(
        exchange, "POST", "/fapi/v1/order", symbol=OTHER, side="BUY", type="MARKET", quantity="0.1"
    )
    return node


# -- With a node that is alive, dead, paused; with the store away ----------------------------------


def test_a_node_that_trades_gives_way_and_comes_back_halted(
    start: Start, store: Store, exchange: Exchange, order: Order, tmp_path: Path
) -> None:
    node = holding(start, exchange)
    is_done(order("flatten", "--yes").said(DONE_SECONDS), exchange, store, tmp_path)
    assert node.wait() == AWAY
    assert node.said("The account is being flattened, and this node gives way.")
    again = start()
    again.until("trading")
    again.until("degraded")
    assert "halt" in conditions(again)
    before = len(processed(exchange))
    is_done(order("flatten", "--yes").said(DONE_SECONDS), exchange, store, tmp_path)
    assert again.wait() == AWAY, "and gives way to the next one, too"
    assert len(processed(exchange)) == before


@pytest.mark.parametrize("killed", [False, True], ids=["until it is flat", "until it is killed"])
def test_a_node_that_has_given_way_stays_while_it_is_flattened(
    start: Start, store: Store, exchange: Exchange, order: Order, killed: bool
) -> None:
    """In a container the command would end with it, and a supervisor would start it in vain."""
    node = holding(start, exchange)
    gate = {"name": "gate", "match": {"request": "conditional.cancel_all"}, "phase": "received"}
    fault = exchange.post("faults", gate)["id"]
    flattening = order("flatten", "--yes")
    flattening.until_seen(lambda: exchange.get(f"faults/{fault}")["fired"], DONE_SECONDS)
    node.until("stopping")
    with pytest.raises(AssertionError, match="is alive after"):
        node.wait(GIVEN_WAY_SECONDS)
    if killed:
        flattening.kill()
        assert node.wait() == AWAY
    exchange.release(fault)
    if not killed:
        flattening.said(DONE_SECONDS)
        assert node.wait() == AWAY


def test_a_node_that_is_dead(
    start: Start, store: Store, exchange: Exchange, order: Order, tmp_path: Path
) -> None:
    node = holding(start, exchange)
    node.kill()
    is_done(order("flatten", "--yes").said(DONE_SECONDS), exchange, store, tmp_path)


def test_a_node_that_is_paused_does_nothing_when_it_goes_on(
    start: Start, store: Store, exchange: Exchange, order: Order, tmp_path: Path
) -> None:
    node = holding(start, exchange)
    node.send(signal.SIGSTOP)
    is_done(order("flatten", "--yes").said(DONE_SECONDS), exchange, store, tmp_path)
    before = processed(exchange)
    node.send(signal.SIGCONT)
    assert node.wait() == AWAY
    assert processed(exchange) == before


@pytest.mark.parametrize("node_is", ["alive", "paused", "dead"])
def test_a_store_that_is_away(
    start: Start, store: Store, exchange: Exchange, order: Order, tmp_path: Path, node_is: str
) -> None:
    node = holding(start, exchange)
    if node_is != "alive":
        node.send(signal.SIGSTOP if node_is == "paused" else signal.SIGKILL)
    store.send(signal.SIGSTOP)
    said = order("flatten", "--yes").said(DONE_SECONDS, code=AWAY)
    assert "it is flattened without the lease" in said
    assert "What is left: the store is away" in said
    assert left(exchange) == []
    assert in_file(tmp_path / "state")["halted"]
    store.send(signal.SIGCONT)
    if node_is == "paused":
        node.send(signal.SIGCONT)
    node.wait()
    is_done(order("flatten", "--yes").said(DONE_SECONDS), exchange, store, tmp_path)


def test_one_that_stands_by_gives_way_as_well(
    start: Start, store: Store, exchange: Exchange, order: Order, tmp_path: Path
) -> None:
    node = holding(start, exchange)
    code = (
        "import sys\n"
        "from trading_node.commands import main as cli\n"
        "sys.exit(cli.main(['run', '--standby']))\n"
    )
    other = start(code, TRADER_HTTP_PORT=str(free_port()), TRADER_INSTANCE_ID="other")
    other.until("lease")
    is_done(order("flatten", "--yes").said(DONE_SECONDS), exchange, store, tmp_path)
    assert node.wait() == AWAY


def test_by_http_the_node_itself_flattens(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    node = start(TRADER_CONTROL_TOKEN=TOKEN)
    node.until("trading")
    step_until_position(exchange, node)
    fill_the_account(exchange)
    status, said = post(node, "flatten", {"who": "ops", "why": "odd"})
    assert (status, said["said"].startswith("Halted everything by ops at ")) == (202, True)
    assert node.wait(DONE_SECONDS) == AWAY
    assert node.said("Flat: the exchange has nothing left of any symbol.")
    assert left(exchange) == []
    assert in_store(store) == in_file(tmp_path / "state")


# -- Killed at its own requests --------------------------------------------------------------------


def killed_at(exchange: Exchange, order: Order, gate: dict[str, Any]) -> bool:
    """Fill the account, kill a flattening at a gate, run it again; return whether it got there."""
    fill_the_account(exchange)
    fault = exchange.post("faults", {"name": "gate", **gate})["id"]
    first = order("flatten", "--yes", "--who", "first")
    while not exchange.get(f"faults/{fault}?wait_s=0.2")["fired"] and not first.ended:
        assert time.monotonic() < first.started + DONE_SECONDS, first.everything()
    got_there = not first.ended
    if got_there:
        first.kill()
    exchange.release(fault)
    said = order("flatten", "--yes", "--who", "second").said(DONE_SECONDS)
    assert "Flat: " in said
    assert left(exchange) == [], (gate, said)
    return got_there


@pytest.mark.parametrize("phase", PHASES)
def test_killed_at_what_it_changes(
    store: Store, exchange: Exchange, order: Order, tmp_path: Path, phase: str
) -> None:
    for request in CHANGES:
        gate = {"match": {"request": request}, "nth": 2, "phase": phase}
        assert killed_at(exchange, order, gate), request
    assert in_store(store)["who"] == in_file(tmp_path / "state")["who"] == "second"


@pytest.mark.long
@pytest.mark.parametrize("phase", PHASES)
def test_killed_at_each_of_its_requests(
    store: Store, exchange: Exchange, order: Order, phase: str
) -> None:
    for nth in range(1, MOST_REQUESTS):
        # The hand's own requests, which fill the account, come before.
        if not killed_at_nth(exchange, order, nth, phase):
            assert nth > 20, "it asks and changes more often than that"
            return
    raise AssertionError(f"It sends more than {MOST_REQUESTS} requests.")


def killed_at_nth(exchange: Exchange, order: Order, nth: int, phase: str) -> bool:
    return killed_at(exchange, order, {"nth": nth, "phase": phase})


@pytest.mark.parametrize("place", ["file", "store"])
def test_killed_between_the_halt_and_the_lease(
    store: Store, exchange: Exchange, order: Order, tmp_path: Path, place: str
) -> None:
    fill_the_account(exchange)
    if place == "file":  # the store does not answer, and the file is written
        store.send(signal.SIGSTOP)
    first = order("flatten", "--yes")
    first.until_seen(lambda: in_file(tmp_path / "state") is not None, DONE_SECONDS)
    if place == "store":
        until(lambda: in_store(store) is not None, "the store has it")
    first.kill()
    store.send(signal.SIGCONT)
    assert in_file(tmp_path / "state")["halted"]
    is_done(order("flatten", "--yes").said(DONE_SECONDS), exchange, store, tmp_path)


# -- What goes wrong at the exchange ---------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "lose_ack", "match": {"request": "order.new"}},
        {"name": "lose_ack", "match": {"request": "conditional.cancel_all"}},
        {"name": "fail", "match": {"request": "order.new"}, "processed": True},
        {"name": "fail", "match": {"request": "order.new"}, "times": 2},
        {"name": "fail", "match": {"request": "order.new"}, "status": 429, "code": -1003},
        {"name": "fail", "match": {"request": "positions.read"}, "times": 3},
        {"name": "thin", "symbol": SYMBOL, "quantity": "0.001"},
        {"name": "stale", "match": {"request": "positions.read"}, "times": 3},
        {"name": "stale", "match": {"request": "orders.open"}, "times": 3},
    ],
    ids=lambda fault: " ".join(map(str, fault.values())),
)
def test_what_fails_is_tried_until_it_is_done(
    store: Store, exchange: Exchange, order: Order, tmp_path: Path, fault: dict[str, Any]
) -> None:
    if fault["name"] == "stale":
        exchange.post("faults", fault)  # as it was before: nothing
        fill_the_account(exchange)
    else:
        fill_the_account(exchange)
        exchange.post("faults", fault)
    is_done(order("flatten", "--yes").said(DONE_SECONDS), exchange, store, tmp_path)


def test_one_symbol_alone(store: Store, exchange: Exchange, order: Order, tmp_path: Path) -> None:
    fill_the_account(exchange)
    said = order("flatten", "--symbol", OTHER, "--yes").said(DONE_SECONDS)
    assert f"Flat: the exchange has nothing left of {OTHER}. Halted {OTHER} by " in said
    assert left(exchange, OTHER) == []
    assert len(left(exchange, SYMBOL)) == 3, "position, stop and order are left alone"
    assert in_file(tmp_path / "state")["symbols"] == [OTHER]


def test_a_dry_run_says_all_and_changes_nothing(
    store: Store, exchange: Exchange, order: Order, tmp_path: Path
) -> None:
    fill_the_account(exchange)
    before, had = processed(exchange), left(exchange)
    said = order("flatten", "--dry-run").said()
    for words in (
        "It would halt everything, and take the lease",
        f"It would cancel every order of {SYMBOL} (1 order known).",
        f"It would cancel every conditional order of {OTHER} (1 conditional order known).",
        f"It would SELL 0.010 {SYMBOL} at the market, reduce-only.",
        f"It would BUY 0.100 {OTHER} at the market, reduce-only.",
    ):
        assert words in said, said
    assert (processed(exchange), left(exchange)) == (before, had)
    assert (in_store(store), in_file(tmp_path / "state")) == (None, None)
    assert "add --yes" in order("flatten").said(code=WRONG_USAGE)
    assert (processed(exchange), in_file(tmp_path / "state")) == (before, None)


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("no", WRONG_USAGE)])
def test_it_asks_on_a_terminal(
    store: Store,
    exchange: Exchange,
    project: Path,
    environment: dict[str, str],
    answer: str,
    code: int,
) -> None:
    fill_the_account(exchange)
    ours, theirs = os.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "trading_node", "flatten"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(project / "src"), **environment},
        cwd=project,
        text=True,
    )
    try:
        os.write(ours, f"{answer}\n".encode())
        said, _ = child.communicate(timeout=DONE_SECONDS)
    finally:
        child.kill()
        os.close(ours)
        os.close(theirs)
    assert child.returncode == code, said
    assert f"It would SELL 0.010 {SYMBOL}" in said
    assert (left(exchange) == []) is (answer == "yes")


def test_hedge_mode_is_refused_plainly(
    store: Store, exchange: Exchange, order: Order, tmp_path: Path
) -> None:
    relay = Relay(exchange.http)
    relay.changes["positionSide/dual"] = lambda _: {"dualSidePosition": True}
    fill_the_account(exchange)
    before = processed(exchange)
    changed = {"TRADER_EXCHANGE_HTTP_URL": relay.url}
    said = order("flatten", "--yes", **changed).said(DONE_SECONDS, code=CONFIGURATION)
    assert "is in hedge mode" in said
    assert processed(exchange) == before
    assert in_file(tmp_path / "state")["halted"], "it is halted all the same"


def test_an_exchange_that_is_away(store: Store, exchange: Exchange, order: Order) -> None:
    exchange.kill()
    said = order("flatten", "--yes").said(DONE_SECONDS, code=AWAY)
    assert "Halted everything" in said
    assert "does not tell its time" in said


# -- In this process -------------------------------------------------------------------------------


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    asked = Asked(tmp_path / "asked")
    yield asked
    asked.close()


@pytest.mark.processes
async def test_what_cannot_be_closed_is_said_after_the_bound(asked: Asked) -> None:
    asked.order("BUY")
    refusal = {"name": "fail", "match": {"request": "order.new"}, "times": 99, "status": 400}
    asked.exchange.post("faults", {**refusal, "code": -4140, "message": "Halted."})
    said: list[str] = []
    requests = REQUESTS.Requests(asked.settings())
    with pytest.raises(NodeExit, match="Not flat after 2 s") as caught:
        await FLATTEN.Flattening(requests, None, lambda: 0.0, said.append).run(2)
    await requests.close()
    assert caught.value.code == REFUSED
    assert f"a position of 0.010 {SYMBOL}" in caught.value.sentence
    assert "-4140" in caught.value.sentence


@pytest.mark.processes
async def test_what_comes_late_is_cancelled_as_well(asked: Asked) -> None:
    exchange = asked.exchange
    asked.order("BUY")
    gate = {"name": "gate", "match": {"request": "order.new"}, "phase": "received"}
    fault = exchange.post("faults", gate)["id"]
    limit = {"type": "LIMIT", "timeInForce": "GTC", "price": "40000.0"}
    late = threading.Thread(target=lambda: asked.order("BUY", **limit))
    late.start()
    assert exchange.get(f"faults/{fault}?wait_s=10")["fired"], "it is on its way"
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if line.startswith("Nothing is left") and late.is_alive():
            assert left(exchange) == []
            exchange.release(fault)
            late.join()
            assert left(exchange), "it has come"

    requests = REQUESTS.Requests(asked.settings())
    quiet_from = time.monotonic() + 5
    await FLATTEN.Flattening(requests, None, lambda: quiet_from, say).run()
    await requests.close()
    assert time.monotonic() >= quiet_from
    assert left(exchange) == []
    assert sum("every order of BTCUSDT" in line for line in said) == 2, said


@pytest.mark.processes
async def test_without_the_lease_it_changes_nothing(asked: Asked) -> None:
    asked.order("BUY")
    requests = REQUESTS.Requests(asked.settings())
    requests.clock.allowed = lambda: 0.0
    with pytest.raises(NodeExit, match="The lease is lost") as caught:
        await FLATTEN.Flattening(requests, None, lambda: 0.0, print).run(5)
    await requests.close()
    assert caught.value.code == AWAY
    assert asked.exchange.position() != "0"


async def test_a_holder_that_does_not_give_way(
    store: Store, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TAKING, "MOST_SECONDS", 2.0)
    monkeypatch.setattr(TAKING, "ASK_SECONDS", 0.5)
    settings = asked.settings(store_url=store.url)
    holder = LEASE.Lease(settings, 0.0)
    deadline = time.monotonic() + 20
    while holder.epoch is None:
        assert time.monotonic() < deadline
        await asyncio.to_thread(holder.try_to_take)
    # Another process, as far as anybody can tell.
    monkeypatch.setattr(LEASE, "this_process", lambda: "")
    again: list[int] = []

    async def ask_again() -> None:
        again.append(1)

    wants = LEASE.Lease(settings, 0.0)
    with pytest.raises(NodeExit, match="is not given up within 2 s") as caught:
        await TAKING.take(wants, ask_again)
    holder.release()
    assert caught.value.code == AWAY
    assert again, "it was asked once more"


# -- The decisions alone ---------------------------------------------------------------------------


def held(quantity: str, symbol: str = SYMBOL, updated_ms: int = 7) -> Any:
    record = RECORDS.PositionRecord(symbol, Decimal(quantity), Decimal(1))
    return ACCOUNT.Held(record, updated_ms)


def rules(**more: str) -> Any:
    return RULES.SymbolRules(SYMBOL, "TRADING", **{k: Decimal(v) for k, v in more.items()})


def test_orders_of_a_symbol_go_before_its_position_and_symbol_by_symbol() -> None:
    orders = tuple(
        CLOSING.OpenOrder(symbol, "x", is_conditional, "")
        for symbol in ("B", "A")
        for is_conditional in (True, False)
    )
    standing = CLOSING.Standing(orders, (held("1", "B"), held("-2", "A")))
    assert [step.told() for step in STEPS.steps(standing, {}, ())] == [
        "cancel every order of A (1 order known)",
        "cancel every conditional order of A (1 conditional order known)",
        "BUY 2 A at the market, reduce-only",
        "cancel every order of B (1 order known)",
        "cancel every conditional order of B (1 conditional order known)",
        "SELL 1 B at the market, reduce-only",
    ]


@pytest.mark.parametrize(
    ("quantity", "given", "size"),
    [
        ("5", {}, "5"),
        ("5", {"market_most": "2", "step": "0.1"}, "2"),
        ("0.123", {"step": "0.01"}, "0.12"),
        ("0.003", {"step": "0.01"}, "0.003"),
        ("-7", {"market_most": "4.5", "most": "9", "step": "1"}, "4"),
    ],
)
def test_how_much_one_order_closes(quantity: str, given: dict[str, str], size: str) -> None:
    assert STEPS.closing(held(quantity), rules(**given)).quantity == Decimal(size)


def test_ids_are_of_the_position_as_it_was_found() -> None:
    one = STEPS.closing(held("0.01"), None).names
    assert one == STEPS.closing(held("0.010"), None).names
    others = [held("0.02"), held("0.01", OTHER), held("0.01", updated_ms=8), held("-0.01")]
    assert len({one[0], *(STEPS.closing(each, None).names[0] for each in others)}) == 5
    assert all(len(name) <= 25 for name in one)
    assert len(set(one)) == len(one)


def known(status: str, filled: str = "0") -> Any:
    values = ("order", "1", "flat-x-0", SYMBOL, "MARKET", "SELL", status, "GTC")
    record = RECORDS.OrderRecord(*values, Decimal(1), Decimal(filled), True, 0, 0)
    return module("venue.binance.one_order").OneOrder((record,))


@pytest.mark.parametrize(
    ("found", "fate"),
    [
        (None, "SEND"),
        (known("NEW"), "WAIT"),
        (known("FILLED", "1"), "WAIT"),
        (known("EXPIRED", "0.4"), "WAIT"),
        (known("EXPIRED"), "NEXT"),
        (known("REJECTED"), "NEXT"),
    ],
)
def test_what_is_done_about_one_that_may_have_been_sent(found: Any, fate: str) -> None:
    assert STEPS.fate_of(found) is STEPS.Fate[fate]


def test_orders_that_no_list_tells_are_cancelled_once() -> None:
    standing = CLOSING.Standing((), (held("1"),))
    kinds = [type(step).__name__ for step in STEPS.steps(standing, {}, ())]
    assert kinds == ["CancelAll", "CancelAll", "Close"]
    assert [type(step).__name__ for step in STEPS.steps(standing, {}, {SYMBOL})] == ["Close"]


def test_it_is_over_after_a_while_in_which_nothing_could_come_any_more() -> None:
    assert STEPS.over_from(5.0, 1.0) == 5.0 + STEPS.BELIEVE_SECONDS
    assert STEPS.over_from(5.0, 9.0) == 9.0

"""A node notices a store that does not take or keep what it writes, and is right again or ends."""

import contextlib
import queue
import signal
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import redis
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, StrategyId, TraderId
from nautilus_trader.model.objects import Quantity
from nautilus_trader.test_kit.stubs.events import TestEventStubs

from node.baked import module
from node.conftest import Start
from node.processes import SYMBOL, Exchange, Node, Process, Store
from node.stores import TRADER
from node.test_mend_node import facts
from node.test_trading import last_bar, step, step_until_position

MARKS = module("guards.store_marks")
WRITTEN = module("engine.store_line").Written
NOTICE_SECONDS = 2.0
RIGHT_SECONDS = 5.0
LOOKS_SECONDS = 3.0
FAR_SECONDS = 15.0
PREFIX = f"trader-{TRADER}:"
MARK = f"{PREFIX}general:store-watch"
AWAY = 75
LEASE_LOST = "has lost the record of who trades"
ORDER = WRITTEN("orders:A", "order A", 2)


def client_of(store: Store) -> Any:
    """Return an operator's connection."""
    return redis.Redis(port=store.port, socket_timeout=5)


def until(node: Node, stage: str, seconds: float) -> float:
    """Wait for a stage; return when it was entered, by the monotonic clock."""
    while True:
        line = node.next_line(seconds)
        if line["event"] == "stage":
            node.stages.append(line["stage"])
            if line["stage"] == stage:
                return float(line["mono_ns"]) / 1e9


def trades(start: Start, exchange: Exchange) -> Node:
    """Return a node that holds a position."""
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    return node


def until_marked(store: Store) -> None:
    """Wait for two marks: the watch works."""
    with client_of(store) as client:
        seen = {client.get(MARK)}
        deadline = time.monotonic() + LOOKS_SECONDS
        while len(seen) < 3:
            assert time.monotonic() < deadline, seen
            seen.add(client.get(MARK))
            time.sleep(0.02)


# -- Ways in which a store is out of order ---------------------------------------------------------


class Wrong(NamedTuple):
    """One of them: how it begins and ends, and what the node says of it."""

    name: str
    begin: Callable[[Store], None]
    end: Callable[[Store], Store]
    words: str


def _asked(store: Store, *command: Any) -> None:
    with client_of(store) as client:
        client.execute_command(*command)


def _set(*pairs: str) -> Callable[[Store], None]:
    return lambda store: _asked(store, "CONFIG", "SET", *pairs)


def _same(work: Callable[[Store], None]) -> Callable[[Store], Store]:
    def end(store: Store) -> Store:
        work(store)
        return store

    return end


def _kill(store: Store) -> None:
    store.kill()


def _fail_snapshot(store: Store) -> None:
    (store.folder / "dump.rdb").mkdir()
    (store.folder / "dump.rdb" / "in the way").write_text("")
    _asked(store, "CONFIG", "SET", "save", "3600 1")
    with client_of(store) as client:
        client.bgsave()
        store.until_seen(
            lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", 10.0
        )


WRONGS = (
    Wrong("killed", _kill, lambda store: store.again(), "is away"),
    Wrong(
        "paused",
        lambda store: store.send(signal.SIGSTOP),
        _same(lambda store: store.send(signal.SIGCONT)),
        "does not answer",
    ),
    Wrong("full", _set("maxmemory", "1"), _same(_set("maxmemory", "0")), "maxmemory"),
    Wrong(
        "read-only",
        lambda store: _asked(store, "REPLICAOF", "127.0.0.1", "1"),
        _same(lambda store: _asked(store, "REPLICAOF", "NO", "ONE")),
        "read only replica",
    ),
    Wrong(
        "without replicas",
        _set("min-replicas-to-write", "1"),
        _same(_set("min-replicas-to-write", "0")),
        "Not enough good replicas",
    ),
    Wrong(
        "without a snapshot",
        _fail_snapshot,
        _same(_set("stop-writes-on-bgsave-error", "no")),
        "takes no writes: MISCONF",
    ),
)


@pytest.fixture(params=WRONGS, ids=lambda wrong: wrong.name.replace(" ", "-"))
def wrong(request: pytest.FixtureRequest) -> Wrong:
    """One way in which a store is out of order for a while."""
    assert isinstance(request.param, Wrong)
    return request.param


def test_a_store_that_is_out_of_order_for_a_while(
    start: Start, store: Store, exchange: Exchange, wrong: Wrong
) -> None:
    node = trades(start, exchange)
    until_marked(store)
    wrong.begin(store)
    began = time.monotonic()
    assert until(node, "degraded", 2 * NOTICE_SECONDS) - began < NOTICE_SECONDS
    status, health = node.get("health")
    assert status == 503
    assert wrong.words in health["reason"]
    assert health["reason"].startswith(f"The store at 127.0.0.1:{store.port} ")
    [condition] = node.get("state")[1]["conditions"]
    assert condition["name"] == "store"
    time.sleep(NOTICE_SECONDS)  # nothing may happen
    assert not node.ended
    wrong.end(store)
    # Only marks were on their way, so that nothing is missing.
    until(node, "trading", RIGHT_SECONDS)
    assert node.get("state")[1]["conditions"] == []
    state = step(exchange, node)
    until_marked(store)
    assert lacking(store, state) == []


def test_what_is_written_meanwhile_is_mended_by_the_next_start(
    start: Start, store: Store, exchange: Exchange, wrong: Wrong
) -> None:
    node = trades(start, exchange)
    wrong.begin(store)
    until(node, "degraded", 2 * NOTICE_SECONDS)
    held = exchange.position()
    close_position(exchange)
    node.until_seen(lambda: is_flat(node.get("state")[1]), 10.0)
    again = wrong.end(store)
    if wrong.name in ("paused", "killed"):
        # The engine's queue has it, unless it was the first to meet the broken connection.
        with contextlib.suppress(AssertionError):
            until(node, "trading", RIGHT_SECONDS)
    if wrong.name not in ("paused", "killed") or node.ended:
        assert node.wait(RIGHT_SECONDS) == AWAY
        assert node.said("lacks what the engine has written") or node.said(LEASE_LOST)
        node = start()
        node.until("trading")
    state = node.settle(last_bar(exchange))
    assert held != exchange.position()
    until_marked(again)
    assert lacking(again, state) == []


def close_position(exchange: Exchange) -> None:
    """Let the price run through the stop and come back."""
    [stop] = exchange.working_stops()
    exchange.post("faults", {"name": "wick", "symbol": SYMBOL, "price": stop["trigger_price"]})


def is_flat(state: dict[str, Any]) -> bool:
    """Return whether a node holds nothing and has no order that works."""
    closed = {"FILLED", "CANCELED", "EXPIRED", "REJECTED", "DENIED"}
    return not state["positions"] and {o["status"] for o in state["orders"]} <= closed


def lacking(store: Store, state: dict[str, Any]) -> list[str]:
    """Return which orders of a node are not in the store."""
    with client_of(store) as client:
        names = [order["client_order_id"] for order in state["orders"]]
        return [name for name in names if not client.exists(f"{PREFIX}orders:{name}")]


def test_the_user_that_the_project_ships_may_watch(
    start: Start, store: Store, exchange: Exchange, project: Path
) -> None:
    users = (project / "deploy" / "store" / "users.acl").read_text("utf-8")
    [rights] = [line for line in users.splitlines() if line.startswith("user trader ")]
    given = [each for each in rights.replace("TRADER_ID", TRADER).split()[2:] if each[0] != "#"]
    _asked(store, "ACL", "SETUSER", "trader", *given, ">right")
    node = start(TRADER_STORE_URL=store.url.replace("//", "//trader:right@"))
    node.until("trading")
    until_marked(store)
    assert node.get("health")[0] == 200
    _asked(store, "CONFIG", "SET", "maxmemory", "1")
    until(node, "degraded", 2 * NOTICE_SECONDS)
    assert "maxmemory" in node.get("health")[1]["reason"]


# -- Losses that only a new start mends ------------------------------------------------------------


def _flush(client: Any) -> None:
    client.flushall()


def _forget_position(client: Any) -> None:
    for key in client.scan_iter(f"{PREFIX}positions:*"):
        client.delete(key)


@pytest.mark.parametrize("lose", [_flush, _forget_position], ids=["everything", "a position"])
def test_a_loss_ends_the_node_and_its_next_start_is_right(
    start: Start, store: Store, exchange: Exchange, lose: Callable[[Any], None]
) -> None:
    node = trades(start, exchange)
    until_marked(store)
    before = facts(node.settle(last_bar(exchange)))
    with client_of(store) as client:
        lose(client)
    began = time.monotonic()
    assert until(node, "stopping", 2 * NOTICE_SECONDS) - began < NOTICE_SECONDS
    assert node.wait() == AWAY
    assert node.said("lacks what the engine has written") or node.said(LEASE_LOST)
    node = start()
    node.until("trading")
    orders, positions = facts(node.settle(last_bar(exchange)))
    assert positions == before[1]
    assert orders.items() <= before[0].items()


def test_a_store_that_has_gone_back_to_an_earlier_moment(
    start: Start, store: Store, exchange: Exchange
) -> None:
    """As a replica has it that takes its primary's place: nothing that is open is missing."""
    node = trades(start, exchange)
    close_position(exchange)
    node.until_seen(lambda: is_flat(node.get("state")[1]), 10.0)
    until_marked(store)
    with client_of(store) as client:
        [key] = client.keys(f"{MARK}-looked-*")
        process, _, number = client.get(key).rpartition(b" ")
        client.set(key, process + b" %d" % (int(number) - 2))
    assert node.wait() == AWAY
    assert node.said("has gone back to an earlier moment")


def test_one_lost_event_of_a_working_order(start: Start, store: Store, exchange: Exchange) -> None:
    node = trades(start, exchange)
    until_marked(store)
    [stop] = exchange.working_stops()
    with client_of(store) as client:
        client.rpop(f"{PREFIX}orders:{stop['client_order_id']}")
    assert node.wait() == AWAY
    assert node.said(f"lacks what the engine has written: order {stop['client_order_id']}.")


def test_a_store_that_is_emptied_while_nothing_is_open(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = trades(start, exchange)
    close_position(exchange)
    node.until_seen(lambda: is_flat(node.get("state")[1]), 10.0)
    until_marked(store)
    with client_of(store) as client:
        client.flushall()
    assert node.wait() == AWAY
    # Whichever looks first: the lease's record is gone with the rest.
    assert node.said("lacks what the engine has written: the mark of its format.") or node.said(
        LEASE_LOST
    )


# -- No loss ---------------------------------------------------------------------------------------


def engine_connections(client: Any) -> list[str]:
    """Return the ids of the connections that the engine has written by."""
    rows = client.client_list()
    return [row["id"] for row in rows if row["cmd"] in ("exec", "set")]


def test_a_connection_that_is_closed_loses_nothing(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = trades(start, exchange)
    for _ in range(3):
        until_marked(store)
        with client_of(store) as client:
            killed = engine_connections(client)
            assert killed
            for name in killed:
                client.client_kill_filter(_id=name)
        until_marked(store)  # the first command after it is a mark, and another one follows
        state = step(exchange, node)
        until_marked(store)
        assert lacking(store, state) == []
    assert node.get("health")[0] == 200
    assert "degraded" not in [*node.stages, *later_stages(node)]


def later_stages(node: Node) -> Iterator[str]:
    """Yield the stages that were entered and not read yet."""
    with contextlib.suppress(AssertionError):
        while True:
            line = node.next_line(0.1)
            if line["event"] == "stage":
                yield line["stage"]


def test_the_engines_connection_is_never_idle(
    start: Start, store: Store, exchange: Exchange, processes: list[Process]
) -> None:
    _asked(store, "CONFIG", "SET", "timeout", "1")
    node = trades(start, exchange)
    until_marked(store)
    with client_of(store) as client:
        before = set(engine_connections(client))
        time.sleep(3.5)  # longer than the store lets a connection be idle
        assert before & set(engine_connections(client))
    state = step(exchange, node)
    until_marked(store)
    assert lacking(store, state) == []


def test_a_short_blip_is_none(start: Start, store: Store, exchange: Exchange) -> None:
    node = trades(start, exchange)
    until_marked(store)
    store.send(signal.SIGSTOP)
    time.sleep(0.4)
    store.send(signal.SIGCONT)
    until_marked(store)
    assert "degraded" not in [*node.stages, *later_stages(node)]


class FarAway(socketserver.ThreadingTCPServer):
    """A way to a store that takes its time, there and back."""

    daemon_threads = True

    def __init__(self, port: int, seconds: float) -> None:
        way = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(("127.0.0.1", port)) as store:
                    back = threading.Thread(target=way.hand_on, args=(store, self.request))
                    back.start()
                    way.hand_on(self.request, store)
                    back.join()

        self.seconds = seconds
        super().__init__(("127.0.0.1", 0), Handler)

    def hand_on(self, source: socket.socket, target: socket.socket) -> None:
        """Hand on what comes, each part of it as late as the way is long."""
        later: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

        def send() -> None:
            with contextlib.suppress(OSError):
                while True:
                    at, data = later.get()
                    time.sleep(max(0.0, at - time.monotonic()))
                    if not data:
                        return target.shutdown(socket.SHUT_WR)
                    target.sendall(data)

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        data = b"-"
        while data:
            try:
                data = source.recv(65_536)
            except OSError:
                data = b""
            later.put((time.monotonic() + self.seconds, data))
        sender.join()


@pytest.mark.long
def test_a_store_that_is_far_away(
    start: Start, store: Store, exchange: Exchange, environment: dict[str, str]
) -> None:
    with FarAway(store.port, 0.15) as way:
        threading.Thread(target=way.serve_forever, daemon=True).start()
        near = urlsplit(environment["TRADER_STORE_URL"])
        port = way.server_address[1]
        node = start(TRADER_STORE_URL=near._replace(netloc=f"{near.hostname}:{port}").geturl())
        node.until("trading")
        # What the start has written is on its way, each command as long as the way is.
        with client_of(store) as client:
            store.until_seen(lambda: client.get(MARK) is not None, FAR_SECONDS)
        list(later_stages(node))
        for _ in range(4):
            until_marked(store)
        assert "degraded" not in list(later_stages(node))
        assert node.get("health")[0] == 200
        way.shutdown()


# -- The decisions alone ---------------------------------------------------------------------------


def marks_with(*written: Any) -> tuple[Any, Any]:
    """Return marks of which the first is out, and a look that finds all in order."""
    marks = MARKS.StoreMarks("one")
    marks.note(written)
    mark = marks.next()
    lengths = {each.key: each.entries for each in written}
    return marks, MARKS.Look(mark=mark, lengths=lengths, has_format=True)


def test_all_in_order() -> None:
    marks, look = marks_with(ORDER)
    assert marks.keys == ("orders:A",)
    assert marks.judge(look, 0.5) is MARKS.Store.RIGHT
    marks.next()
    assert marks.keys == ()  # what has been seen once is not looked at again


def test_a_mark_is_late_after_some_looks_and_some_time() -> None:
    marks, _ = marks_with()
    away = MARKS.Look(trouble="is away")
    found = [marks.judge(away, seconds) for seconds in (0.5, 0.2, 0.2, 0.2)]
    assert found == [MARKS.Store.UNSEEN] * 3 + [MARKS.Store.WRONG]
    assert marks.sentence == "is away"


def test_a_watch_that_stood_still_is_not_late() -> None:
    unseen = MARKS.Look(mark=b"one 0")
    marks, _ = marks_with()
    found = [marks.judge(unseen, seconds) for seconds in (60.0, 0.1, 0.1)]
    assert found == [MARKS.Store.UNSEEN] * 3
    marks, _ = marks_with()
    assert [marks.judge(unseen, 60.0) for _ in range(4)] == [MARKS.Store.UNSEEN] * 4
    assert marks.judge(unseen, 60.0) is MARKS.Store.WRONG
    assert marks.sentence == "answers, but what the engine writes does not arrive"


def test_what_is_short_twice_is_lost() -> None:
    marks, look = marks_with(ORDER)
    short = MARKS.Look(mark=look.mark, lengths={"orders:A": 1}, has_format=True)
    assert marks.judge(short, 0.5) is MARKS.Store.WRONG
    assert marks.sentence == "lacks what the engine has written: order A"
    short = MARKS.Look(mark=marks.next(), lengths={"orders:A": 1}, has_format=True)
    assert marks.judge(short, 0.2) is MARKS.Store.LOST


def test_what_came_late_is_not_lost() -> None:
    marks, look = marks_with(ORDER)
    assert marks.judge(MARKS.Look(mark=look.mark, has_format=True), 0.5) is MARKS.Store.WRONG
    late = MARKS.Look(mark=marks.next(), lengths={"orders:A": 2}, has_format=True)
    assert marks.judge(late, 0.2) is MARKS.Store.RIGHT


def test_what_is_written_after_a_mark_is_not_missed_by_it() -> None:
    marks, look = marks_with(ORDER)
    marks.note([WRITTEN("orders:A", "order A", 3), WRITTEN("orders:B", "order B", 1)])
    assert marks.judge(look, 0.5) is MARKS.Store.RIGHT
    marks.next()
    assert set(marks.keys) == {"orders:A", "orders:B"}


def test_a_list_that_begins_anew_may_be_short() -> None:
    marks, look = marks_with(WRITTEN("positions:P", "position P", 3, "entry 1"))
    marks.note([WRITTEN("positions:P", "position P", 1, "entry 2")])
    anew = MARKS.Look(mark=look.mark, lengths={"positions:P": 1}, has_format=True)
    assert marks.judge(anew, 0.5) is MARKS.Store.RIGHT
    gone = MARKS.Look(mark=marks.next(), lengths={}, has_format=True)
    assert marks.judge(gone, 0.5) is MARKS.Store.WRONG


def sent_order(line: Any, cache: Any) -> Any:
    """Return an order that has been sent under a name, after which the watch has been told."""
    factory = OrderFactory(TraderId(TRADER), StrategyId("S-001"), TestClock())
    order = factory.market(
        InstrumentId.from_str("BTCUSDT-PERP.BINANCE"),
        OrderSide.BUY,
        Quantity.from_str("0.010"),
        client_order_id=ClientOrderId("A"),
    )
    cache.add_order(order)
    submitted = TestEventStubs.order_submitted(order)
    order.apply(submitted)
    cache.update_order(order)
    line.note(submitted)
    return order


def test_an_order_that_is_forgotten_and_sent_again_is_not_missed() -> None:
    cache = Cache()
    line = module("engine.v1.store_line").StoreLineV1(cache, "")
    order = sent_order(line, cache)
    marks, look = marks_with(*line.written())
    line.written()
    cache.purge_order(order.client_order_id)
    empty = MARKS.Look(mark=look.mark, lengths={}, has_format=True)
    marks.note(line.written())
    assert marks.judge(empty, 0.5) is MARKS.Store.RIGHT  # forgotten
    sent_order(line, cache)
    begun = MARKS.Look(mark=marks.next(), lengths={}, has_format=True)
    marks.note(line.written())
    assert marks.judge(begun, 0.5) is MARKS.Store.RIGHT  # its list is on its way
    gone = MARKS.Look(mark=marks.next(), lengths={}, has_format=True)
    assert marks.judge(gone, 0.5) is MARKS.Store.WRONG  # with this mark it should be there


def test_marks_that_never_came_prove_with_the_next_one() -> None:
    marks, _ = marks_with(ORDER)
    lost = MARKS.Look()
    marks.judge(lost, 0.5)
    assert marks.may_try_again(lost)
    look = MARKS.Look(mark=marks.next(), lengths={"orders:A": 1}, has_format=True)
    assert marks.judge(look, 0.2) is MARKS.Store.WRONG


def test_a_mark_from_before_the_trouble_does_not_end_it() -> None:
    marks, look = marks_with(ORDER)
    for _ in range(3):
        found = marks.judge(MARKS.Look(trouble="is away"), 0.6)
    assert found is MARKS.Store.WRONG
    marks.note([WRITTEN("orders:A", "order A", 3)])
    assert marks.judge(look, 0.1) is MARKS.Store.UNSEEN
    short = MARKS.Look(mark=marks.next(), lengths={"orders:A": 2}, has_format=True)
    assert marks.judge(short, 0.1) is MARKS.Store.WRONG
    right = MARKS.Look(mark=marks.next(), lengths={"orders:A": 3}, has_format=True)
    assert marks.judge(right, 0.1) is MARKS.Store.RIGHT


def test_no_mark_waits_for_a_store_that_takes_none() -> None:
    marks, _ = marks_with()
    away = MARKS.Look(trouble="is away")
    for _ in range(50):
        marks.judge(away, 0.6)
        assert not marks.may_try_again(away)


def test_marks_that_do_not_arrive_become_rare() -> None:
    marks, _ = marks_with()
    unseen = MARKS.Look(mark=b"one 0")
    count = 0
    for _ in range(600):
        marks.judge(unseen, 0.2)
        if marks.may_try_again(unseen):
            count += 1
            marks.next()
    assert 10 < count < 25


def test_another_process_that_writes_is_named() -> None:
    marks, _ = marks_with()
    other = MARKS.Look(mark=b"other 7", has_format=True)
    found = [marks.judge(other, 0.6) for _ in range(5)]
    # Its predecessor's mark may be there when it begins.
    assert found[-1] is MARKS.Store.WRONG
    assert "does not arrive" in marks.sentence
    assert marks.judge(MARKS.Look(mark=marks.next(), has_format=True), 0.5) is MARKS.Store.RIGHT
    for _ in range(3):
        marks.judge(other, 0.6)
    assert "is written by another process" in marks.sentence


def test_a_format_that_was_never_there_is_not_missed() -> None:
    marks, look = marks_with()
    assert marks.judge(MARKS.Look(mark=look.mark), 0.5) is MARKS.Store.RIGHT
    assert marks.judge(MARKS.Look(mark=marks.next(), has_format=True), 0.5) is MARKS.Store.RIGHT
    assert marks.judge(MARKS.Look(mark=marks.next()), 0.5) is MARKS.Store.WRONG
    assert marks.judge(MARKS.Look(mark=marks.next()), 0.2) is MARKS.Store.LOST

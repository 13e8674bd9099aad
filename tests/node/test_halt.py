"""A halt holds through whatever happens to node and store, and a person alone ends it."""

import asyncio
import json
import os
import re
import shutil
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from node.baked import module
from node.conftest import Order, Start
from node.processes import SYMBOL, Exchange, Node, Store, free_port
from node.test_trading import OWNER, last_bar, step_until_position

RECORD = module("guards.halt.record")
PLACES = module("guards.halt.places")
GUARD = module("guards.halt.guard")
CONTROL = module("face.control")
KEY = "halt:TRADER-001"
TAKEN_UP_SECONDS = 1.0
SLACK_SECONDS = 2.0
"""What a machine that is busy may add."""
BARS = 120
"""In so many bars the example opens more than one position."""
TOKEN = "letmein-letmein-letmein"
SAID_SECONDS = 20.0


def client_of(store: Store) -> redis.Redis:
    return redis.Redis(port=store.port, socket_timeout=5)


def in_store(store: Store) -> Any:
    """Return the record in the store."""
    with client_of(store) as client:
        return json.loads(client.get(KEY) or "null")


def in_file(folder: Path) -> Any:
    """Return the record on the disk."""
    path = folder / "halt-TRADER-001.json"
    return json.loads(path.read_bytes()) if path.exists() else None


def conditions(node: Node) -> dict[str, str]:
    """Return what the node says is wrong."""
    return {each["name"]: each["sentence"] for each in node.get("state")[1]["conditions"]}


def until(seen: Callable[[], bool], what: str, seconds: float = SAID_SECONDS) -> float:
    """Wait until something is seen; return for how long."""
    began = time.monotonic()
    while not seen():
        assert time.monotonic() < began + seconds, f"Not seen within {seconds:g} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began


def entries(exchange: Exchange) -> list[int]:
    """Return of each entry the close of the bar that decided it, in milliseconds."""
    names = [row["client_order_id"] for row in exchange.get("ledger")["orders"]]
    found = [re.fullmatch(rf"{OWNER}-(\d+)-E.", name) for name in names]
    return [int(each[1]) * 1000 for each in found if each]


def opens_nothing(exchange: Exchange, node: Node, resume: Callable[[], object]) -> None:
    """Close many bars, resume, and see that no bar before was traded, and that now they are."""
    before = len(entries(exchange))
    last = exchange.post("step", {"bars": BARS})["bar"]
    resume()
    node.settle(last)
    assert all(bar >= last // 1000 * 1000 for bar in entries(exchange)[before:])
    step_until_position(exchange, node)


# -- Real nodes ------------------------------------------------------------------------------------


def test_a_node_takes_it_up_within_a_second_and_resumes(
    start: Start, store: Store, exchange: Exchange, order: Order, tmp_path: Path
) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    said = order("halt", "--why", "the market is odd", "--who", "ops").said()
    assert re.fullmatch(
        r"Halted everything by ops at \d{4}-\d\d-\d\d [\d:]{8} UTC: the market is odd\.\n", said
    )
    written_s = (tmp_path / "state" / "halt-TRADER-001.json").stat().st_mtime
    until(lambda: "halt" in conditions(node), "the condition")
    [found] = [e for e in node.get("state")[1]["conditions"] if e["name"] == "halt"]
    assert found["since_ms"] / 1000 - written_s < TAKEN_UP_SECONDS
    assert "by ops" in found["sentence"]
    assert "the market is odd" in node.get("health")[1]["reason"]
    assert in_store(store) == in_file(tmp_path / "state")
    opens_nothing(exchange, node, lambda: order("resume", "--who", "ops").said())
    assert node.get("health")[0] == 200
    assert "Nothing is halted: resumed by ops" in order("resume", "--who", "ops").said()


def test_what_is_held_stays_protected_and_kept_right(
    start: Start, store: Store, exchange: Exchange, order: Order
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    order("halt").said()
    until(lambda: "halt" in conditions(node), "the condition")
    [stop] = exchange.working_stops()
    exchange.post("faults", {"name": "cancel", "client_order_id": stop["client_order_id"]})
    until(lambda: len(exchange.working_stops()) == 1, "another stop")
    [other] = exchange.working_stops()
    assert other["client_order_id"] != stop["client_order_id"]


def kill(node: Node, store: Store, saved: Path) -> Store:
    node.kill()
    return store


def stop(node: Node, store: Store, saved: Path) -> Store:
    assert node.stop() == 0
    return store


def empty(node: Node, store: Store, saved: Path) -> Store:
    node.kill()
    with client_of(store) as client:
        client.flushall()
    return store


def restore(node: Node, store: Store, saved: Path) -> Store:
    node.kill()
    store.kill()
    shutil.rmtree(store.folder)
    shutil.copytree(saved, store.folder)
    return store.again()


def lose_the_disk(node: Node, store: Store, saved: Path) -> Store:
    """As for a node on another host, which takes over."""
    node.kill()
    shutil.rmtree(saved.parent / "state")
    return store


@pytest.mark.parametrize("happens", [kill, stop, empty, restore, lose_the_disk])
def test_it_survives(
    happens: Callable[[Node, Store, Path], Store],
    start: Start,
    store: Store,
    exchange: Exchange,
    order: Order,
    tmp_path: Path,
) -> None:
    order("halt", "--why", "an old one").said()
    order("resume").said()
    saved = tmp_path / "saved"
    store.stop()
    shutil.copytree(store.folder, saved)
    store = store.again()
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    order("halt", "--why", "odd", "--who", "ops").said()
    until(lambda: "halt" in conditions(node), "the condition")
    store = happens(node, store, saved)
    node = start()
    node.until("trading")
    node.until("degraded")
    assert "ops" in conditions(node)["halt"]
    assert in_store(store)["why"] == in_file(tmp_path / "state")["why"] == "odd"
    opens_nothing(exchange, node, lambda: order("resume").said())


def test_who_stands_by_on_another_host_takes_it_over(
    start: Start, store: Store, exchange: Exchange, order: Order, tmp_path: Path
) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    code = (
        "import sys\n"
        "from trading_node.commands import main as cli\n"
        "sys.exit(cli.main(['run', '--standby']))\n"
    )
    elsewhere = tmp_path / "elsewhere"
    other = start(
        code,
        TRADER_HTTP_PORT=str(free_port()),
        TRADER_INSTANCE_ID="other",
        TRADER_STATE_FOLDER=str(elsewhere),
    )
    other.until("lease")
    order("halt", "--who", "ops").said()
    node.kill()
    other.until("trading")
    other.until("degraded")
    assert "ops" in conditions(other)["halt"]
    assert in_file(elsewhere)["who"] == "ops"
    opens_nothing(exchange, other, lambda: order("resume").said())
    until(lambda: not in_file(elsewhere)["halted"], "the other host's file is written as well")


def test_a_store_that_is_away_or_emptied_while_it_trades(
    start: Start, store: Store, exchange: Exchange, order: Order
) -> None:
    node = start()
    node.until("trading")
    store.send(signal.SIGSTOP)
    said = order("halt", "--who", "ops").said()
    assert "The store did not take it" in said
    assert "alone, and a node elsewhere does not know of it" in said
    seconds = until(lambda: "halt" in conditions(node), "the condition")
    assert seconds < TAKEN_UP_SECONDS + SLACK_SECONDS
    store.send(signal.SIGCONT)
    until(lambda: (in_store(store) or {}).get("who") == "ops", "the node writes it there")
    with client_of(store) as client:
        client.delete(KEY)
    until(lambda: in_store(store) is not None, "and once more")


def test_one_symbol_alone(start: Start, store: Store, exchange: Exchange, order: Order) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    order("halt", "--symbol", "ETHUSDT").said()
    assert "Halted BTCUSDT and ETHUSDT by " in order("halt", "--symbol", SYMBOL).said()
    until(lambda: f"halt of {SYMBOL}" in conditions(node), "the condition")
    [found] = node.get("state")[1]["conditions"]
    assert found["symbol"] == SYMBOL
    assert "Halted ETHUSDT by " in order("resume", "--symbol", SYMBOL).said()
    until(lambda: not conditions(node), "nothing that this node trades is halted")
    assert "Halted everything" in order("halt").said()
    assert "not BTCUSDT alone" in order("resume", "--symbol", SYMBOL).said(code=2)


@pytest.mark.parametrize("place", ["file", "store"])
def test_what_cannot_be_read_is_a_halt(
    start: Start, store: Store, exchange: Exchange, order: Order, tmp_path: Path, place: str
) -> None:
    if place == "file":
        (tmp_path / "state").mkdir()
        (tmp_path / "state" / "halt-TRADER-001.json").write_bytes(b'{"version": 1, "halt')
    else:
        with client_of(store) as client:
            client.set(KEY, '{"version": 9}')
    node = start()
    node.until("trading")
    node.until("degraded")
    assert "cannot be read" in conditions(node)["halt"]
    opens_nothing(exchange, node, lambda: order("resume").said())
    assert not in_store(store)["halted"]
    assert not in_file(tmp_path / "state")["halted"]


def test_a_file_that_cannot_be_written_and_a_store_that_is_away(
    store: Store, order: Order, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("no folder")
    said = order("halt").said()
    assert "cannot be written" in said
    assert in_store(store)["halted"]
    store.kill()
    assert order("halt").said(code=75).startswith("Not written, so nothing has changed. ")


# -- By HTTP ---------------------------------------------------------------------------------------


def post(
    node: Node, path: str, body: Any = None, *, data: Any = None, **headers: str
) -> tuple[int, dict[str, str]]:
    """Return status and body of the answer to a command."""
    told = json.dumps(body or {}).encode() if data is None else data
    given = {
        "Host": f"127.0.0.1:{node.port}",
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    url = f"http://127.0.0.1:{node.port}/{path}"
    asked = urllib.request.Request(url, told, given, method="POST")
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310 - loopback
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_by_http_whoever_has_the_token_and_nobody_else(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    node = start(TRADER_CONTROL_TOKEN=TOKEN)
    node.until("trading")
    port = node.port
    for status, headers in (
        (401, {"Authorization": "Bearer wrong-wrong-wrong-wrong"}),
        (401, {"Authorization": TOKEN}),
        (401, {"Authorization": ""}),
        (403, {"Origin": "http://attacker.example"}),
        (403, {"Origin": "null"}),
        (403, {"Origin": f"http://127.0.0.1:{port + 1}"}),
        (403, {"Origin": f"https://127.0.0.1:{port}"}),
        (403, {"Sec_Fetch_Site": "cross-site"}),
        (403, {"Sec_Fetch_Site": "same-site"}),
        (403, {"Host": f"attacker.example:{port}"}),
        (403, {"Host": f"127.0.0.1.attacker.example:{port}"}),
        (403, {"Host": f"localhost@attacker.example:{port}"}),
        (403, {"Host": f"127.0.0.1:{port + 1}"}),
        (403, {"Host": "127.0.0.1"}),
        (403, {"Host": "0.0.0.0"}),  # noqa: S104 - nobody binds it
        (415, {"Content_Type": "application/x-www-form-urlencoded"}),
        (415, {"Content_Type": "multipart/form-data; boundary=x"}),
        (415, {"Content_Type": "text/plain"}),
    ):
        for path in ("halt", "resume", "flatten"):
            found, body = post(node, path, **headers)
            assert (found, list(body)) == (status, ["error"]), (path, headers)
    for wrong in ({"symbol": "btc"}, {"why": 3}, {"whom": "x"}, {"why": "two\nlines"}, [1]):
        assert post(node, "halt", wrong)[0] == 400, wrong
    assert post(node, "halt", data=b"{")[0] == 400
    assert in_file(tmp_path / "state") is None, "nothing of it was done"
    assert node.get("health")[0] == 200

    status, said = post(node, "halt", {"why": "odd", "who": "ops"}, Host=f"localhost:{port}")
    assert (status, said["said"].startswith("Halted everything by ops at ")) == (200, True)
    until(lambda: "halt" in conditions(node), "the condition")
    same = {"Origin": f"http://127.0.0.1:{port}", "Sec_Fetch_Site": "same-origin"}
    assert post(node, "resume", **same)[0] == 200
    until(lambda: node.get("health")[0] == 200, "it goes on")


def test_without_a_token_there_are_no_commands(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    status, body = post(node, "halt")
    assert status == 404
    assert "TRADER_CONTROL_TOKEN is not set" in body["error"]


# -- The decisions alone ---------------------------------------------------------------------------


def halt(at_ms: int, **more: Any) -> Any:
    """Return a record."""
    return RECORD.Halt(**{"is_halted": True, "who": "a", "why": "w", "at_ms": at_ms, **more})


def test_the_newest_counts_and_of_two_of_one_moment_the_halt() -> None:
    on = halt(5, is_halted=False)
    assert RECORD.counting(None, None) == RECORD.NEVER
    assert RECORD.counting(halt(4), on) == on
    assert RECORD.counting(on, halt(6)) == halt(6)
    assert RECORD.counting(on, halt(5)) == RECORD.counting(halt(5), on) == halt(5)


def test_one_that_cannot_be_read_counts_before_all() -> None:
    broken = RECORD.decode(b"{}", "the file")
    assert RECORD.counting(halt(9, is_halted=False), broken) is broken
    assert broken.holds(SYMBOL)


@pytest.mark.parametrize("record", [halt(5), halt(5, symbols=("A", "B"), flatten="t")])
def test_it_is_read_as_it_was_written(record: Any) -> None:
    assert RECORD.decode(RECORD.encode(record), "x") == record


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"halted": "yes"},
        {"symbols": []},
        {"symbols": 3},
        {"symbols": [1]},
        {"at_ms": "5"},
        {"at_ms": True},
        {"at_ms": 0},
        {"who": None},
        {"flatten": 1},
    ],
)
def test_what_is_no_record_is_not_read(change: dict[str, Any]) -> None:
    values = {**json.loads(RECORD.encode(halt(5))), **change}
    assert isinstance(RECORD.decode(json.dumps(values).encode(), "x"), RECORD.Unreadable)


@pytest.mark.parametrize("value", [b"", b"null", b"[]", b"\xff", b"[" * 100_000, b"{}"])
def test_what_is_no_json_of_one_is_not_read(value: bytes) -> None:
    assert isinstance(RECORD.decode(value, "x"), RECORD.Unreadable)


def test_a_clock_that_goes_back_makes_no_older_record() -> None:
    now = RECORD.halted(None, "b", "")(halt(100), 7)
    assert now.at_ms == 101
    assert RECORD.resumed(None, "b", "")(now, 8).at_ms == 102


def test_symbols_are_added_and_taken_away() -> None:
    one = RECORD.halted("A", "b", "")(RECORD.NEVER, 1)
    both = RECORD.halted("B", "b", "")(one, 2)
    assert both.symbols == ("A", "B")
    assert RECORD.resumed("A", "b", "")(both, 3).symbols == ("B",)
    assert not RECORD.resumed("A", "b", "")(one, 3).is_halted
    everything = RECORD.halted(None, "b", "")(both, 3)
    assert everything.symbols == ()
    assert RECORD.halted("A", "b", "")(everything, 4).holds("C"), "all stays all"
    with pytest.raises(RECORD.NoChange):
        RECORD.resumed("A", "b", "")(everything, 5)


def test_a_container_is_asked_under_any_port_of_the_host_s_loopback() -> None:
    headers = {"Host": "localhost:18080", "Authorization": f"Bearer {TOKEN}"}
    CONTROL.Door(TOKEN, "0.0.0.0", 8080).check(headers)  # noqa: S104 - nobody binds it
    with pytest.raises(CONTROL.Refused):
        CONTROL.Door(TOKEN, "127.0.0.1", 8080).check(headers)
    with pytest.raises(CONTROL.Refused):
        CONTROL.Door(TOKEN, "0.0.0.0", 8080).check({**headers, "Host": "x:8080"})  # noqa: S104 - nobody binds it


# -- A start, and a store that takes its time ------------------------------------------------------


@pytest.mark.parametrize("answers", [True, False])
def test_a_start_is_patient_with_a_store_that_takes_its_time(
    store: Store, tmp_path: Path, answers: bool
) -> None:
    settings = module("config.settings").Settings(
        _env_file=None,
        profile="simulated",
        id="TRADER-001",
        symbol=SYMBOL,
        store_url=store.url,
        exchange_http_url="http://127.0.0.1:1",
        exchange_ws_url="ws://127.0.0.1:1",
        state_folder=str(tmp_path / "state"),
    )
    halts = PLACES.Halts(settings)
    start = SimpleNamespace(settings=settings, halts=halts, note=print)
    os.kill(store.child.pid, signal.SIGSTOP)

    async def read() -> Any:
        reading = asyncio.ensure_future(GUARD.check_halt(start))
        began = time.monotonic()
        while halts.store_trouble is None:
            assert time.monotonic() < began + SAID_SECONDS, "The store was not asked."
            await asyncio.sleep(0.01)
        if answers:
            os.kill(store.child.pid, signal.SIGCONT)
        return await reading

    try:
        if answers:
            assert asyncio.run(read()) is None
        else:
            with pytest.raises(module("exit_codes").NodeExit, match="does not tell") as ended:
                asyncio.run(read())
            assert ended.value.code == 75
    finally:
        os.kill(store.child.pid, signal.SIGCONT)

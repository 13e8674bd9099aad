"""A relay between node and exchange that tells something wrong, and what comes of it.

Only answers to requests go through it; the streams lead to the exchange itself.
"""

import contextlib
import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import redis

from node.baked import PACKAGE
from node.processes import SYMBOL, Exchange, Node, Store, free_port

REFUSED, AWAY, CONFIGURATION = 70, 75, 78
END_SECONDS = 60.0
RAW = re.compile(
    r"Traceback|[a-z](Error|Exception|Operation|Warning)\b|0x[0-9a-f]{4}|<class|\bobject at\b"
    r"|nautilus_trader\.|msgspec|pyo3|Errno"
)
"""What no sentence for people has in it: words of the engine's, of Python or of its libraries."""

SENTENCE = re.compile(r"[A-Z](?![A-Za-z_.]*:)[^\n]{10,600}[.?]")


class Raw(NamedTuple):
    """A whole answer, as bytes."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = {}


type Tell = Callable[[Any], Any]


@dataclass(frozen=True)
class Lie:
    """
    What is answered instead of the truth.

    Parameters
    ----------
    path : str
        To which question; to several of them when they stand with ``|`` between.
    tell : Tell
        Makes it of the true answer: JSON, or a `Raw`.
    to : str
        Who hears it: ``everyone``, the ``engine`` alone, the package's ``own`` questions, or those
        of them that come ``late``r than the engine's first one (audit and warm-up).
    times : int
        How often, before the truth is told again.

    """

    path: str
    tell: Tell
    to: str = "everyone"
    times: int = 1_000_000


class Server(ThreadingHTTPServer):
    """A server that many may connect to at once."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that has heard enough has gone."""


@dataclass
class Liar:
    """
    Pass requests on, and answer some of them with a lie.

    Parameters
    ----------
    target : str
        The exchange.
    lie : Lie, optional
        The lie.

    """

    target: str
    lie: Lie | None = None
    asked: list[tuple[str, str, float]] = field(default_factory=list)
    """Who has asked for what, and when."""
    told: list[float] = field(default_factory=list)
    """When the lie was told."""

    def __post_init__(self) -> None:
        liar, self._lock = self, threading.Lock()
        self._host = urlsplit(self.target).netloc

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                answer = liar.answer(self.command, self.path, self.headers)
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                if "Content-Length" not in answer.headers:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
                self.close_connection = "Content-Length" in answer.headers

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - names of the library

            def log_message(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, verb: str, path: str, headers: Any) -> Raw:
        """Return the exchange's answer, or the lie."""
        who = "engine" if "nautilus" in headers.get("User-Agent", "").lower() else "own"
        place = path.partition("?")[0]
        with self._lock:
            is_late = any(asker == "engine" for asker, *_ in self.asked)
            self.asked.append((who, path, time.monotonic()))
            lies = self._lies(who, place, is_late)
            if lies:
                self.told.append(time.monotonic())
        connection = http.client.HTTPConnection(self._host, timeout=20)
        with contextlib.closing(connection):
            key = {k: v for k, v in headers.items() if k.upper() == "X-MBX-APIKEY"}
            connection.request(verb, path, headers=key)
            response = connection.getresponse()
            true = Raw(response.read(), response.status)
        if not lies or self.lie is None:
            return true
        told = self.lie.tell(json.loads(true.body))
        return told if isinstance(told, Raw) else Raw(json.dumps(told).encode())

    def _lies(self, who: str, place: str, is_late: bool) -> bool:
        lie = self.lie
        if lie is None or place not in lie.path.split("|"):
            return False
        hears = {
            "everyone": True, "engine": who == "engine", "late": who == "own" and is_late,
            "own": who == "own",
        }[lie.to]  # fmt: skip
        return hears and len(self.told) < lie.times

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


class End(NamedTuple):
    """What has become of a start."""

    outcome: int | str
    """The exit code; or ``right``, or what is wrong, when it trades."""
    sentences: list[str]
    """The plain lines on stderr."""
    seconds: float
    liar: Liar
    node: Node

    @property
    def last(self) -> str:
        """The last plain line."""
        return self.sentences[-1] if self.sentences else ""

    def check(self, *expected: int | str) -> None:
        """Fail unless it ended as expected, and said so plainly."""
        assert self.outcome in expected, (self.outcome, self.node.everything())
        assert self.liar.told or self.liar.lie is None, "The lie was never told."
        raw = [line for line in self.sentences if RAW.search(line)]
        assert not raw, raw
        if isinstance(self.outcome, int):
            assert SENTENCE.fullmatch(self.last), self.node.everything()


class World:
    """
    A store and an exchange in which a position is held, in front of a node that was killed.

    The market stands still; before each start the store is put back as the kill has left it.

    Parameters
    ----------
    folder : Path
        For the processes' files.
    project : Path
        The baked project.

    """

    def __init__(self, folder: Path, project: Path) -> None:
        self._folder, self._source = folder, project / "src"
        self._starts = 0
        self.store = Store(folder / "store")
        self.exchange = Exchange(folder / "exchange", project / "drill")
        self.client = redis.Redis.from_url(self.store.url)
        node = self.start(self.exchange.http)
        node.until("trading")
        self.bar = int(self.exchange.get("ledger")["bar"])
        state = node.settle(self.bar)
        while not (state["positions"] and len(state["orders"]) > 4):
            self.bar = int(self.exchange.post("step", {"bars": 1})["bar"])
            state = node.settle(self.bar)
        self._until_stored(node, state)
        node.kill()
        self.dumps: dict[bytes, Any] = {
            key: self.client.dump(key) for key in self.client.scan_iter("*")
        }
        self.ledger = self.exchange.get("ledger")
        assert not wrong(state, self.ledger)

    def start(self, url: str, **changes: str) -> Node:
        """Start a node."""
        self._starts += 1
        environment = {
            "TRADER_PROFILE": "simulated",
            "TRADER_ID": "TRADER-001",
            "TRADER_INSTANCE_ID": f"start-{self._starts}",
            "TRADER_SYMBOL": SYMBOL,
            "TRADER_STORE_URL": self.store.url,
            "TRADER_EXCHANGE_HTTP_URL": url,
            "TRADER_EXCHANGE_WS_URL": self.exchange.ws,
            "TRADER_HTTP_PORT": str(free_port()),
            **changes,
        }
        return Node(self._folder / f"node-{self._starts}", self._source, PACKAGE, environment)

    def _until_stored(self, node: Node, state: Mapping[str, Any]) -> None:
        before = None
        for _ in range(200):
            now = {key: self.client.dump(key) for key in self.client.scan_iter("*")}
            orders = [key for key in now if b":orders:" in key]
            if now == before and len(orders) >= len(state["orders"]):
                return
            before = now
            node.get(f"state?after={state['revision']}&wait_s=0.05")
        raise AssertionError("The store is written all the time.")

    def put_back(self) -> None:
        """Bring the store back to how the kill has left it."""
        self.client.flushall()
        for key, dump in self.dumps.items():
            self.client.restore(key, 0, dump)

    def play(self, lie: Lie | None = None, **changes: str) -> End:
        """Put the store back and start a node to which the exchange lies."""
        self.put_back()
        return self.play_on(lie, **changes)

    def play_on(self, lie: Lie | None = None, **changes: str) -> End:
        """Start a node to which the exchange lies, until it trades or has ended."""
        liar = Liar(self.exchange.http, lie)
        began = time.monotonic()
        node = self.start(liar.url, **changes)
        try:
            outcome = self._outcome(node)
            seconds = time.monotonic() - began
        finally:
            node.end()
            liar.close()
        # The engine's log has lines of Python's among its own, which begin with the time.
        lines = [line for line in node.complaint() if SENTENCE.fullmatch(line)]
        return End(outcome, lines, seconds, liar, node)

    def _outcome(self, node: Node) -> int | str:
        while True:
            try:
                stage = node.next_line(END_SECONDS).get("stage")
            except AssertionError:
                if not node.ended:
                    return "stuck"
                return node.wait()
            if stage == "trading":
                break
        try:
            state = node.settle(self.bar)
        except AssertionError:
            return node.wait() if node.ended else "never settled"
        return wrong(state, self.exchange.get("ledger"), self.ledger) or "right"


def wrong(
    state: Mapping[str, Any], ledger: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> str:
    """Return where a node that trades is wrong; empty where it is right."""
    held = {p["symbol"]: Decimal(p["quantity"]) for p in state["positions"]}
    true = {p["symbol"]: q for p in ledger["positions"] if (q := Decimal(p["quantity"]))}
    if held != true:
        return f"It holds {held}, and the exchange {true}."
    ended = ("FILLED", "CANCELED", "EXPIRED", "REJECTED", "DENIED")
    working = {o["client_order_id"] for o in state["orders"] if o["status"] not in ended}
    at_exchange = {
        o["client_order_id"]: o
        for o in ledger["orders"]
        if o["status"] in ("NEW", "PARTIALLY_FILLED")
    }
    if working != set(at_exchange):
        return f"Its orders {sorted(working)} work, and at the exchange {sorted(at_exchange)}."
    stops = [Decimal(o["quantity"]) for o in at_exchange.values() if o["kind"] == "conditional"]
    if sum(stops) != sum(abs(size) for size in true.values()):
        return f"The position {true} has the stops {stops}."
    if before is not None and ledger["orders"] != before["orders"]:
        return "It has sent or cancelled orders."
    return ""


@contextmanager
def world(folder: Path, project: Path) -> Iterator[World]:
    """A world whose processes end with the block; those of a start end with the start."""
    from processes import all_ended

    with all_ended():
        yield World(folder, project)

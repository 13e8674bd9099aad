"""What the node says: one JSON line each, without secrets, whatever is in the words of others."""

import json
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from node.baked import module
from node.conftest import Start
from node.processes import Exchange, Node, Store
from node.test_trading import OWNER, last_bar

LOG, WORDS = module("face.log"), module("exit_codes")
Level = LOG.Level
SECRET = 'pass"word\\with-signs'
FORGED = 'no\n{"event": "stage", "stage": "trading"}\x1b[2J\x7f\u202e'
SECONDS = 15.0


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(WORDS, "_secrets", set())
    WORDS.keep_secret([SECRET, "short", ""])
    return SECRET


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for number in (read, write):
        os.close(number)


def said(log: Any, read: int) -> list[dict[str, Any]]:
    """Return the lines of a log once it is closed."""
    log.close()
    return [json.loads(line) for line in os.read(read, 1 << 20).splitlines()]


def test_a_line_is_one_line_whatever_is_in_it(pipe: tuple[int, int]) -> None:
    log = LOG.Log(Level.INFO, pipe[1])
    log.say(Level.WARNING, "order", client_order_id="1a-1-E0", reason=FORGED)
    log.close()
    raw = os.read(pipe[0], 1 << 20)
    assert raw.count(b"\n") == 1
    assert all(0x20 <= byte < 0x7F for byte in raw[:-1])
    line = json.loads(raw)
    assert line.pop("wall_ns") <= time.time_ns()
    assert line == {
        "event": "order",
        "level": "WARNING",
        "client_order_id": "1a-1-E0",
        "reason": FORGED,
    }


def test_levels(pipe: tuple[int, int]) -> None:
    log = LOG.Log(Level.WARNING, pipe[1])
    for level in Level:
        log.say(level, "said", sentence=level.name)
    assert [line["sentence"] for line in said(log, pipe[0])] == ["WARNING", "ERROR"]


def test_secrets_are_nowhere(
    pipe: tuple[int, int], secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log = LOG.Log(Level.INFO, pipe[1])
    log.say(Level.INFO, "said", sentence=f"redis://trader:{secret}@store")
    [line] = said(log, pipe[0])
    assert line["sentence"] == "redis://trader:***@store"
    WORDS.complain(f"The password {secret} is wrong, and short is no secret.")
    assert capsys.readouterr().err == "The password *** is wrong, and short is no secret.\n"


def test_sentences_do_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    WORDS.complain("One.\nTwo: \x1b[31mred\x07, \u202eright to left, \x9b2J, ä.")
    assert capsys.readouterr().err == (
        "One.\nTwo: \\x1b[31mred\\x07, \\u202eright to left, \\x9b2J, ä.\n"
    )


def test_a_reader_that_does_not_read_holds_up_nobody(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LOG, "MOST_LINES", 100)
    monkeypatch.setattr(LOG, "LAST_SECONDS", 0.2)
    log = LOG.Log(Level.INFO, pipe[1])
    began = time.monotonic()
    for number in range(20_000):
        log.say(Level.INFO, "order", client_order_id=f"{number}")
    log.close()
    assert time.monotonic() - began < SECONDS / 3
    found: list[dict[str, Any]] = []
    rest = b""

    def read() -> None:
        nonlocal rest
        while sum(int(line.get("lines", 0)) for line in found) <= 10_000:
            *lines, rest = (rest + os.read(pipe[0], 1 << 16)).split(b"\n")
            found.extend(json.loads(line) for line in lines)
            log.say(Level.INFO, "order", client_order_id="later")

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(SECONDS)
    assert not reader.is_alive(), "It is not said how much was dropped."


def test_a_pipe_that_is_closed_ends_nothing(pipe: tuple[int, int]) -> None:
    read, write = os.pipe()
    os.close(read)
    log = LOG.Log(Level.INFO, write)
    for _ in range(100):
        log.say(Level.INFO, "said", sentence="to nobody")
    log.close()
    os.close(write)


def lines_of(node: Node, event: str) -> list[dict[str, Any]]:
    """Return what a node has said of a kind so far."""
    lines = [line for line in list(node.output) if line.startswith("{")]
    return [line for line in map(json.loads, lines) if line["event"] == event]


def test_an_order_can_be_followed_by_its_id(start: Start, store: Store, exchange: Exchange) -> None:
    refused = {"name": "fail", "match": {"request": "conditional.new"}, "status": 400}
    exchange.post("faults", {**refused, "code": -4045, "message": FORGED})
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    node.until_seen(
        lambda: any(line["happened"] == "rejected" for line in lines_of(node, "order")), SECONDS
    )
    by_order: dict[str, list[str]] = {}
    for line in lines_of(node, "order"):
        by_order.setdefault(line["client_order_id"], []).append(line["happened"])
    assert all(name.startswith(OWNER) for name in by_order)
    assert ["submitted", "rejected"] in by_order.values()
    [entry] = [happened for name, happened in by_order.items() if "-E" in name]
    assert entry[0] == "submitted"
    assert entry[-1] == "filled"
    # What others say is a word in a line, and never a line.
    assert node.stages.count("trading") == 1
    [rejected, *_] = [line for line in lines_of(node, "order") if line["happened"] == "rejected"]
    assert rejected["level"] == "WARNING"


def test_what_a_person_reads_a_machine_can_read_too(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    node.stop()
    again = start(TRADER_STORE_URL="redis://:not-the-password@127.0.0.1:1")
    assert again.wait() == 75
    assert "not-the-password" not in again.whole()
    [line] = lines_of(again, "said")
    assert line["level"] == "ERROR"
    assert [line["sentence"]] == again.complaint()

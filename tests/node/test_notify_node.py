"""Notifications of a real node, taken by a service on loopback; node and sender are killed."""

import json
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from node.baked import PACKAGE, module
from node.conftest import Order, Start
from node.processes import Exchange, Node, Process, Store
from node.receivers import PASSWORD, Receiver, receiving
from node.test_trading import last_bar, step_until_position

MESSAGE = module("notify.message")
TAKEN_SECONDS = 20.0
MOST_BARS = 400
BARS_TO_MIDNIGHT = 19 * 60
"""The market begins at 05:00, by bars of a minute."""
SUMMARY_SECONDS = module("life.day_summary").LOOK_SECONDS
SHORT = {"TRADER_NOTIFY_MOST_A_MINUTE": "600"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def environment(environment: dict[str, str], receiver: Receiver, tmp_path: Path) -> dict[str, str]:
    """The node's settings, with one service."""
    urls = tmp_path / "urls"
    urls.write_text(f"# one service\n{receiver.url}\n", "utf-8")
    return {**environment, "TRADER_NOTIFY_URLS_FILE": str(urls), **SHORT}


def until(
    seen: Callable[[], object],
    what: str,
    receiver: Receiver,
    node: Node,
    seconds: float = TAKEN_SECONDS,
) -> None:
    """Wait until something is seen; fail with what was taken."""
    deadline = time.monotonic() + seconds
    while not seen():
        told = "\n".join(receiver.titles)
        assert time.monotonic() < deadline, f"Not seen: {what}\n{told}\n{node.everything()}"
        time.sleep(0.02)


def names(receiver: Receiver) -> Counter[str]:
    """Count the messages by the name that stands in them."""
    found = [re.findall(r"\[TRADER-001 (.+)\]$", each["message"]) for each in receiver.taken]
    return Counter(name for each in found for name in each)


def senders(node: Node) -> list[int]:
    """Return the processes that send, of a node that lives."""
    return node.children()


def step_until_flat(exchange: Exchange) -> None:
    """Close bars until the stop has closed the position: nobody else is there who could."""
    for _ in range(MOST_BARS):
        if exchange.position() == "0":
            return
        exchange.post("step", {"bars": 1})
    raise AssertionError(f"The stop was not hit in {MOST_BARS} bars.")


def test_a_life_a_kill_and_what_happens_while_it_is_down(
    start: Start, store: Store, exchange: Exchange, order: Order, receiver: Receiver, tmp_path: Path
) -> None:
    node = start()
    node.until("trading")
    until(lambda: receiver.having("the node has started"), "the start", receiver, node)
    step_until_position(exchange, node)
    until(lambda: receiver.having("entry: "), "the entry", receiver, node)
    [entry] = receiver.having("entry: ")
    assert "BTCUSDT at " in entry["title"]
    assert entry["is_silent"] == "yes", "fills make no sound, unless they are asked to"
    order("halt", "--why", "odd", "--who", "ops").said()
    until(lambda: receiver.having("Halted everything by ops"), "the halt", receiver, node)
    assert "is_silent" not in receiver.having("Halted everything by ops")[0]
    node.kill()
    until(lambda: receiver.having("was killed"), "the kill, told by what outlived it",
          receiver, node)  # fmt: skip
    step_until_flat(exchange)
    again = start(TRADER_INSTANCE_ID="second")
    again.until("trading")
    until(lambda: receiver.having("stopped out: "), "the stop-out of meanwhile", receiver, again)
    order("resume", "--who", "ops").said()
    until(lambda: receiver.having("resumed by ops"), "the end of the halt", receiver, again)
    assert again.stop() == 0
    until(lambda: receiver.having("It was asked to."), "the end", receiver, again)
    [one, other] = receiver.having("the node has started")
    assert "Of the life before" not in one["message"]
    assert "it was killed" in other["message"]
    counted = names(receiver)
    assert set(counted.values()) == {1}, f"Something was told twice: {counted}"
    assert sum(name.startswith("fill ") for name in counted) == 2
    document = json.loads((tmp_path / "state" / "notified-TRADER-001.json").read_bytes())
    assert set(counted) <= set(document["told"])


def test_a_service_that_hangs_or_refuses_delays_nothing(
    start: Start, store: Store, exchange: Exchange, receiver: Receiver, tmp_path: Path
) -> None:
    receiver.answers.clear()
    node = start()
    node.until("trading")
    for _ in range(30):
        bar = exchange.post("step", {"bars": 1})["bar"]
        node.settle(bar)
    until(lambda: receiver.tried, "a try", receiver, node)
    assert receiver.taken == []
    receiver.status = 500
    receiver.answers.set()
    until(lambda: "takes no messages" in node.get("status")[1]["notifications"], "the trouble",
          receiver, node)  # fmt: skip
    assert node.get("health")[0] == 200, "that nobody hears of it is nothing wrong with trading"
    receiver.status = 200
    until(lambda: receiver.having("the node has started"), "the start, late", receiver, node)
    told = json.dumps([node.get("status"), node.get("state"), node.get("health")])
    kept = "".join(p.read_text("utf-8") for p in (tmp_path / "state").iterdir())
    assert node.stop() == 0
    assert PASSWORD not in told + kept + "".join(node.output) + node.errors()


def test_what_a_kill_of_both_interrupts_is_told_by_the_next_life(
    start: Start, store: Store, exchange: Exchange, receiver: Receiver
) -> None:
    node = start()
    node.until("trading")
    until(lambda: receiver.having("the node has started"), "the start", receiver, node)
    receiver.takes_at_once = True
    receiver.answers.clear()
    step_until_position(exchange, node)
    # The service has it, and nobody has noted that yet.
    until(lambda: receiver.having("entry: "), "the entry", receiver, node)
    [sender] = senders(node)
    os.kill(sender, signal.SIGKILL)
    node.kill()
    receiver.answers.set()
    again = start(TRADER_INSTANCE_ID="second")
    again.until("trading")
    until(lambda: len(receiver.having("entry: ")) > 1, "the entry, again", receiver, again)
    one, *others = receiver.having("entry: ")
    assert {each["message"] for each in others} == {one["message"]}, "under the same name"
    assert senders(again), "the next life has a sender of its own"


def sender(project: Path, folder: Path) -> Process:
    """Start the process that sends, without a node."""
    return Process(
        [
            *(sys.executable, "-m", f"{PACKAGE}.notify.sender"),
            *("--urls", str(folder / "urls"), "--state", str(folder)),
            *("--trader", "TRADER-001", "--most", "600"),
        ],
        folder,
        {"PYTHONPATH": str(project / "src")},
        hears=True,
    )


def test_the_sender_of_the_life_before_ends_before_the_next_one_sends(
    project: Path, receiver: Receiver, tmp_path: Path
) -> None:
    (tmp_path / "urls").write_text(receiver.url, "utf-8")
    fill = MESSAGE.encode(MESSAGE.Message(MESSAGE.Kind.FILLS, "fill 1", "a fill", "x")).decode()
    receiver.answers.clear()
    first = sender(project, tmp_path)
    first.next_line(20)
    first.tell(fill.strip())
    first.until_seen(lambda: receiver.tried > 0, 20)
    assert first.child.stdin is not None
    first.child.stdin.close()
    second = sender(project, tmp_path)
    second.tell(fill.strip())
    with pytest.raises(AssertionError, match="No line"):
        second.next_line(5)
    assert not first.ended
    receiver.answers.set()
    second.next_line(30)
    assert first.wait() == 0
    assert second.child.stdin is not None
    second.child.stdin.close()
    assert second.wait() == 0
    assert receiver.titles == ["TRADER-001: a fill"]


def test_a_sender_that_is_killed_harms_nobody(
    start: Start, store: Store, exchange: Exchange, receiver: Receiver
) -> None:
    node = start()
    node.until("trading")
    until(lambda: receiver.having("the node has started"), "the start", receiver, node)
    [sender] = senders(node)
    os.kill(sender, signal.SIGKILL)
    step_until_position(exchange, node)
    node.settle(last_bar(exchange))
    assert node.get("health")[0] == 200
    assert node.stop() == 0


def test_what_is_off_is_not_told(
    start: Start, store: Store, exchange: Exchange, receiver: Receiver
) -> None:
    node = start(TRADER_NOTIFY_FILLS="off", TRADER_NOTIFY_RESTARTS="off")
    node.until("trading")
    step_until_position(exchange, node)
    exchange.post("faults", {"name": "cancel", "client_order_id":
                             exchange.working_stops()[0]["client_order_id"]})  # fmt: skip
    assert node.stop() == 0
    time.sleep(0.5)
    assert receiver.having("entry: ") == receiver.having("the node") == []


@pytest.mark.long
def test_a_day_that_is_over_is_told_once(
    start: Start, store: Store, exchange: Exchange, receiver: Receiver
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    until(lambda: receiver.having("entry: "), "the entry", receiver, node)
    exchange.post("step", {"bars": BARS_TO_MIDNIGHT})
    until(lambda: receiver.having("the result of 2024-01-01"), "the day", receiver, node, 90)
    [day] = receiver.having("the result of 2024-01-01")
    assert re.search(
        r"Result [+-][\d.,]+ US dollars: .* commission.*; \d+ fills?\.", day["message"]
    )
    node.kill()
    again = start(TRADER_INSTANCE_ID="second")
    again.until("trading")
    until(lambda: len(receiver.having("the node has started")) > 1, "the next", receiver, again)
    time.sleep(SUMMARY_SECONDS + 5)
    assert len(receiver.having("the result of 2024-01-01")) == 1


# -- The command -----------------------------------------------------------------------------------


def test_the_test_of_the_command(
    order: Order, store: Store, receiver: Receiver, tmp_path: Path
) -> None:
    said = order("notify", "--test").said()
    assert said == "The service in line 2 (json) took it.\n"
    assert "This is a test" in receiver.taken[0]["message"]
    receiver.status = 500
    said = order("notify", "--test").said(code=75)
    assert "did not take it" in said
    (tmp_path / "urls").write_text(f"nothing://{PASSWORD}@x\n{receiver.url}\n", "utf-8")
    said = order("notify", "--test").said(code=78)
    assert "line 1 (nothing) is not understood" in said
    assert PASSWORD not in said


def test_what_is_wrong_with_the_file_ends_a_start_with_78(
    start: Start, order: Order, tmp_path: Path
) -> None:
    (tmp_path / "urls").write_text(PASSWORD, "utf-8")
    node = start(TRADER_NOTIFY_FILLS="loud")
    assert node.wait() == 78
    assert node.said("TRADER_NOTIFY_URLS_FILE: line 1 is no address")
    assert node.said("TRADER_NOTIFY_FILLS is wrong: must be 'on', 'silent' or 'off'")
    assert PASSWORD not in node.whole()
    assert "docs/notifications.md" in order("notify", "--test", TRADER_NOTIFY_URLS_FILE="").said(
        code=78
    )

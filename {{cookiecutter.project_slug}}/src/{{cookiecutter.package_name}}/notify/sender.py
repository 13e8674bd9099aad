"""
The process that sends: ``python -m``, started by the node, and outliving it for some seconds.

It reads messages from standard input, one a line, sends them by its own time, and writes what it
has sent to a file. On standard output it says how it fares. Whatever it does, however long a
service takes, the node neither waits for it nor hears of it but by these lines.
"""

import argparse
import fcntl
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..config.notify import read_urls
from .message import Kind, Message, decode
from .outbox import Outbox
from .record import Record
from .services import Service, open_services

LAST_SECONDS = 10.0
"""How long what waits is still sent once the node has gone."""
LOCK_SECONDS = LAST_SECONDS + 5.0
LOOK_SECONDS = 0.05
KILLED = "it said nothing more: it was killed, or it has crashed"

type Line = Mapping[str, Any] | None
"""What the node has said; ``None`` when it says nothing more."""


class Sender:
    """
    What is sent, and what was.

    Parameters
    ----------
    services : list[Service]
        To whom.
    record : Record
        What was told before.
    outbox : Outbox
        What waits.

    """

    def __init__(self, services: list[Service], record: Record, outbox: Outbox) -> None:
        self._services = services
        self._record = record
        self._outbox = outbox
        self._began_without_record = record.is_new
        # Where nobody could note it, the process that sends was killed, too.
        self._end_before = None if record.is_new else record.end or KILLED
        self._will: Message | None = None
        self._is_over = False
        self._sent = 0
        record.end = None
        record.write()

    def hear(self, line: Line) -> None:
        """Take up what the node has said."""
        if line is None:
            if self._will is not None and not self._is_over:
                self._put(self._will)
            self._over(KILLED)
        elif "will" in line:
            with suppress(ValueError, KeyError):
                self._will = decode(line["will"])
        elif "end" in line:
            self._over(str(line["end"]))
        elif "dropped" in line:
            self._outbox.dropped += int(line["dropped"])
        else:
            with suppress(ValueError, KeyError):
                self._put(decode(line))

    @property
    def is_over(self) -> bool:
        """Whether the node says nothing more."""
        return self._is_over

    def _put(self, message: Message) -> None:
        if self._record.has(message.name):
            return
        if message.was_before and self._began_without_record:
            self._record.add([message.name])  # of a time of which nothing is to be told
            return
        if message.kind is Kind.RESTARTS and self._end_before and not self._is_over:
            text = f"{message.text} Of the life before: {self._end_before}."
            message = Message(message.kind, message.name, message.title, text, message.is_loud)
            self._end_before = None
        self._outbox.put(message)

    def _over(self, how: str) -> None:
        if not self._is_over:
            self._is_over = True
            self._record.end = how
            self._record.write()

    def send(self) -> bool:
        """Send what may be sent now; return whether anything was tried."""
        letter = self._outbox.next(time.monotonic())
        if letter is None:
            return False
        taken = [each.send(letter, time.monotonic) for each in self._services]
        if any(taken):
            # Noted after it was sent: a kill in between sends it again, and never not at all.
            self._record.sent(letter.names)
            self._record.write()
            self._outbox.sent(letter)
            self._sent += len(letter.names)
        else:
            self._outbox.failed(time.monotonic())
        self.tell()
        return True

    def wait_seconds(self) -> float:
        """Return for how long there is nothing to do but to hear the node."""
        due = self._outbox.due(time.monotonic())
        return 3600.0 if due is None else max(due, LOOK_SECONDS)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._outbox)

    def tell(self) -> None:
        """Say how it fares."""
        troubles = [
            f"{each.called} is not understood" if each.loud is None
            else f"{each.called} takes no messages; {each.missed} did not get through"
            for each in self._services
            if each.loud is None or each.missed
        ]  # fmt: skip
        if self._record.trouble:
            troubles.append(f"what was told is not kept: {self._record.trouble}")
        told = {
            "services": len(self._services),
            "sent": self._sent,
            "waiting": self.waiting,
            "trouble": "; ".join(troubles),
        }
        with suppress(OSError):  # the node has gone
            os.write(1, json.dumps(told).encode() + b"\n")


def main() -> int:
    """Send until the node says nothing more, and some seconds longer."""
    options = _options()
    with suppress(OSError):
        os.nice(19)  # trading comes first
    lines: queue.Queue[Line] = queue.Queue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    services = open_services(read_urls(options.urls))
    record = Record(options.state, options.trader)
    with _only_one(record.lock_path):
        record = Record(options.state, options.trader)  # as the one before has left it
        recently = len(record.sent_recently(time.time()))
        outbox = Outbox(options.trader, options.most, time.monotonic(), recently)
        sender = Sender(services, record, outbox)
        sender.tell()
        _serve(sender, lines)
    return 0


def _serve(sender: Sender, lines: "queue.Queue[Line]") -> None:
    until = float("inf")
    while not (sender.is_over and (sender.waiting == 0 or time.monotonic() > until)):
        wait = sender.wait_seconds()
        if sender.is_over:
            wait = min(wait, LOOK_SECONDS)
        with suppress(queue.Empty):
            sender.hear(lines.get(timeout=wait))
            while True:
                sender.hear(lines.get_nowait())
        if sender.is_over and until == float("inf"):
            until = time.monotonic() + LAST_SECONDS
        sender.send()


def _read(lines: "queue.Queue[Line]") -> None:
    for line in sys.stdin.buffer:
        with suppress(ValueError):
            lines.put(json.loads(line))
    lines.put(None)


class _only_one:  # noqa: N801 - a context
    """Wait until the sender of the life before has ended, within a bound."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("w")
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > deadline:
                    return
                time.sleep(LOOK_SECONDS)
            else:
                return

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--urls", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--trader", required=True)
    parser.add_argument("--most", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

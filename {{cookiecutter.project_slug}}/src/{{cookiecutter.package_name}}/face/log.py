"""
What the node itself says, one JSON line each on standard output, for machines.

A thread writes it, so that a reader who does not read holds up nobody: what does not fit meanwhile
is dropped, and how much that was is said.
"""

import json
import os
import queue
import sys
import threading
import time
from contextlib import suppress
from enum import IntEnum
from typing import Any

from ..exit_codes import without_secrets

MOST_LINES = 10_000
"""How many lines wait at most."""
LAST_SECONDS = 1.0
"""How long the end of the process waits for what is left."""


class Level(IntEnum):
    """How much a line matters; a setting says from which on they are written."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


class Log:
    """
    The log of one process.

    Parameters
    ----------
    level : Level
        What matters less is left out.
    file_number : int, optional
        Where it is written; standard output without one.

    """

    def __init__(self, level: Level, file_number: int | None = None) -> None:
        self._level = level
        self._number = file_number
        self._lines: queue.Queue[bytes | None] = queue.Queue(MOST_LINES)
        self._dropped = 0
        self._thread: threading.Thread | None = None

    def say(self, level: Level, event: str, **fields: Any) -> None:
        """Write a line, some time soon; never wait, and never fail."""
        if level < self._level:
            return
        with suppress(Exception):
            if self._thread is None:
                self._begin()
            if self._dropped:
                self._put(_line(Level.WARNING, "dropped", {"lines": self._dropped}))
                self._dropped = 0
            self._put(_line(level, event, fields))

    def _put(self, line: bytes) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1
            raise

    def _begin(self) -> None:
        number = sys.stdout.fileno() if self._number is None else self._number
        self._thread = threading.Thread(target=self._write, args=(number,), name="log", daemon=True)
        self._thread.start()

    def _write(self, number: int) -> None:
        while (line := self._lines.get()) is not None:
            try:
                # One call a line: others write there as well.
                while line:
                    line = line[os.write(number, line) :]
            except OSError:
                return  # nobody reads any more

    def close(self) -> None:
        """Write what is left, within a bound."""
        if self._thread is not None:
            with suppress(queue.Full):
                self._lines.put_nowait(None)
            self._thread.join(LAST_SECONDS)


def _line(level: Level, event: str, fields: dict[str, Any]) -> bytes:
    said = {name: without_secrets(str(value)) for name, value in fields.items()}
    told = {"event": event, "level": level.name, "wall_ns": time.time_ns(), **said}
    # Only printable ASCII: control characters are escaped, and so is everything beyond.
    return json.dumps(told).encode() + b"\n"

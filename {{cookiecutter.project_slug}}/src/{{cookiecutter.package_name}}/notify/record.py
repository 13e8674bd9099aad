"""
What was told, and how the life before has ended: a file, so that a restart tells nothing twice.

It is written through to the disk after each letter. A kill between sending and writing lets the
next life send it again: each is told at least once, under the same name.
"""

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

MOST_NAMES = 2_000
MINUTE = 60.0
VERSION = 1


class Record:
    """
    The record of one trader's notifications.

    Parameters
    ----------
    folder : Path
        Where the file is.
    trader : str
        Whose.

    Attributes
    ----------
    is_new : bool
        Whether there was none.
    sent_s : list[float]
        When letters were sent in the last minute, by wall time.
    end : str, optional
        How the life that has written it last has ended; ``None`` when nobody has said so.
    trouble : str
        Why it could not be read or written, in words.

    """

    def __init__(self, folder: Path, trader: str) -> None:
        self._path = folder / f"notified-{trader}.json"
        self._names: dict[str, None] = {}
        self.sent_s: list[float] = []
        self.end: str | None = None
        self.trouble = ""
        self.is_new = not self._read()

    @property
    def lock_path(self) -> Path:
        """A file that whoever writes the record has locked."""
        return self._path.with_suffix(".lock")

    def has(self, name: str) -> bool:
        """Return whether something was told."""
        return name in self._names

    def add(self, names: Iterable[str]) -> None:
        """Note that something was told."""
        for name in names:
            self._names.pop(name, None)
            self._names[name] = None
        while len(self._names) > MOST_NAMES:
            del self._names[next(iter(self._names))]

    def sent(self, names: Iterable[str]) -> None:
        """Note that a letter has told something just now."""
        self.add(names)
        now = time.time()
        self.sent_s = [*self.sent_recently(now), now]

    def sent_recently(self, now: float) -> list[float]:
        """Return when letters were sent in the last minute."""
        return [at for at in self.sent_s if now - MINUTE < at <= now]

    def write(self) -> None:
        """Write it through to the disk; what keeps it from there is in `trouble`."""
        document: dict[str, Any] = {"version": VERSION, "end": self.end, "told": [*self._names]}
        document["sent_s"] = self.sent_s
        beside = self._path.with_suffix(f".{os.getpid()}.new")
        self.trouble = ""
        try:
            with beside.open("w", encoding="utf-8") as file:
                json.dump(document, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            self.trouble = error.strerror or type(error).__name__
            with suppress(OSError):
                beside.unlink()

    def _read(self) -> bool:
        try:
            found: Any = json.loads(self._path.read_bytes())
            names, end = found["told"], found["end"]
            sent_s = [float(at) for at in found["sent_s"]]
            is_right = found["version"] == VERSION and all(isinstance(n, str) for n in names)
        except FileNotFoundError:
            return False
        except (OSError, ValueError, KeyError, TypeError):
            is_right = False
        if not is_right:
            self.trouble = "it cannot be read, and begins anew"
            return False
        self.add(names)
        self.sent_s = sent_s
        self.end = None if end is None else str(end)
        return True

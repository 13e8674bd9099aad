"""Where a halt stands: in a file on this machine's disk and in the store."""

import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis
import redis.exceptions

from ...config.settings import Settings
from ...exit_codes import one_line
from .record import (
    NEVER,
    Change,
    Counting,
    Found,
    Halt,
    Unreadable,
    counting,
    decode,
    encode,
    is_newer,
    key_of,
)

STORE_SECONDS = 0.4
"""How long connecting to the store, or one command, may take: a halt is taken up in a second."""
PATIENT_SECONDS = 1.0
"""The same for a command, to a store that may be far away: as long as the lease waits."""
FAILURES = (redis.exceptions.RedisError, OSError)
"""What the store raises that does not tell, or does not take it."""
MOST_BYTES = 65_536
TRIES = 3
"""How often a change is made anew because another one came between."""


class HaltFile:
    """
    The record on the disk.

    Parameters
    ----------
    folder : Path
        Where it is; made when it is written first.
    trader : str
        Whose it is.

    """

    def __init__(self, folder: Path, trader: str) -> None:
        self.path = folder / f"halt-{trader}.json"

    def read(self) -> Found:
        """Return what is in it."""
        try:
            with self.path.open("rb") as file:
                value = file.read(MOST_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            return Unreadable(f"the file {self.path}", error.strerror or one_line(error))
        return decode(value, f"the file {self.path}")

    def write(self, halt: Halt) -> None:
        """
        Put a record in the place of the one that is there; after a loss of power it is there.

        Raises
        ------
        OSError
            If it cannot be written; what was there before still is.

        """
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f"{self.path.name}.{os.getpid()}.new"
        try:
            with new.open("wb") as file:
                file.write(encode(halt))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        finally:
            new.unlink(missing_ok=True)
        # The name is in the folder, which has to reach the disk as well.
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


class HaltStore:
    """
    The record in the store.

    Parameters
    ----------
    settings : Settings
        The store, and whose record it is.
    seconds : float
        How long one command may take.

    """

    def __init__(self, settings: Settings, seconds: float) -> None:
        self.key = key_of(settings.id)
        self._client = redis.Redis.from_url(
            settings.store_url.get_secret_value(),
            socket_connect_timeout=seconds,
            socket_timeout=seconds,
            retry=None,
        )

    def read(self) -> Found:
        """
        Return what is at its key.

        Raises
        ------
        redis.exceptions.RedisError, OSError
            If the store does not tell.

        """
        try:
            value: Any = self._client.get(self.key)
        except redis.exceptions.ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
            return Unreadable(f"the store's key {self.key}", "it is no text")
        return decode(value, f"the store's key {self.key}")

    def write(self, halt: Halt, *, over: Found) -> None:
        """
        Put a record in the place of `over`, unless another one has come there meanwhile.

        Raises
        ------
        redis.exceptions.RedisError, OSError
            If the store does not take it, or another record has come.

        """
        with self._client.pipeline() as pipe:
            transaction: Any = pipe  # the library's types know no watched pipeline
            transaction.watch(self.key)
            if self.read() != over:
                raise redis.exceptions.WatchError("another record has come meanwhile")
            transaction.multi()
            transaction.set(self.key, encode(halt))
            transaction.execute()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class Halts:
    """
    What both places say, as one process sees it.

    Everything here may block for as long as the store may take to answer.

    Parameters
    ----------
    settings : Settings
        Where the places are.
    seconds : float
        How long one command to the store may take.

    """

    def __init__(self, settings: Settings, seconds: float = STORE_SECONDS) -> None:
        self._file = HaltFile(settings.state_folder, settings.id)
        self._store = HaltStore(settings, seconds)
        self._lock = threading.Lock()
        self._in_store: Found = None
        self._flatten_before: str | None = None
        self.now: Counting = NEVER
        """What counted at the last look."""
        self.store_trouble: Exception | None = None
        """Why the store did not tell at the last look, or did not take the last change."""
        self.file_trouble = ""
        """Why the file could not be written the last time, in words."""

    def look(self) -> Counting:
        """Read both places; whichever lacks what counts is given it."""
        with self._lock:
            in_file = self._file.read()
            self.now = counting(in_file, self._in_store)  # the store may take its time
            self._ask_store()
            self.now = now = counting(in_file, self._in_store)
            if self._flatten_before is None:
                self._flatten_before = now.flatten
            if isinstance(now, Halt):
                self._mend(now, in_file)
            return now

    def glance(self) -> Counting:
        """Return what both places say together, and change neither."""
        with self._lock:
            self._ask_store()
            return counting(self._file.read(), self._in_store)

    def _ask_store(self) -> None:
        """Read the store; what it said last is kept for when it is away."""
        self.store_trouble = None
        try:
            self._in_store = self._store.read()
        except FAILURES as error:
            self.store_trouble = error

    def _mend(self, now: Halt, in_file: Found) -> None:
        self.file_trouble = ""
        # Asked once more: a command may have written it meanwhile.
        if is_newer(now, in_file) and is_newer(now, self._file.read()):
            self._write_file(now)
        if self.store_trouble is None and is_newer(now, self._in_store):
            with suppress(*FAILURES):  # the next look tries again
                self._store.write(now, over=self._in_store)
                self._in_store = now

    def _write_file(self, halt: Halt) -> None:
        self.file_trouble = ""
        try:
            self._file.write(halt)
        except OSError as error:
            self.file_trouble = error.strerror or one_line(error)

    def change(self, make: Change) -> Halt:
        """
        Write a record in both places, in the file first, whatever is there.

        Where it could not be written is in `store_trouble` and `file_trouble`.

        Raises
        ------
        NoChange
            If what was asked for cannot be done.

        """
        with self._lock:
            for _ in range(TRIES):
                self._ask_store()
                before = counting(self._file.read(), self._in_store)
                self.now = now = make(before, time.time_ns() // 1_000_000)
                self._write_file(now)
                if self.store_trouble is not None:
                    break
                try:
                    self._store.write(now, over=self._in_store)
                except redis.exceptions.WatchError as error:
                    self.store_trouble = error  # another command: once more, after it
                except FAILURES as error:
                    self.store_trouble = error
                    break
                else:
                    self._in_store = now
                    break
            return now

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._file.path

    def lacks(self) -> str:
        """Return in sentences where the last change is not, a space before each."""
        told = ""
        if self.store_trouble is not None:
            told += (
                f" The store did not take it ({one_line(self.store_trouble)}): it stands in the "
                f"file {self.path} of {socket.gethostname()} alone, and a node elsewhere does not "
                "know of it."
            )
        if self.file_trouble:
            told += (
                f" The file {self.path} cannot be written ({self.file_trouble}): it does not stand "
                "there, and what the store loses is lost."
            )
        return told

    @property
    def stands_nowhere(self) -> bool:
        """Whether neither place took the last change."""
        return self.store_trouble is not None and bool(self.file_trouble)

    def must_give_way(self) -> bool:
        """Return whether a flattening was asked for since the first look."""
        return bool(self.now.flatten) and self.now.flatten != self._flatten_before

    def close(self) -> None:
        """Close the connections."""
        self._store.close()

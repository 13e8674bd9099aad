"""The journal: every change, request, event and fault in the order in which it happened."""

import contextlib
import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import IO, Any

from .state import State, apply

Record = dict[str, Any]
EXIT_LOST = 2
"""The exit code of a process whose journal file takes no more records."""

KEPT_RECORDS = 20_000
"""How many records stay in memory, at some 3 kB each; a journal file gets all of them."""


class Journal:
    """Record, then apply: the only way in which a state changes.

    Records come in batches: all of one, or none, are there after a crash. A record outside a batch
    is one by itself. Each names the last of its batch as ``batch``. The file has no buffer: what
    is written is the system's, and outlives the process.
    """

    def __init__(self, state: State, file: IO[bytes] | None = None) -> None:
        self.seq = 0
        self._state = state
        self._file = file
        self._records: deque[Record] = deque(maxlen=KEPT_RECORDS)
        self._batch: list[Record] | None = None

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Write all records that are made inside at once, at the end; an inner one joins the outer.

        What was recorded before an exception is applied and is therefore written, too. Await
        nothing inside: the records of others would join.
        """
        if self._batch is not None:
            yield
            return
        self._batch = []
        try:
            yield
        finally:
            made, self._batch = self._batch, None
            self._commit(made)

    def write(self, kind: str, data: Mapping[str, Any], market_ms: int | None = None) -> None:
        """Add a record and apply it; by default it is stamped with the time of the last change."""
        self.seq += 1
        market_ms = self._state.market_ms if market_ms is None else market_ms
        mono_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        record = {
            "v": 1, "seq": self.seq, "batch": self.seq, "mono_ns": mono_ns, "wall_ns": wall_ns,
            "market_ms": market_ms, "source": "exchange", "kind": kind, "data": dict(data),
        }  # fmt: skip
        self._records.append(record)
        if self._batch is None:
            self._commit([record])
        else:
            self._batch.append(record)
        apply(self._state, record)

    def replay(self, records: Iterable[Record]) -> None:
        """Apply records of an earlier life, which the file has already."""
        for record in records:
            apply(self._state, record)
            self._records.append(record)
            self.seq = record["seq"]

    def after(self, seq: int) -> list[Record]:
        """Return the records that follow one; a LookupError says that they are not all kept."""
        new = max(self.seq - max(seq, 0), 0)
        if new > len(self._records):
            msg = f"Records after {seq} are no longer in memory: read the journal file instead."
            raise LookupError(msg)
        latest = list(islice(reversed(self._records), new))  # most ask for the last few only
        return latest[::-1]

    def _commit(self, made: list[Record]) -> None:
        for record in made:
            record["batch"] = made[-1]["seq"]
        if self._file is None or not made:
            return
        lines = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in made)
        left = memoryview(lines.encode())
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            # At once: nothing that the file lacks may be answered.
            lost = f"The journal {self._file.name} cannot be written: {error.strerror}."
            print(f"simulated-exchange: {lost}", file=sys.stderr, flush=True)
            os._exit(EXIT_LOST)

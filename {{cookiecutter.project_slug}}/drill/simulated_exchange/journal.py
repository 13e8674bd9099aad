"""The journal: every change, request, event and fault in the order in which it happened."""

import json
import time
from collections import deque
from collections.abc import Mapping
from itertools import islice
from typing import Any, TextIO

from .state import State, apply

VERSION = 1
KEPT_RECORDS = 500_000
"""How many records stay in memory; a journal file gets all of them."""


class Journal:
    """Record, then apply: the only way in which a state changes.

    Parameters
    ----------
    state : State
        What the records are applied to.
    file : TextIO, optional
        Where the records are written as JSON Lines, each as soon as it is made.
    """

    def __init__(self, state: State, file: TextIO | None = None) -> None:
        self.seq = 0
        self._state = state
        self._file = file
        self._records: deque[dict[str, Any]] = deque(maxlen=KEPT_RECORDS)

    def write(
        self, kind: str, data: Mapping[str, Any], market_ms: int | None = None
    ) -> dict[str, Any]:
        """Add a record and apply it.

        Parameters
        ----------
        kind : str
            What happened, for example ``order.filled``.
        data : Mapping
            Plain data: strings, numbers, booleans, lists.
        market_ms : int, optional
            Its market time; by default that of the last change.
        """
        self.seq += 1
        record: dict[str, Any] = {
            "v": VERSION,
            "seq": self.seq,
            "mono_ns": time.monotonic_ns(),
            "wall_ns": time.time_ns(),
            "market_ms": self._state.market_ms if market_ms is None else market_ms,
            "source": "exchange",
            "kind": kind,
            "data": dict(data),
        }
        self._records.append(record)
        if self._file is not None:
            self._file.write(json.dumps(record, separators=(",", ":")) + "\n")
            self._file.flush()
        apply(self._state, kind, record["data"], record["market_ms"])
        return record

    def after(self, seq: int) -> list[dict[str, Any]]:
        """Return the records that follow one.

        Raises
        ------
        LookupError
            When some of them are no longer in memory.
        """
        new = self.seq - max(seq, 0)
        if new > len(self._records):
            msg = (
                f"The journal keeps its last {KEPT_RECORDS} records in memory and those after "
                f"{seq} are not all among them: read the journal file instead."
            )
            raise LookupError(msg)
        return list(islice(self._records, len(self._records) - max(new, 0), None))

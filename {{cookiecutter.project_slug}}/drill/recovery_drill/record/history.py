"""The history of a drill: what was done and seen, one JSON line each, written at once."""

import time
from pathlib import Path
from typing import Any, Literal

import msgspec

from recovery_drill.record.model import Record

Source = Literal["node", "store", "exchange", "drill"]


class History:
    """An append-only list of records that is also a file.

    Parameters
    ----------
    path : Path
        The JSON Lines file; it is flushed line by line, so that a drill that dies leaves what it
        saw.

    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self.records: list[Record] = []
        self.market_ms: int | None = None

    def record(
        self,
        source: Source,
        kind: str,
        data: dict[str, Any],
        *,
        mono_ns: int | None = None,
    ) -> Record:
        """Append one record; `mono_ns` is given when the event was stamped elsewhere."""
        record = Record(
            v=1,
            seq=len(self.records) + 1,
            mono_ns=time.monotonic_ns() if mono_ns is None else mono_ns,
            wall_ns=time.time_ns(),
            market_ms=self.market_ms,
            source=source,
            kind=kind,
            data=data,
        )
        self.records.append(record)
        self._file.write(msgspec.json.encode(record).decode() + "\n")
        self._file.flush()
        return record

    def close(self) -> None:
        """Close the file; the records stay readable."""
        self._file.close()

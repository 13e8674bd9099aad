"""
The archive: Parquet files of what has ended long ago, readable without this package.

One file holds one batch of one kind, and once it is there it is never touched again: it is written
under another name, brought to the disk, and renamed. Its name says from when to when its rows
ended, so that a look for a few of them opens few files, however many there are.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from .archived import ArchivedRow
from .kept import KeptRow

PART = ".part"
ABANDONED_SECONDS = 600.0
"""What is half written for so long is written by nobody any more."""
DECIMALS = 16
DIGITS = 38
NS_PER_US = 1_000


class Kind(StrEnum):
    """What the rows of a file are: the name of its folder."""

    ORDERS = "orders"
    POSITIONS = "positions"
    STATES = "accounts"
    FILLS = "fills"
    INCOME = "income"
    SPANS = "spans"

    @property
    def name_column(self) -> str:
        """The column whose values name the rows."""
        return _NAME_COLUMNS[self]


_NAME_COLUMNS = {
    Kind.ORDERS: "client_order_id",
    Kind.POSITIONS: "position_id",
    Kind.STATES: "event_id",
    Kind.FILLS: "name",
    Kind.INCOME: "name",
    Kind.SPANS: "name",
}


@dataclass(frozen=True, slots=True)
class Batch:
    """
    One file of the archive.

    Parameters
    ----------
    path : Path
        The file.
    first, last : str
        When the first and the last of its rows ended, as in its name.

    """

    path: Path
    first: str
    last: str


class Archive:
    """
    One trader's archive.

    Parameters
    ----------
    folder : Path
        Where it is; it is made with the first file.

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # -- Writing -------------------------------------------------------------------------------

    def add(self, kind: Kind, rows: Sequence[ArchivedRow]) -> int:
        """
        Bring rows to the disk, as far as they are not there yet; return how many were not.

        When this returns, all of them are: through a crash of the process, and of the machine.

        Raises
        ------
        OSError
            If the disk does not take them.

        """
        known = self.known(kind, rows)
        new = [row for row in rows if known.get(row.name) != list(row.events)]
        if new:
            self.append(kind, new)
        return len(new)

    def append(self, kind: Kind, rows: Sequence[ArchivedRow] | Sequence[KeptRow]) -> None:
        """
        Bring rows to the disk as one more file, whatever is there.

        Raises
        ------
        OSError
            If the disk does not take them.

        """
        import pyarrow.parquet

        folder = self.folder / kind
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            for made in (folder, *folder.parents[:2]):
                _to_disk(made)
        path = folder / _name_of(kind, rows)
        # A command may write the same rows at the same moment as the node.
        part = path.with_name(f"{path.name}.{uuid4().hex[:8]}{PART}")
        table = _table(kind, rows)
        with part.open("wb") as file:
            pyarrow.parquet.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _to_disk(folder)

    def clean(self) -> None:
        """Remove what a process that was killed has left half written: it is written again."""
        for part in self.folder.glob(f"*/*{PART}"):
            # Of these, a young one may be what a command is writing now.
            may_be_written = part.parent.name in (Kind.FILLS, Kind.INCOME, Kind.SPANS)
            if not may_be_written or _age_seconds(part) > ABANDONED_SECONDS:
                part.unlink(missing_ok=True)

    # -- Reading -------------------------------------------------------------------------------

    def batches(self, kind: Kind) -> list[Batch]:
        """Return the files of a kind, oldest first."""
        found = []
        for path in sorted((self.folder / kind).glob("*.parquet")):
            _, first, last, _ = path.stem.split("-") if path.stem.count("-") == 3 else [""] * 4
            if first:
                found.append(Batch(path, first, last))
        return found

    def known(self, kind: Kind, rows: Sequence[ArchivedRow]) -> Mapping[str, list[bytes]]:
        """Return the stored events of those rows that the archive has, by name."""
        if not rows:
            return {}
        first, last = _span(rows)
        wanted = {row.name for row in rows}
        found: dict[str, list[bytes]] = {}
        for batch in self.batches(kind):
            if batch.first <= last and first <= batch.last:
                for row in _read(batch.path, [kind.name_column, "events"]):
                    if row[kind.name_column] in wanted:
                        found[row[kind.name_column]] = row["events"]
        return found

    def rows_between(self, kind: Kind, first_ns: int, last_ns: int) -> Iterator[dict[str, Any]]:
        """
        Return the rows of the files that hold anything of a time, as they stand there.

        Raises
        ------
        OSError
            If a file cannot be read.

        """
        first, last = stamp(first_ns), stamp(last_ns)
        for batch in self.batches(kind):
            if batch.first <= last and first <= batch.last:
                yield from _read(batch.path)

    def rows(self, kind: Kind, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """
        Return all rows of a kind, oldest file first, each thing once.

        Parameters
        ----------
        kind : Kind
            Of what.
        columns : Sequence[str], optional
            What of them, the names among it; without it everything.

        A thing can be in two files when another machine has archived it as well, or when a store
        was restored from a copy that is older; then the later file has it.
        """
        name = kind.name_column
        last: dict[str, Path] = {}
        for batch in self.batches(kind):
            for row in _read(batch.path, [name]):
                last[row[name]] = batch.path
        for batch in self.batches(kind):
            for row in _read(batch.path, None if columns is None else list(columns)):
                if last[row[name]] == batch.path:
                    yield row


def _age_seconds(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _span(rows: Sequence[ArchivedRow] | Sequence[KeptRow]) -> tuple[str, str]:
    stamps = [row.at_ns for row in rows]
    return stamp(min(stamps)), stamp(max(stamps))


def _name_of(kind: Kind, rows: Sequence[ArchivedRow] | Sequence[KeptRow]) -> str:
    names = "\n".join(row.name for row in rows)
    first, last = _span(rows)
    return f"{kind}-{first}-{last}-{sha256(names.encode()).hexdigest()[:12]}.parquet"


def stamp(ns: int) -> str:
    """Return a moment as it stands in a file's name; such stamps sort as the moments do."""
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%S}.{rest // NS_PER_US:06d}Z"


def _to_disk(folder: Path) -> None:
    """Bring a folder's entries to the disk: without this a new name may be gone after a crash."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, columns: list[str] | None = None) -> list[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path, columns=columns, partitioning=None)
    except pyarrow.ArrowException as error:
        raise OSError(f"{path} is no Parquet file any more: {error}") from error
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def _columns(kind: Kind) -> dict[str, tuple[str, Any]]:
    """Return the columns of a kind: its name, what of a row stands in it, and the type."""
    import pyarrow as pa

    text, number, at = pa.string(), pa.decimal128(DIGITS, DECIMALS), pa.timestamp("us", tz="UTC")
    events = pa.list_(pa.binary())
    fills = pa.list_(
        pa.struct(
            [
                ("trade_id", text), ("client_order_id", text), ("moment", at), ("side", text),
                ("quantity", number), ("price", number), ("commission", number),
                ("currency", text), ("liquidity", text),
            ]
        )
    )  # fmt: skip
    balances = pa.list_(
        pa.struct([("currency", text), ("total", number), ("locked", number), ("free", number)])
    )
    held = pa.list_(pa.struct([("symbol", text), ("quantity", number)]))
    match kind:
        case Kind.ORDERS:
            return {
                "client_order_id": ("name", text), "ended": ("at_ns", at),
                "exchange_order_id": ("exchange_order_id", text),
                "strategy_id": ("strategy_id", text), "symbol": ("symbol", text),
                "type": ("type", text), "side": ("side", text), "status": ("status", text),
                "quantity": ("quantity", number), "filled": ("filled", number),
                "reduce_only": ("reduce_only", pa.bool_()), "price": ("price", number),
                "trigger_price": ("trigger_price", number), "created": ("created_ns", at),
                "fills": ("fills", fills), "events": ("events", events),
            }  # fmt: skip
        case Kind.POSITIONS:
            return {
                "position_id": ("name", text), "closed": ("at_ns", at),
                "strategy_id": ("strategy_id", text), "symbol": ("symbol", text),
                "opened": ("opened_ns", at), "fills": ("fills", fills),
                "events": ("events", events),
            }  # fmt: skip
        case Kind.FILLS:
            return {
                "name": ("name", text), "moment": ("at_ns", at), "symbol": ("symbol", text),
                "trade_id": ("trade_id", text), "exchange_order_id": ("order_id", text),
                "client_order_id": ("client_order_id", text), "side": ("side", text),
                "quantity": ("quantity", number), "price": ("price", number),
                "realized": ("realized", number), "commission": ("commission", number),
                "currency": ("commission_asset", text), "is_maker": ("is_maker", pa.bool_()),
            }  # fmt: skip
        case Kind.INCOME:
            return {
                "name": ("name", text), "moment": ("at_ns", at), "kind": ("kind", text),
                "symbol": ("symbol", text), "asset": ("asset", text),
                "amount": ("amount", number), "trade_id": ("trade_id", text),
            }  # fmt: skip
        case Kind.SPANS:
            return {
                "name": ("name", text), "until": ("at_ns", at), "since": ("since_ns", at),
                "held": ("held", held),
            }  # fmt: skip
        case Kind.STATES:
            return {
                "event_id": ("name", text), "moment": ("at_ns", at),
                "account_id": ("account_id", text), "balances": ("balances", balances),
                "events": ("events", events),
            }  # fmt: skip


def _table(kind: Kind, rows: Sequence[ArchivedRow] | Sequence[KeptRow]) -> Any:
    import pyarrow as pa

    columns = {
        name: pa.array([_cell(getattr(row, field), field) for row in rows], kept_as)
        for name, (field, kept_as) in _columns(kind).items()
    }
    return pa.table(columns)


def _cell(value: Any, field: str) -> Any:
    if field.endswith("_ns"):
        return value // NS_PER_US
    if value is None or field not in ("fills", "balances", "held"):
        return value
    return [
        {
            "moment" if name == "at_ns" else name: _cell(getattr(each, name), name)
            for name in each.__slots__
        }
        for each in value
    ]

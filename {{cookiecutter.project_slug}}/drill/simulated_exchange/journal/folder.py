"""The folder that an exchange lives in: its journal, read back after a crash.

A killed exchange loses nothing that it answered; the machine must not fall, too, for nothing waits
until the disk has it. The file is its own lock, which the system takes back when a process ends.
"""

import fcntl
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .journal import Journal, Record

FILE_NAME = "journal.jsonl"


class FolderError(Exception):
    """The folder cannot be used; the message says why and what to do."""


def open_folder(folder: Path) -> IO[bytes]:
    """Make the folder if need be; return its journal, which is now locked for this process."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / FILE_NAME).open("ab", buffering=0)
    except OSError as error:
        raise FolderError(f"{folder} cannot be used as --state: {error.strerror}.") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        taken = f"{folder} is in use by another exchange"
        raise FolderError(f"{taken}: stop that one, or give another --state.") from None
    return file


def restore(journal: Journal, file: IO[bytes], setup: Record) -> int:
    """Replay a journal; return how many bytes of an unfinished batch were cut off its end.

    Nothing was answered before its batch was whole, so nothing known is lost. A FolderError says
    that the exchange was set up in another way, or that the file is damaged elsewhere; it is left
    as it is then.
    """
    whole = 0
    for records, end in _batches(file):
        try:
            if records[0]["seq"] == 1:
                _compare(file, records[0]["data"]["setup"], setup)
            journal.replay(records)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            raise _damage(file, records[0]["seq"]) from None
        whole = end
    cut = file.seek(0, 2) - whole
    file.truncate(whole)
    return cut


def _compare(file: IO[bytes], then: Record, now: Record) -> None:
    for name, value in now.items():
        if then.get(name) != value:
            began = f"{Path(file.name).parent} began with another --{name}"
            msg = f"{began} ({then.get(name)}, not {value}): give that one, or another --state."
            raise FolderError(msg)


def _batches(file: IO[bytes]) -> Iterator[tuple[list[Record], int]]:
    """Yield each whole batch, and where it ends in the file."""
    batch: list[Record] = []
    end = due = 0
    with Path(file.name).open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            end += len(line)
            if not line.endswith(b"\n"):
                return  # torn: it can only be the last one
            try:
                record = json.loads(line)
                last = record["batch"]
                sound = record["seq"] == number <= last and (not batch or last == due)
            except (LookupError, TypeError, ValueError):
                sound = False
            if not sound:
                raise _damage(file, number)
            due = last
            batch.append(record)
            if number == last:
                yield batch, end
                batch = []


def _damage(file: IO[bytes], line: int) -> FolderError:
    where = f"{file.name}, line {line}: this is not what the exchange wrote there"
    return FolderError(f"{where}; mend it from a copy, or give another --state.")

"""The append-only file of a store's server: measured, copied, put back and cut short.

A server keeps it in a folder: a base, one or more increments, and a manifest that lists them. It
writes to the end of the last increment. Any beginning of that is a state in which the store once
was; a server that finds half a command at its end drops it when it starts.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from recovery_drill.failures import Inconclusive

COPIES_TRIED = 3


@dataclass(frozen=True)
class Mark:
    """How far the append-only file had grown at some time.

    Parameters
    ----------
    file : str
        The name of its last increment.
    size : int
        Of that, in bytes.

    """

    file: str
    size: int


class AppendOnlyFile:
    """The append-only file in a server's data folder.

    Parameters
    ----------
    data : Path
        The server's ``dir``.

    """

    def __init__(self, data: Path) -> None:
        self._folder = data / "appendonlydir"

    def mark(self) -> Mark | None:
        """Return how far it has grown; None if there is none in parts (before Redis 7)."""
        manifest = self._manifest()
        files = [line.split()[1] for line in manifest.splitlines() if " type i" in line]
        if not files:
            return None
        return Mark(files[-1], (self._folder / files[-1]).stat().st_size)

    def _manifest(self) -> str:
        try:
            return next(self._folder.glob("*.manifest")).read_text(encoding="utf-8")
        except StopIteration:
            return ""

    def cut_to(self, mark: Mark) -> None:
        """Cut off what came after a mark; the server must not run.

        Raises
        ------
        Inconclusive
            If the server has rewritten its files since.

        """
        now = self.mark()
        if now is None or now.file != mark.file or now.size < mark.size:
            raise Inconclusive(
                f"The store has rewritten its append-only file since it wrote {mark.file}; what a "
                "loss of power would have left of it cannot be told."
            )
        os.truncate(self._folder / mark.file, mark.size)

    def copy_to(self, folder: Path) -> None:
        """Copy it to a folder; the server may run, and go on writing.

        Raises
        ------
        Inconclusive
            If the server rewrites its files all the time.

        """
        for _ in range(COPIES_TRIED):
            before = self._manifest()
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(self._folder, folder)
            # Files that came or went while they were copied would belong to another manifest.
            if before == self._manifest():
                return
        raise Inconclusive("The store's files could not be copied: it rewrites them all the time.")

    def restore_from(self, folder: Path) -> None:
        """Put a copy in its place; the server must not run."""
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(folder, self._folder)

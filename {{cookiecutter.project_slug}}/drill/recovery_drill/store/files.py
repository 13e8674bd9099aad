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

MANIFEST = "appendonly.aof.manifest"


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
        if not (self._folder / MANIFEST).exists():
            return None
        last = _parts(self._folder)[-1]
        return Mark(last, (self._folder / last).stat().st_size)

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
            If the server rewrites it meanwhile.

        """
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            # The list first: a file that comes later belongs to another one.
            shutil.copy(self._folder / MANIFEST, folder)
            for name in _parts(folder):
                shutil.copy(self._folder / name, folder)
        except FileNotFoundError as error:
            raise Inconclusive(
                f"The store's files could not be copied: it has rewritten them ({error})."
            ) from error

    def restore_from(self, folder: Path) -> None:
        """Put a copy in its place; the server must not run."""
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(folder, self._folder)


def _parts(folder: Path) -> list[str]:
    """Return the files that a manifest lists, the one that is written to last."""
    lines = (folder / MANIFEST).read_text(encoding="utf-8").splitlines()
    # Behind them stand those ("type h") that a rewrite has left to be deleted.
    return [line.split()[1] for line in lines if not line.endswith("type h")]

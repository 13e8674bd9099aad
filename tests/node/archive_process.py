"""
One pass of the archive in a process that kills itself before a step, for tests of all of them.

They are forked from one that has imported everything, and there in a tenth of a second.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

BATCH = 4
SECONDS = 60.0
HERE = str(Path(__file__).parents[1])


def _steps() -> tuple[tuple[Any, str], ...]:
    """Return everything that leaves a mark on the disk or in the store."""
    import pyarrow.parquet
    import redis.client

    return (
        (pyarrow.parquet, "write_table"),
        (os, "fsync"),
        (Path, "replace"),
        (redis.client.Pipeline, "execute"),
    )


def dying(dies_at: int) -> Callable[[], int]:
    """Kill this process right before one of the steps; return what tells how many there were."""
    done = 0

    def marked(stock: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: Any, **named: Any) -> Any:
            nonlocal done
            done += 1
            if done == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return stock(*given, **named)

        return step

    for owner, name in _steps():
        setattr(owner, name, marked(getattr(owner, name)))
    return lambda: done


def one_pass(
    source: str, url: str, folder: str, before_ns: int, dies_at: int, counted: Any = None
) -> None:
    """Do one pass; die right before a step, or tell how many there were."""
    sys.path.insert(0, source)
    from trading_node.books.archive import Archive
    from trading_node.engine.mending.archived import KeysArchive
    from trading_node.engine.mending.encoding_v1 import CODEC
    from trading_node.guards.archive.moving import move
    from trading_node.guards.archive.store import StoreArchive

    done = dying(dies_at)
    store = StoreArchive(url, KeysArchive("TRADER-001", CODEC), Archive(Path(folder)))
    asyncio.run(move(store, before_ns, BATCH))
    if counted is not None:
        counted.value = done()


class Passes:
    """
    Passes over one store, each in a process of its own.

    Parameters
    ----------
    project : Path
        The bake.
    url : str
        The store.
    before_ns : int
        Before when things are due.

    """

    def __init__(self, project: Path, url: str, before_ns: int) -> None:
        self._given = str(project / "src"), url
        self._before_ns = before_ns
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["pyarrow.parquet", "redis", "msgspec"])

    def count(self, folder: Path) -> int:
        """Do one whole pass; return in how many steps."""
        counted = self._context.Value("i", 0)
        assert self._run(folder, 0, counted) == 0
        return int(counted.value)

    def killed(self, folder: Path, step: int) -> None:
        """Do a pass that is killed before a step."""
        assert self._run(folder, step) == -signal.SIGKILL

    def _run(self, folder: Path, step: int, counted: Any = None) -> int | None:
        given = (*self._given, str(folder), self._before_ns, step, counted)
        process = self._context.Process(target=one_pass, args=given)
        process.start()
        process.join(SECONDS)
        return process.exitcode

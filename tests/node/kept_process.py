"""One pass of keeping in a process that kills itself before a step on the disk."""

import asyncio
import multiprocessing
import signal
import sys
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from node.archive_process import SECONDS, dying


def one_pass(source: str, given: dict[str, str], dies_at: int, counted: Any = None) -> None:
    """Do one pass; die right before a step, or tell how many there were."""
    sys.path.insert(0, source)
    done = dying(dies_at)
    keep_once(given)
    if counted is not None:
        counted.value = done()


def keep_once(given: dict[str, str]) -> None:
    """Do one pass."""
    from trading_node.config.settings import Settings
    from trading_node.guards.books.keeping import keep
    from trading_node.venue.binance.gentle import GentleRequests

    settings = Settings(_env_file=None, **given)

    async def keeps() -> None:
        requests = GentleRequests(settings)
        try:
            await keep(settings, requests, {settings.symbol})
        finally:
            await requests.close()

    asyncio.run(keeps())


class Keeps:
    """
    Passes over one archive, each in a process of its own.

    Parameters
    ----------
    project : Path
        The bake.
    given : dict[str, str]
        Settings, without the archive's folder.

    """

    def __init__(self, project: Path, given: dict[str, str]) -> None:
        self._source = str(project / "src")
        self._given = given
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["pyarrow.parquet", "aiohttp", "pydantic_settings"])

    def whole(self, folder: Path) -> int:
        """Do one whole pass; return in how many steps."""
        counted = self._context.Value("i", 0)
        assert self._run(folder, 0, counted) == 0
        return int(counted.value)

    def killed(self, folder: Path, step: int) -> None:
        """Do a pass that is killed before a step."""
        assert self._run(folder, step) == -signal.SIGKILL

    def here(self, folder: Path) -> None:
        """Do one whole pass in this process."""
        keep_once({**self._given, "archive_directory": str(folder)})

    def _run(self, folder: Path, step: int, counted: Any = None) -> int | None:
        given = {**self._given, "archive_directory": str(folder)}
        process = self._context.Process(target=one_pass, args=(self._source, given, step, counted))
        process.start()
        process.join(SECONDS)
        return process.exitcode

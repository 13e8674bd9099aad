"""Keep the watches for as long as the node trades."""

import asyncio
from collections.abc import Callable, Iterable

from ..exit_codes import ExitCode, NodeExit, one_line
from ..guards.watch import Trading, Watch


class Watching:
    """
    The watches of one life.

    Parameters
    ----------
    finish : Callable[[NodeExit], None]
        Ends the node, when a watch says that only a new start helps, or fails itself.

    """

    def __init__(self, finish: Callable[[NodeExit], None]) -> None:
        self._finish = finish
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, watches: Iterable[Watch], trading: Trading) -> None:
        """Begin all of them, on the running event loop."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._keep(watch, trading)) for watch in watches]

    async def _keep(self, watch: Watch, trading: Trading) -> None:
        try:
            await watch.keep(trading)
        except NodeExit as end:
            self._finish(end)
        except Exception as error:
            reason = f"{type(error).__name__}: {one_line(error)}"
            sentence = f"The watch of the {watch.name} failed: {reason}."
            self._finish(NodeExit(ExitCode.DEFECT, sentence))

    async def end(self) -> None:
        """End all of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

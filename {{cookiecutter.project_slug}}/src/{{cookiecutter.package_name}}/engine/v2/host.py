"""
The thread that the engine has for itself.

The engine's `run` keeps its thread until it ends, and whatever it has made belongs to that thread:
another one that touches it ends the process. So everything is made there, told from there, and work
for it is put into a queue. `run` expects to be on the main thread for one thing alone: it calls
`signal.signal`, which no other thread may. The node hears signals itself, so here that call does
nothing on the engine's thread.
"""

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any

from ...config.settings import Settings
from ...exit_codes import one_line
from ...plan.traded import Traded
from .door import Door
from .heard import Seen
from .node import build_node
from .shell import EngineSide, TargetStrategy, Work

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def _let_alone(stock: Callable[..., Any]) -> Callable[..., Any]:
    def set_handler(number: int, handler: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            return stock(number, handler)
        return signal.getsignal(number)

    return set_handler


class Host:
    """
    The engine on its thread; all of this is called on the event loop's.

    Parameters
    ----------
    settings : Settings
        The validated settings.
    traded : list[Traded]
        What is traded.
    door : Door
        Where the engine's adapter finds its exchange.
    take : Callable[[Seen], None]
        Takes what is new.
    failed : Callable[[str], None]
        Takes in a sentence what a handler in the engine has raised.

    Attributes
    ----------
    ended : asyncio.Future[str]
        Why the engine runs no more; empty when it was stopped.

    """

    def __init__(
        self,
        settings: Settings,
        traded: list[Traded],
        door: Door,
        take: Callable[[Seen], None],
        failed: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._traded = traded
        self._door = door
        self._loop = asyncio.get_running_loop()
        self._handle: Any = None
        self._is_stopping = False
        self.ended: asyncio.Future[str] = self._loop.create_future()
        self._side = EngineSide(
            lambda seen: self._call(take, seen), lambda error: self._call(failed, error)
        )

    def start(self) -> None:
        """Begin: load the store, connect, reconcile and trade, on a thread of its own."""
        if not hasattr(signal.signal, "stands_for"):
            stands_for = _let_alone(signal.signal)
            stands_for.stands_for = signal.signal  # type: ignore[attr-defined]  # so once is enough
            signal.signal = stands_for
        threading.Thread(target=self._live, name="engine", daemon=True).start()

    def has_started(self) -> None:
        """Take back the signals, which the engine has taken for itself."""
        for number in SIGNALS:
            signal.signal(number, signal.getsignal(number))

    def do(self, work: Work) -> None:
        """Let the engine's thread do something."""
        self._side.work.put(work)

    def stop(self) -> None:
        """Let the engine stop; `ended` says when it has."""
        self._is_stopping = True
        if self._handle is not None:
            self._handle.stop()

    # -- On the engine's thread --------------------------------------------------------------------

    def _call(self, take: Callable[..., None], *given: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(take, *given)
        except RuntimeError:
            return  # the loop has ended, and nobody wants to know any more

    def _live(self) -> None:
        why = ""
        try:
            self._run()
        except BaseException as error:
            why = one_line(error)
        self._call(self._is_over, why)

    def _run(self) -> None:
        symbols = [each.symbol for each in self._traded]
        node = build_node(self._settings, symbols, self._door)
        self._handle = node.handle()
        for each in self._traded:
            strategy = TargetStrategy(each.symbol, each.tag, each.bar_length, self._side)
            self._side.strategies[each.symbol] = strategy
            node.add_strategy(strategy)
        try:
            if not self._is_stopping:
                node.run()
        finally:
            self._side.strategies.clear()
            node.dispose()

    def _is_over(self, why: str) -> None:
        if not self.ended.done():
            self.ended.set_result(why)

"""Bugs in coming to trade, to rest and to an end."""

import signal
from typing import Any

from drill.nodes.mutants.package import Package


def busy_after_restart(package: Package) -> None:
    """Never comes to rest after a restart."""
    if package.came_back:
        package.keeper.Keeper.pending_looks = property(lambda self: 1)


def never_trades_again(package: Package) -> None:
    """Stays up after a restart and never trades."""
    if package.came_back:

        async def warm_up(self: Any) -> None:
            pass

        package.keeper.Keeper._warm_up = warm_up


def ends_with_a_traceback(package: Package) -> None:
    """Falls over after a restart, and leaves a traceback instead of a line that says why."""
    if package.came_back:
        raise RuntimeError("nobody has caught this")


def ends_without_a_word(package: Package) -> None:
    """Gives up after a restart and does not say why."""
    if not package.came_back:
        return
    codes = package.exit_codes

    async def warm_up(self: Any) -> None:
        self._listener.failed(codes.NodeExit(codes.ExitCode.AWAY, ""))

    package.keeper.Keeper._warm_up = warm_up


def ignores_sigterm(package: Package) -> None:
    """Goes on when it is asked to stop."""
    ending = package.ending.Ending
    stock = ending.tell

    def tell(self: Any, end: Any) -> None:
        if end is not None:
            stock(self, end)

    ending.tell = tell
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def ends_in_the_midst(package: Package) -> None:
    """Ends for a new start while an entry is on its way, and leaves what fills without a stop."""
    package.ending.Ending.must_wait = lambda self: False

"""Take up a halt before anything is sent, and see while the node trades what a person says."""

import asyncio
import time
from collections.abc import Callable

import redis.exceptions

from ...exit_codes import ExitCode, NodeExit, one_line
from ..guard import Scope, Start
from ..store import STORE_SECONDS
from ..watch import Trading
from .places import Halts
from .record import Halt, key_of

LOOK_SECONDS = 0.2
AWAY = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError)
CONDITION = "halt"
DOING = "Nothing new is opened, what is held stays protected; the command resume ends it."


class GivesWay(NodeExit):
    """A flattening wants the lease."""


async def check_halt(start: Start) -> str | None:
    """
    Read what a person has said last, write it where it is missing, and say so.

    Raises
    ------
    NodeExit
        With code 75 when the store does not tell, or a flattening wants the lease; 78 when the
        store's user may not read it.

    """
    halts = start.halts
    until = time.monotonic() + STORE_SECONDS
    await asyncio.to_thread(halts.look)
    # A look of a node that trades is short; at a start the machine may have much to do.
    while isinstance(halts.store_trouble, AWAY) and time.monotonic() < until:
        await asyncio.sleep(LOOK_SECONDS)
        await asyncio.to_thread(halts.look)
    if isinstance(halts.store_trouble, redis.exceptions.NoPermissionError):
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"The store's user may not read {key_of(start.settings.id)}, where a halt stands: give "
            "the store the users of deploy/store/users.acl as this version has them.",
        )
    if halts.store_trouble is not None:
        raise NodeExit(
            ExitCode.AWAY,
            "The store does not tell whether this node is halted: "
            f"{one_line(halts.store_trouble)}.",
        )
    _give_way(start)
    _tell_file(start, start.note)
    is_halted = not isinstance(halts.now, Halt) or halts.now.is_halted
    return halts.now.told() if is_halted else None


async def watch_halt(trading: Trading) -> None:
    """
    Look until cancelled.

    Raises
    ------
    NodeExit
        With code 75 when a flattening wants the lease.

    """
    halts = trading.halts
    while True:
        # Before the first await: what the start has read is a condition from the beginning.
        tell_halt(trading, halts)
        await asyncio.sleep(LOOK_SECONDS)
        await asyncio.to_thread(halts.look)
        _give_way(trading)
        _tell_file(trading, trading.note)


def tell_halt(trading: Trading, halts: Halts) -> None:
    """Begin and end the conditions that a record stands for: one, or one for each symbol."""
    now = halts.now
    symbols = now.symbols if isinstance(now, Halt) else ()
    if now.holds("") and not symbols:
        trading.conditions.begin(CONDITION, now.told(), DOING)
    else:
        trading.conditions.end(CONDITION)
    for symbol in trading.symbols:
        name = f"{CONDITION} of {symbol}"
        if symbols and now.holds(symbol):
            trading.conditions.begin(name, now.told(), DOING, symbol)
        else:
            trading.conditions.end(name)


def _give_way(scope: Scope) -> None:
    if scope.halts.must_give_way():
        assert isinstance(scope.halts.now, Halt)
        raise GivesWay(
            ExitCode.AWAY,
            f"{scope.halts.now.told()} The account is being flattened, and this node gives way.",
            at_once=True,  # what is held is closed as soon as this node is gone
        )


def _tell_file(scope: Scope, note: Callable[[str], None]) -> None:
    if scope.halts.file_trouble:
        note(
            f"The file {scope.halts.path} cannot be written ({scope.halts.file_trouble}): a halt "
            "stands in the store alone, and is lost with it."
        )

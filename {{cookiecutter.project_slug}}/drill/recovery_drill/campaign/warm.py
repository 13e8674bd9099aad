"""Where starts are warm: what nodes and exchanges import is imported before the first of them."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from recovery_drill.play.ground import Ground
from recovery_drill.proc.child import inherited
from recovery_drill.proc.warm import ONLY_AT_START, WarmParent, WarmStarts, what_is_run
from recovery_drill.record.policy import fill_in

EXCHANGE = ("-m", "simulated_exchange")
EXCHANGE_IMPORTS = ("simulated_exchange.cli",)


def can_be_warm(ground: Ground) -> bool:
    """Return whether there is something to fork from, on a system where that can be done."""
    policy = ground.policy
    names_imports = bool(policy.warm_imports) and what_is_run(policy.node_command) is not None
    return names_imports and ground.runtime == "process" and sys.platform == "linux"


@asynccontextmanager
async def started_as_asked(ground: Ground) -> AsyncIterator[Ground]:
    """Give a ground whose processes are started cold or warm, as it says.

    Raises
    ------
    UsageError
        If something that is to be imported cannot be.

    """
    if ground.starts == "cold":
        yield ground
        return
    policy = ground.policy
    given = {k: v for k, v in policy.environment.items() if k.startswith(ONLY_AT_START)}
    async with WarmStarts() as starts:
        program = fill_in(policy.node_command[0], {})
        environment = {**inherited(), **given}
        await starts.prepare(WarmParent(program, policy.warm_imports, environment, ground.project))
        program, *arguments = ground.exchange_command
        if tuple(arguments) == EXCHANGE:
            await starts.prepare(WarmParent(program, EXCHANGE_IMPORTS, inherited(), ground.project))
        yield replace(ground, spawn=starts)

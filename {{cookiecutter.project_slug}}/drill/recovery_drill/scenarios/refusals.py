"""What an exchange refuses for some bars, and then takes again."""

import asyncio
from functools import partial
from typing import NamedTuple

from recovery_drill.failures import Inconclusive
from recovery_drill.faults.exchange import (
    ALWAYS,
    MET,
    ExchangeFault,
    RefusedForBars,
    Settling,
    SignedRefused,
    of_request,
)
from recovery_drill.faults.fault import Fault
from recovery_drill.play.scenario import UNEQUAL, Scenario, Situation
from recovery_drill.play.world import World
from recovery_drill.scenarios.exchange import ENTRY, MET_HOLDING, STOP, stretch
from recovery_drill.scenarios.steps import (
    FLAT,
    TRADED_ON,
    flat_before,
    holding_before,
    outlast,
    until_protected,
)

PATIENCE_BARS = 60
"""Within so many bars what is refused has been tried once, or the market is to blame."""
REFUSED_BARS = 6
"""How many bars it is refused after that: enough to be tried again."""
WAITED_BARS = 70
"""So many bars may be the node's choice after all is taken again; no longer."""
WAITS = {UNEQUAL: "What is refused is not done, and how long a node waits then is its own choice."}
NOTIONAL = "Order's notional must be no smaller than 100 (unless you choose reduce only)."
SAID_SECONDS = 20.0
"""As long as these bars take in which a node does not come to rest, and some more."""
MET_FLAT = frozenset({FLAT, MET, TRADED_ON})


class Refusal(NamedTuple):
    """Orders of one leg that are refused.

    Parameters
    ----------
    name : str
        Why, in a word.
    code : int
        The code that the exchange gives.
    purpose : str
        One sentence.
    message : str or None
        What it says, where that is not always the same.
    lasts : bool
        Whether a node may take it for something that only a new start ends.

    """

    name: str
    code: int
    purpose: str
    message: str | None = None
    lasts: bool = False

    def scenario(self, name: str, match: dict[str, str], situation: Situation) -> Scenario:
        """Return it as a scenario whose name begins so."""
        told = {} if self.message is None else {"message": self.message}
        fault = of_request("fail", match, times=ALWAYS, status=400, code=self.code, **told)
        needs = MET_HOLDING if situation is holding_while_refused else MET_FLAT
        name = f"{name}-{self.name}"
        # A node that is started anew waits for no bars.
        kind = ExchangeFault if self.lasts else RefusedForBars
        return Scenario(
            f"exchange-{name}",
            self.purpose,
            needs,
            situation,
            partial(kind, name, fault),
            leave_out=WAITS,
        )


ENTRIES: tuple[Refusal, ...] = (
    Refusal(
        "margin",
        -2019,
        "Every entry is refused for want of margin (-2019) for some bars, then the node trades on.",
    ),
    Refusal(
        "notional",
        -4164,
        "Every entry is refused as too small (-4164) for some bars, and then the node trades on.",
        NOTIONAL,
    ),
    Refusal(
        "precision",
        -1111,
        "Every entry is refused for its decimals (-1111), until the node starts anew bars later.",
        lasts=True,
    ),
    Refusal(
        "quantity",
        -4005,
        "Every entry is refused as too large (-4005), until the node starts anew bars later.",
        lasts=True,
    ),
)
STOPS: tuple[Refusal, ...] = (
    Refusal(
        "limit",
        -4045,
        "Every stop is refused (-4045) for some bars; no entry stays naked, and it trades on.",
    ),
    Refusal(
        "trigger",
        -2021,
        "Every stop would trigger at once (-2021) for some bars; no entry stays naked.",
    ),
)
MOVED = Refusal(
    "moved",
    -4045,
    "A position is held, and for some bars its stop cannot be moved (-4045); it stays protected.",
)


async def flat_until_new_start(world: World, fault: Fault) -> None:
    """Hold nothing when orders begin to be refused, and be started anew once they are taken."""
    await flat_before(world)
    async with world.fault(fault):
        await _in_vain(world, fault)
        await world.kill_node()
    await world.restart_node()
    await stretch(world)


async def flat_while_refused(world: World, fault: Fault) -> None:
    """Hold nothing when orders begin to be refused."""
    await flat_before(world)
    await while_refused(world, fault)


async def holding_while_refused(world: World, fault: Fault) -> None:
    """Hold a protected position when orders begin to be refused."""
    await holding_before(world)
    await while_refused(world, fault)


async def holding_while_settling(world: World, fault: Fault) -> None:
    """Hold a protected position when the symbol begins to settle."""
    await holding_before(world)
    await while_refused(world, fault, at_once=True)


async def holding_while_locked_out(world: World, fault: Fault) -> None:
    """Hold a protected position when nothing signed is taken any more."""
    await holding_before(world)
    async with world.fault(fault):
        await world.naming.until("exchange")
        await outlast(world, REFUSED_BARS)
    await world.recover()
    await until_protected(world, "after the last refusal")
    await stretch(world)


async def while_refused(
    world: World, fault: Fault, *, at_once: bool = False, naked: bool = False
) -> None:
    """Try in vain, and trade on some bars after it has ended.

    What is refused once may be taken the next time; after some bars of it the node has to say so,
    or at once where the first refusal says all. Where even what would protect or close is refused,
    nobody can keep what is held from being naked.
    """
    async with world.fault(fault):
        await _in_vain(world, fault, at_once=at_once, naked=naked)
    await _wait_out(world)
    await world.recover()
    await until_protected(world, "after the last refusal")
    await stretch(world)


async def _wait_out(world: World) -> None:
    """Let bars pass for as long as the node says what is wrong: it may wait for some of them."""
    for _ in range(WAITED_BARS):
        state = await world.life.state()
        if state is None or not state.conditions:
            return
        await world.endure(1)


async def _in_vain(
    world: World, fault: Fault, *, at_once: bool = False, naked: bool = False
) -> None:
    bars = 0
    while not await world.market.has_met(fault):
        await _one_bar(world, naked=naked)
        bars += 1
        if bars > PATIENCE_BARS:
            raise Inconclusive(f"Nothing was refused within {PATIENCE_BARS} bars.")
    symbol = world.market.symbol
    if at_once:
        await world.naming.until(f"symbol {symbol}")
    # A node may say it for as long as it waits, and that all is right when it tries again.
    named = asyncio.ensure_future(world.naming.until(symbol, SAID_SECONDS))
    try:
        for _ in range(REFUSED_BARS):
            await _one_bar(world, naked=naked)
        await named
    finally:
        named.cancel()


async def _one_bar(world: World, *, naked: bool) -> None:
    """Let a bar pass, and what is held be naked in it, or not."""
    await world.endure(1)
    if not naked:
        await until_protected(world, "into a bar in which orders are refused")


REFUSALS: tuple[Scenario, ...] = (
    *(each.scenario("refuse-stops", STOP, flat_while_refused) for each in STOPS),
    MOVED.scenario("refuse-stops", STOP, holding_while_refused),
    *(
        each.scenario(
            "refuse-entries", ENTRY, flat_until_new_start if each.lasts else flat_while_refused
        )
        for each in ENTRIES
    ),
    Scenario(
        "exchange-refuse-key",
        "The key is revoked (-2015) while a position is held, and is valid again some bars later.",
        MET_HOLDING,
        holding_while_locked_out,
        partial(SignedRefused, "refuse-key", 401, -2015),
        leave_out=WAITS,
    ),
    Scenario(
        "exchange-refuse-time",
        "Every timestamp is refused (-1021) while a position is held, and is taken again later.",
        MET_HOLDING,
        holding_while_locked_out,
        partial(SignedRefused, "refuse-time", 400, -1021),
        leave_out=WAITS,
    ),
    Scenario(
        "exchange-settle",
        "The symbol settles (-4140) for some bars; what is held stays protected, and it trades on.",
        MET_HOLDING,
        holding_while_settling,
        Settling,
        leave_out=WAITS,
    ),
)

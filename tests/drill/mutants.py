"""The mutants: which bug shows where, and which check must name it.

A case is killed early in the drill's market with seed 10, which within eight bars holds an entry, a
flip, moved stops and a stop-out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drill.nodes.mutants.bugs import Bug
from recovery_drill.boundary import Boundary, CrashPoint, Kind
from recovery_drill.scenarios.catalogue import find_scenario
from recovery_drill.scenarios.scenario import Scenario
from recovery_drill.world import World

SEED = 10
BARS = 16
BARS_BEFORE = BARS_AFTER = 4


@dataclass(frozen=True)
class Case:
    """One play.

    Parameters
    ----------
    scenario : Scenario
        What is played.
    crash_points : tuple[CrashPoint, ...]
        Where the node is killed besides.

    """

    scenario: Scenario
    crash_points: tuple[CrashPoint, ...] = ()

    @property
    def name(self) -> str:
        """What it is called: its crash points, or its scenario."""
        return " and ".join(point.name for point in self.crash_points) or self.scenario.name


@dataclass(frozen=True)
class Mutant:
    """A node with one bug.

    Parameters
    ----------
    bug : Callable
        Patches the production package; its docstring says what the node does wrong.
    case : Case
        Where the bug shows.
    check : str
        The check that must name it.

    """

    bug: Bug
    case: Case
    check: str

    @property
    def name(self) -> str:
        """The name of the bug."""
        return self.bug.__name__

    @property
    def wrong(self) -> str:
        """What the node does wrong, in one sentence."""
        return " ".join((self.bug.__doc__ or "").split())


def crash(kind: Kind, what: str, phase: str, nth: int = 1) -> Case:
    """Return the case that kills the node at one crash point."""
    point = CrashPoint(Boundary(kind, what, phase), nth)
    return Case(find_scenario("workload", {"bars": BARS}), (point,))


def _at_rest(
    name: str,
    purpose: str,
    *,
    before: Callable[[World], Any] | None = None,
    down: Callable[[World], Any] | None = None,
) -> Case:
    """Return the case that kills a node that holds a position, and has closed one before."""

    async def play(world: World) -> None:
        await world.first_start()
        await world.steps(BARS_BEFORE)
        await world.kill_node()
        if down is not None:
            await down(world)
        await world.restart_node()
        await world.steps(BARS_AFTER)

    return Case(Scenario(name, purpose, frozenset(), play))

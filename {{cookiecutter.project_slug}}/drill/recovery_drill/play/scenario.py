"""What a scenario is: a row of situation, fault, and what is judged."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from recovery_drill.faults.fault import Fault, NoFault
from recovery_drill.play.world import World
from recovery_drill.record.boundary import CrashPoint
from recovery_drill.runtimes.protocol import Runtime
from recovery_drill.store.protocol import StoreAbility

Situation = Callable[[World, Fault], Awaitable[None]]
"""What the node is doing when the fault comes, and what it has to do afterwards."""

UNEQUAL = "equals-undisturbed"


@dataclass(frozen=True)
class Scenario:
    """One exercise.

    Parameters
    ----------
    name : str
        What the user types.
    purpose : str
        One sentence for lists and reports.
    needs : frozenset[str]
        What must have been seen for the scenario to mean anything.
    situation : Callable
        What is done, and when the fault comes.
    fault : Callable
        Makes the fault, for one play.
    default : bool
        Whether it is played when no scenario is named.
    kills : bool
        Whether it means nothing without a proven kill.
    leave_out : Mapping[str, str]
        Checks that its situation makes no promise about, each with the reason. Without
        ``equals-undisturbed`` it is not played undisturbed at all.
    seconds : float
        How long one play may take; after that nothing can be said.
    crash_points : tuple[CrashPoint, ...]
        Where the node is killed besides, whatever is being played.

    """

    name: str
    purpose: str
    needs: frozenset[str]
    situation: Situation
    fault: Callable[[], Fault] = NoFault
    default: bool = False
    kills: bool = True
    leave_out: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 900.0
    crash_points: tuple[CrashPoint, ...] = ()

    @property
    def is_compared(self) -> bool:
        """Whether it is compared with itself undisturbed."""
        return UNEQUAL not in self.leave_out

    @property
    def needs_replicas(self) -> bool:
        """Whether it is about a store that has replicas."""
        return getattr(self.fault(), "needs", None) is StoreAbility.FAIL_OVER

    def unavailable(self, runtime: Runtime) -> str:
        """Return why it cannot be played here, in one sentence; empty when it can."""
        return self.fault().unavailable(runtime)

    async def play(self, world: World) -> None:
        """Play it once."""
        await self.situation(world, self.fault())

"""What a scenario is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from recovery_drill.play.world import World

Play = Callable[[World], Awaitable[None]]

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
    play : Callable
        What is done.
    default : bool
        Whether it runs when no scenario is named.
    kills : bool
        Whether it means nothing without a proven kill.
    leave_out : Mapping[str, str]
        Checks that its situation makes no promise about, each with the reason. Without
        ``equals-undisturbed`` it is not played undisturbed at all.

    """

    name: str
    purpose: str
    needs: frozenset[str]
    play: Play
    default: bool = False
    kills: bool = True
    leave_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_compared(self) -> bool:
        """Whether it is compared with itself undisturbed."""
        return UNEQUAL not in self.leave_out

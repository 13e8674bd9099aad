"""Which scenarios there are, and which of them are played."""

from collections.abc import Sequence

from rich.console import Console

from recovery_drill.failures import UsageError
from recovery_drill.options import Run
from recovery_drill.play.scenario import Scenario
from recovery_drill.scenarios.catalogue import (
    BARS,
    IN_CONTAINERS,
    KILL_COUNT,
    SCENARIOS,
    find_scenario,
)
from recovery_drill.scenarios.containers import CONTAINERS
from recovery_drill.scenarios.kills import LONG_HAUL
from recovery_drill.scenarios.known import KNOWN, UNPLAYED


def list_scenarios(console: Console) -> int:
    """Name the scenarios."""
    groups: dict[str, Sequence[Scenario]] = {
        "Played by `run`:": [s for s in SCENARIOS if s.default],
        "When named, or with --all:": [s for s in SCENARIOS if not s.default and s not in KNOWN],
        "Public issues of NautilusTrader, likewise:": KNOWN,
        "Played by `run --runtime compose`:": [s for s in CONTAINERS if s.default],
        "When named there, or with --all:": [s for s in CONTAINERS if not s.default],
    }
    width = max(len(scenario.name) for group in groups.values() for scenario in group)
    for title, scenarios in groups.items():
        console.print(title)
        for scenario in scenarios:
            line = f"  {scenario.name:{width}} {scenario.purpose}"
            console.print(line, markup=False, soft_wrap=True)
    console.print("Public issues of NautilusTrader that no scenario brings about:")
    for number, why in UNPLAYED.items():
        console.print(f"  #{number} {why}.", markup=False, highlight=False, soft_wrap=True)
    return 0


def extra_of(options: Run) -> dict[str, int]:
    """Return what was said about the long scenario, which alone has options."""
    given = {"bars": options.bars, "kills": options.kills}
    extra = {name: value for name, value in given.items() if value is not None}
    if extra and LONG_HAUL not in options.scenarios:
        raise UsageError(
            f"--{next(iter(extra))} belongs to {LONG_HAUL}: name that scenario with it."
        )
    if min(extra.values(), default=1) < 1:
        raise UsageError("--bars and --kills must be 1 or more.")
    if extra.get("bars", BARS) <= extra.get("kills", KILL_COUNT):
        raise UsageError(f"{LONG_HAUL} needs more --bars than --kills.")
    return extra


def choose(options: Run, extra: dict[str, int]) -> Sequence[Scenario]:
    """Return the scenarios that are named, or all of them, or those that are played by default."""
    if options.all and options.scenarios:
        raise UsageError("Name scenarios, or say --all, not both.")
    in_containers = options.runtime == "compose"
    if options.all:
        return (*CONTAINERS, *SCENARIOS) if in_containers else SCENARIOS
    if not options.scenarios:
        return IN_CONTAINERS if in_containers else [s for s in SCENARIOS if s.default]
    known = {scenario.name for scenario in (*SCENARIOS, *CONTAINERS)}
    if unknown := [name for name in options.scenarios if name not in known]:
        raise UsageError(
            f"There is no scenario {', '.join(unknown)}; `recovery-drill list` names them."
        )
    return [find_scenario(name, extra) for name in dict.fromkeys(options.scenarios)]

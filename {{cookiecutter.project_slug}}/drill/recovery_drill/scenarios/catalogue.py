"""All scenarios by name."""

from collections.abc import Mapping

from recovery_drill.play.scenario import Scenario
from recovery_drill.scenarios.containers import CONTAINERS
from recovery_drill.scenarios.exchange import EXCHANGE
from recovery_drill.scenarios.failover import FAILOVER
from recovery_drill.scenarios.host import HOST
from recovery_drill.scenarios.kills import KILLS, LONG_HAUL, long_haul
from recovery_drill.scenarios.known import KNOWN
from recovery_drill.scenarios.node import NODE
from recovery_drill.scenarios.owner import OWNER
from recovery_drill.scenarios.prices import PRICES
from recovery_drill.scenarios.refusals import REFUSALS
from recovery_drill.scenarios.restart import RESTART
from recovery_drill.scenarios.sockets import SOCKETS
from recovery_drill.scenarios.standby import STANDBY
from recovery_drill.scenarios.store import STORE
from recovery_drill.scenarios.workload import BARS as WORKLOAD_BARS
from recovery_drill.scenarios.workload import NAME as WORKLOAD
from recovery_drill.scenarios.workload import workload_scenario

BARS, KILL_COUNT = 500, 4
"""What trade-through plays unless it is told otherwise."""

SCENARIOS: tuple[Scenario, ...] = (
    *KILLS,
    *NODE,
    *STANDBY,
    *STORE,
    *FAILOVER,
    *HOST,
    *EXCHANGE,
    *SOCKETS,
    *REFUSALS,
    *PRICES,
    *RESTART,
    *OWNER,
    *KNOWN,
    long_haul(BARS, KILL_COUNT),
)
"""What can be played as processes, and most of it in containers, too."""

IN_CONTAINERS: tuple[Scenario, ...] = (
    *(s for s in CONTAINERS if s.default),
    *(s for s in KILLS if s.name in ("kill-holding-position", "kill-then-stop-fills")),
)
"""What is played in containers unless it is told otherwise."""


def find_scenario(name: str, options: Mapping[str, int] | None = None) -> Scenario:
    """Return a scenario by its name.

    Raises
    ------
    ValueError
        If there is none.

    """
    options = options or {}
    if name == WORKLOAD:
        return workload_scenario(options.get("bars", WORKLOAD_BARS))
    if name == LONG_HAUL:
        return long_haul(options.get("bars", BARS), options.get("kills", KILL_COUNT))
    for scenario in (*SCENARIOS, *CONTAINERS):
        if scenario.name == name:
            return scenario
    raise ValueError(f"There is no scenario {name}; `recovery-drill list` names them.")

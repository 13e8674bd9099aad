"""The verdict as one self-contained HTML page."""

import platform
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime

from recovery_drill import __version__
from recovery_drill.report.drawing import lay_out
from recovery_drill.report.fill import fill
from recovery_drill.report.material import Material, cases, figures
from recovery_drill.report.timeline import Timeline
from recovery_drill.report.told import tell_checks

SIMULATED = "Seen against the simulated exchange that comes with the drill, not against a real one."
LIMITS_OF_SCENARIOS = (
    SIMULATED,
    "Things went wrong at the moments that the scenarios name; other moments are not covered by "
    "this run. recovery-drill explore kills at every boundary.",
)
LIMITS_OF_EXPLORATIONS = (
    SIMULATED,
    "A boundary that did not come in these bars of this market is not among them.",
    "Of a boundary that came often, only some occurrences were chosen; second kills happen only "
    "while the node comes back from one first kill.",
)


def page(material: Material, timelines: Mapping[str, Timeline]) -> str:
    """Return the page.

    Parameters
    ----------
    material : Material
        The run.
    timelines : Mapping[str, Timeline]
        What is drawn, by the name of the case.

    """
    return fill(
        "page.html.j2",
        material=material,
        verdict=material.verdict,
        facts=list(_facts(material).items()),
        limits=LIMITS_OF_EXPLORATIONS if material.exploration else LIMITS_OF_SCENARIOS,
        drawings={name: lay_out(timeline) for name, timeline in timelines.items()},
        cases=cases,
        figures=figures,
        tell_checks=tell_checks,
    )


def _facts(material: Material) -> dict[str, str]:
    """Return what the run was made of: enough to do it again."""
    facts = {"seed": str(material.verdict.seed)}
    schedule = material.schedule
    if schedule is not None:
        if schedule.epoch is not None:
            began = datetime.fromtimestamp(schedule.epoch / 1000, UTC)
            facts["market begins"] = f"{began:%Y-%m-%d %H:%M} UTC (epoch {schedule.epoch})"
        if schedule.market is not None:
            facts["market"] = f"{schedule.market.name}, sha256 {schedule.market.sha256[:16]}…"
        if material.exploration and schedule.cases:
            options = schedule.cases[0].options.items()
            facts["played"] = ", ".join(f"{value} {name}" for name, value in options)
        in_containers = schedule.runtime == "compose"
        command = " ".join(schedule.policy.node_command)
        facts["node"] = "containers of compose.yaml" if in_containers else command
        facts["symbols"] = ", ".join(schedule.policy.symbols)
        variables = schedule.policy.environment.items()
        facts["environment"] = " ".join(f"{name}={shlex.quote(v)}" for name, v in variables)
    facts["judged by"] = f"recovery-drill {__version__} on Python {platform.python_version()}"
    facts["run"] = material.folder.resolve().name
    return facts

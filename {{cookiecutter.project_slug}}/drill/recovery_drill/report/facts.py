"""What was drilled, as the page and the summary name it; pure."""

import platform
import shlex
from datetime import UTC, datetime

from recovery_drill import __version__
from recovery_drill.report.material import Material


def tell_facts(material: Material) -> dict[str, str]:
    """Return what the run was made of: enough to know it again, and to do it again."""
    return {name: said for name, said in {**_drilled(material), **_run(material)}.items() if said}


def _drilled(material: Material) -> dict[str, str]:
    drilled, schedule = material.verdict.drilled, material.schedule
    facts = {}
    if drilled is not None:
        facts["drilled"] = drilled.name
        windows = [f"{t.tag} needs {t.window} closed bars" for t in drilled.traded]
        facts["warm-up"] = ", ".join(dict.fromkeys(windows))
        facts["node"] = drilled.node
        facts["versions"] = ", ".join(f"{name} {said}" for name, said in drilled.versions.items())
        facts["commit"] = drilled.commit
        facts["date"] = drilled.date
        facts["machine"] = drilled.machine
    elif schedule is not None:
        facts["drilled"] = ", ".join(schedule.policy.symbols)
        facts["node"] = " ".join(schedule.policy.node_command)
    if material.machine:
        facts["speed"] = material.machine
    return facts


def _run(material: Material) -> dict[str, str]:
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
        if schedule.runtime == "compose":
            facts["node"] = "containers of compose.yaml"
        variables = schedule.policy.environment.items()
        facts["settings"] = " ".join(f"{name}={shlex.quote(v)}" for name, v in variables)
    facts["judged by"] = f"recovery-drill {__version__} on Python {platform.python_version()}"
    facts["run"] = material.folder.resolve().name
    facts["again"] = material.again
    return facts

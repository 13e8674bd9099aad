"""The verdict as one self-contained HTML page."""

import platform
from datetime import UTC, datetime
from html import escape

from recovery_drill import __version__
from recovery_drill.report.explored import explored
from recovery_drill.report.material import Material, figures
from recovery_drill.report.parts import Timelines, again, checks, drawing, rows, style
from recovery_drill.verdict import ScenarioVerdict

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


def page(material: Material, timelines: Timelines) -> str:
    """Return the page."""
    verdict = material.verdict
    body = explored if material.exploration else _played
    limits = LIMITS_OF_EXPLORATIONS if material.exploration else LIMITS_OF_SCENARIOS
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Recovery drill: {verdict.outcome}</title><style>{style()}</style></head><body>
<h1>Recovery drill: <span class="{verdict.outcome}">{verdict.outcome}</span></h1>
<p>{escape(material.counts())}.</p>
{_facts(material)}
{body(material, timelines)}
<h2>How to read this</h2>
<p class="soft">Each kill is a real SIGKILL of the node's process, proven by its exit code. In the
drawings: the price, buys (up) and sells (down), below them the position (green long, red short),
and each kill. Down is from a kill until the node traded again, to trading from the start of a
process until it traded; both are the longest of the case. The folder beside this page has the
records of both sides; <code>recovery-drill check</code> judges it again.</p>
<h2>What this does not show</h2><ul>{"".join(f"<li>{escape(limit)}</li>" for limit in limits)}</ul>
</body></html>
"""


def _facts(material: Material) -> str:
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
    facts["judged by"] = f"recovery-drill {__version__} on Python {platform.python_version()}"
    facts["run"] = material.folder.resolve().name
    cells = rows((name, escape(value)) for name, value in facts.items())
    return f'<table class="facts"><tbody>\n{cells}</tbody></table>'


def _played(material: Material, timelines: Timelines) -> str:
    scenarios = material.verdict.scenarios
    sections = "\n".join(_section(s, material, timelines) for s in scenarios)
    return f"""<div class="wide"><table><thead><tr><th>scenario</th><th>verdict</th>
<th class="n">kills</th><th class="n">fills</th><th class="n">seconds down</th>
<th class="n">seconds to trading</th></tr></thead><tbody>
{rows(map(_row, scenarios), numbers=4)}</tbody></table></div>
{sections}"""


def _row(scenario: ScenarioVerdict) -> tuple[str, ...]:
    name = escape(scenario.name)
    return (
        f'<a href="#{name}">{name}</a>',
        f'<span class="verdict {scenario.outcome}">{scenario.outcome}</span>',
        *figures(scenario),
    )


def _section(scenario: ScenarioVerdict, material: Material, timelines: Timelines) -> str:
    parts = [
        f'<section id="{escape(scenario.name)}">\n<h2>{escape(scenario.name)}: '
        f'<span class="{scenario.outcome}">{scenario.outcome}</span></h2>',
        f'<p class="soft">{escape(scenario.purpose)}</p>',
    ]
    if scenario.reason:
        parts.append(f'<p class="{scenario.outcome}">{escape(scenario.reason)}</p>')
    if scenario.first_reason:
        first = f"Second attempt; the first was inconclusive: {scenario.first_reason}"
        parts.append(f'<p class="inconclusive">{escape(first)}</p>')
    if scenario.outcome != "skipped":
        parts.append(drawing(scenario, timelines))
        if scenario.broken:
            parts.append(again(material.replay(scenario)))
        parts.append(checks(scenario))
    return "\n".join([*parts, "</section>"])

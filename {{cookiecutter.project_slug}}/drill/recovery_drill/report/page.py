"""The verdict as one self-contained HTML page."""

from collections.abc import Mapping
from html import escape

from recovery_drill.report.summary import seconds
from recovery_drill.report.timeline import STYLE, Timeline, draw
from recovery_drill.verdict import ScenarioVerdict, Verdict

PAGE_STYLE = """
:root { color-scheme: light dark; --soft: #66727f; --line: #d8dee5; --page: #fff;
  --inconclusive: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --soft: #98a4b1; --line: #34404d; --page: #14191f;
  --inconclusive: #e0a83a; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  max-width: 920px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .2rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left;
  padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.n { text-align: right; }
section td:first-child { width: 16rem; } a { color: inherit; }
.held { color: var(--held); } .broken { color: var(--broken); }
.inconclusive { color: var(--inconclusive); }
.verdict { font-weight: 600; } .soft { color: var(--soft); } svg { width: 100%; height: auto; }
"""

SHOWN = 20

LIMITS = (
    "Seen against the simulated exchange that comes with the drill, not against a real one.",
    "The node is killed at the moments that the scenarios name, mostly when the store has caught "
    "up with it; other moments are not covered by this run.",
    "The store is killed and lost together with the node, never under a running node.",
)


def page(verdict: Verdict, timelines: Mapping[str, Timeline]) -> str:
    """Return the page."""
    rows = "\n".join(_row(s) for s in verdict.scenarios)
    sections = "\n".join(_section(s, timelines[s.name]) for s in verdict.scenarios)
    limits = "".join(f"<li>{escape(limit)}</li>" for limit in LIMITS)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Recovery drill: {verdict.outcome}</title><style>{STYLE}{PAGE_STYLE}</style></head><body>
<h1>Recovery drill: <span class="{verdict.outcome}">{verdict.outcome}</span></h1>
<p class="soft">Seed {verdict.seed}. Each kill is a real SIGKILL of the node's process,
proven by its exit code.
In the drawings: the price, buys (up) and sells (down), below them the position (green long, red
short), and each kill. Down is from a kill until the node traded again, to trading from the start of
a process until it traded; both are the longest of the scenario. The folder beside this page has the
records of both sides; <code>recovery-drill check</code> judges it again.</p>
<table><thead><tr><th>scenario</th><th>verdict</th><th class="n">kills</th><th class="n">fills</th>
<th class="n">seconds down</th><th class="n">seconds to trading</th></tr></thead><tbody>
{rows}
</tbody></table>
{sections}
<h2>What this does not show</h2><ul>{limits}</ul>
</body></html>
"""


def _row(scenario: ScenarioVerdict) -> str:
    return (
        f'<tr><td><a href="#{escape(scenario.name)}">{escape(scenario.name)}</a></td>'
        f'<td class="verdict {scenario.outcome}">{scenario.outcome}</td>'
        f'<td class="n">{scenario.kills}</td><td class="n">{scenario.fills}</td>'
        f'<td class="n">{seconds(scenario.seconds_down)}</td>'
        f'<td class="n">{seconds(scenario.seconds_to_trading)}</td></tr>'
    )


def _section(scenario: ScenarioVerdict, timeline: Timeline) -> str:
    checks = []
    for check in scenario.checks:
        if check.left_out is not None:
            word, said = "inconclusive", f"left out: {escape(check.left_out)}"
        elif check.broken:
            shown = [escape(sentence) for sentence in check.broken[:SHOWN]]
            if (more := len(check.broken) - SHOWN) > 0:
                shown.append(f"and {more} times more, see verdict.json")
            word, said = "broken", "<br>".join(shown)
        else:
            word, said = "held", f"held, looked at: {check.evaluated}"
        checks.append(f'<tr><td>{escape(check.name)}</td><td class="{word}">{said}</td></tr>')
    reason = f'<p class="inconclusive">{escape(scenario.reason)}</p>' if scenario.reason else ""
    rows = "\n".join(checks)
    return f"""<section id="{escape(scenario.name)}">
<h2>{escape(scenario.name)}: <span class="{scenario.outcome}">{scenario.outcome}</span></h2>
<p class="soft">{escape(scenario.purpose)}</p>{reason}
{draw(timeline)}
<table><tbody>
{rows}
</tbody></table></section>"""

"""What the sections of the page are made of."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from recovery_drill.report.material import shortened
from recovery_drill.report.timeline import STYLE, Timeline, draw
from recovery_drill.verdict import ScenarioVerdict

type Timelines = Mapping[str, Timeline]

SHOWN = 20

PAGE_STYLE = """
:root { color-scheme: light dark; --soft: #66727f; --line: #d8dee5; --page: #fff;
  --inconclusive: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --soft: #98a4b1; --line: #34404d; --page: #14191f;
  --inconclusive: #e0a83a; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  max-width: 920px; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .4rem; }
.facts { margin: 1rem 0 2rem; color: var(--soft); font-size: .9em; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left;
  padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.n { text-align: right; } .wide { overflow-x: auto; overflow-wrap: normal; }
.checks td:first-child { width: 16rem; } .facts td:first-child { width: 8rem; }
a { color: inherit; } code { font-size: .9em; } summary { cursor: pointer; padding: .2rem 0; }
.held { color: var(--held); } .broken { color: var(--broken); }
.inconclusive { color: var(--inconclusive); } .skipped { color: var(--soft); }
.verdict { font-weight: 600; } .soft { color: var(--soft); }
.many { columns: 24rem; font-size: .9em; padding-left: 1.2rem; }
svg { display: block; width: 100%; min-width: 720px; height: auto; }
@media (max-width: 600px) { .checks td { display: block; } .wide table { font-size: .8em; }
  .checks td:first-child { width: auto; border: 0; padding-bottom: 0; }
  .facts td:first-child { width: 6rem; } }
"""


def style() -> str:
    """Return the page's style sheet."""
    return STYLE + PAGE_STYLE


def drawing(scenario: ScenarioVerdict, timelines: Timelines) -> str:
    """Return a case's drawing; on a narrow screen it can be moved sideways."""
    timeline = timelines.get(scenario.name)
    return f'<div class="wide">{draw(timeline)}</div>' if timeline else ""


def again(command: str) -> str:
    """Return how a case is played again."""
    return f"<p>Again: <code>{escape(command)}</code></p>"


def checks(scenario: ScenarioVerdict) -> str:
    """Return what the checks of a case said: what held is folded away."""
    told, held, idle = [], [], []
    for check in scenario.checks:
        if check.broken:
            lines = map(escape, shortened(check.broken, SHOWN))
            told.append((check.name, _tinted("broken", "<br>".join(lines))))
        elif check.left_out is not None:
            text = f"left out: {escape(check.left_out)}"
            told.append((check.name, _tinted("inconclusive", text)))
        elif check.evaluated:
            held.append((check.name, _tinted("held", f"held, looked at: {check.evaluated}")))
        else:
            idle.append((check.name, _tinted("soft", "nothing to look at")))
    text = _checks_table(told) if told else ""
    if held or idle:
        said = f"Checks held: {len(held)}" + (f", nothing to look at: {len(idle)}" if idle else "")
        text += f"<details><summary>{said}</summary>{_checks_table(held + idle)}</details>"
    return text


def _checks_table(cells: Sequence[Sequence[str]]) -> str:
    return f'<table class="checks"><tbody>\n{rows(cells)}</tbody></table>'


def _tinted(kind: str, text: str) -> str:
    return f'<span class="{kind}">{text}</span>'


def rows(cells: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """Return table rows of cells that are HTML already; the last `numbers` of them are numbers."""
    return "".join(
        "<tr>"
        + "".join(
            f'<td class="n">{cell}</td>' if n >= len(row) - numbers else f"<td>{cell}</td>"
            for n, cell in enumerate(row)
        )
        + "</tr>\n"
        for row in cells
    )

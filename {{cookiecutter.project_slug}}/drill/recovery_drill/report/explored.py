"""An exploration on the page: what was covered, what did not hold, and the rest as a list."""

from collections.abc import Iterator
from html import escape

from recovery_drill.coverage import Covered
from recovery_drill.report.material import WORST_FIRST, Group, Material
from recovery_drill.report.parts import Timelines, again, checks, drawing, rows


def explored(material: Material, timelines: Timelines) -> str:
    """Return the sections of an exploration, the worst first."""
    parts = [_group(group, material, timelines) for group in material.groups()]
    if material.coverage is not None:
        parts.append(_coverage(material))
    held = "".join(f"<li>{escape(case.name)}</li>" for case in material.of("held"))
    if held:
        parts.append(
            f"<h2>Held</h2>\n<details><summary>{len(material.of('held'))} cases</summary>"
            f'<ul class="many">{held}</ul></details>'
        )
    if notes := "".join(f"<li>{escape(note)}</li>" for note in material.notes()):
        parts.append(f"<h2>Left out and tried twice</h2>\n<ul>{notes}</ul>")
    return "\n".join(parts)


def _group(group: Group, material: Material, timelines: Timelines) -> str:
    """Return the cases of which the same is to be said; the first lies open."""
    parts = [f'<h2 class="{group.outcome}">{escape(group.title)}</h2>']
    for number, case in enumerate(group.cases):
        parts.append(
            f'<details id="{escape(material.place(case))}"{"" if number else " open"}>'
            f"<summary>{escape(case.name)}</summary>"
        )
        if group.outcome != "skipped":
            parts += [drawing(case, timelines), checks(case)]
        parts.append(again(material.replay(case)) + "</details>")
    return "\n".join(parts)


def _coverage(material: Material) -> str:
    assert material.coverage is not None
    counts = rows(((called, *map(str, n)) for called, *n in material.coverage.rows()), numbers=4)
    every = rows(_boundary(material, boundary) for boundary in material.coverage.boundaries)
    return f"""<h2>What was covered</h2>
<div class="wide"><table><thead><tr><th>boundaries</th><th class="n">found</th>
<th class="n">killed at</th><th class="n">broken</th><th class="n">skipped</th></tr></thead><tbody>
{counts}</tbody></table></div>
<details><summary>every boundary</summary>
<div class="wide"><table><thead><tr><th>boundary</th><th>times</th><th>the node</th></tr></thead>
<tbody>
{every}</tbody></table></div></details>"""


def _boundary(material: Material, boundary: Covered) -> tuple[str, str, str]:
    where = "recovering: " if boundary.recovery else ""
    found = list(_outcomes(material, boundary)) or [escape(boundary.skipped)]
    return escape(where + boundary.name), str(boundary.occurrences), ", ".join(found)


def _outcomes(material: Material, boundary: Covered) -> Iterator[str]:
    here = sorted(material.at(boundary), key=lambda case: WORST_FIRST.index(case.outcome))
    for case in here:
        said = f'<span class="{case.outcome}">{case.outcome}</span>'
        if case.outcome != "held":
            said = f'<a href="#{escape(material.place(case))}">{said}</a>'
        yield said

"""The verdict as Markdown, for a job summary."""

from recovery_drill.verdict import ScenarioVerdict, Verdict


def seconds(value: float | None) -> str:
    """Return seconds with one decimal, or a dash."""
    return "-" if value is None else f"{value:.1f}"


def summary(verdict: Verdict) -> str:
    """Return a table of scenarios and, below it, every broken promise."""
    lines = [
        f"## Recovery drill: {verdict.outcome} (seed {verdict.seed})",
        "",
        "| scenario | verdict | kills | fills | seconds down | seconds to trading |",
        "|---|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {s.name} | {s.outcome} | {s.kills} | {s.fills} | {seconds(s.seconds_down)} "
        f"| {seconds(s.seconds_to_trading)} |"
        for s in verdict.scenarios
    ]
    for scenario in verdict.scenarios:
        found = _found(scenario)
        if found:
            lines += ["", f"**{scenario.name}**", "", *found]
    return "\n".join(lines) + "\n"


def _found(scenario: ScenarioVerdict) -> list[str]:
    found = [f"- `{c.name}`: {sentence}" for c in scenario.checks for sentence in c.broken]
    found += [f"- `{c.name}` left out: {c.left_out}" for c in scenario.checks if c.left_out]
    if scenario.first_reason:
        found.append(f"- second attempt; the first was inconclusive: {scenario.first_reason}")
    if scenario.reason:
        found.append(f"- inconclusive: {scenario.reason}")
    return found

"""The verdict in plain words: what came out, what it means, and what the reader should do; pure."""

from dataclasses import dataclass

from recovery_drill.record.verdict import Outcome, ScenarioVerdict
from recovery_drill.report.material import Material, number_of


@dataclass(frozen=True)
class Hero:
    """What stands first on the page.

    Parameters
    ----------
    outcome : str
        Of the run.
    title : str
        The same as a headline.
    meaning : str
        What it means for the drilled node.
    to_do : str
        What the reader should do now.
    command : str
        What helps with it; empty for nothing.
    figures : tuple[tuple[str, str], ...]
        The run in numbers: number and what it counts.

    """

    outcome: Outcome
    title: str
    meaning: str
    to_do: str
    command: str
    figures: tuple[tuple[str, str], ...]


TITLES: dict[Outcome, str] = {
    "held": "Every promise held",
    "broken": "Promises were broken",
    "inconclusive": "Nothing can be said yet",
    "skipped": "Nothing was drilled",
}


def tell_verdict(material: Material) -> Hero:
    """Return the verdict on a run in words."""
    outcome = material.verdict.outcome
    tell = {"held": _held, "broken": _broken, "inconclusive": _inconclusive}
    meaning, to_do, command = tell[outcome](material)
    return Hero(outcome, TITLES[outcome], meaning, to_do, command, _figures(material))


def _cases(material: Material, number: int) -> str:
    return number_of(number, "case" if material.exploration else "scenario")


def _kills(material: Material) -> int:
    return sum(scenario.kills for scenario in material.verdict.scenarios)


def _held(material: Material) -> tuple[str, str, str]:
    held, skipped = material.of("held"), material.of("skipped")
    kills = _kills(material)
    what = f"In all {_cases(material, len(held))} the node ended with the orders, fills, position "
    if kills:
        meaning = (
            f"The node was killed {'once' if kills == 1 else f'{kills} times'} (SIGKILL, proven by "
            f"its exit code). {what}and protection that it promises."
        )
    else:
        meaning = f"{what}and protection that it promises."
    if skipped:
        meaning += f" {_cases(material, len(skipped))} skipped: this machine lacks what they need."
    to_do = (
        "Nothing is to be repaired. Let the drill run on every change, so that it stays so."
        if material.exploration
        else "Nothing is to be repaired. To kill the node at every other boundary, too, explore:"
    )
    return meaning, to_do, "" if material.exploration else f"{material.program} explore"


def _broken(material: Material) -> tuple[str, str, str]:
    broken, held = material.of("broken"), material.of("held")
    unknown = material.of("inconclusive")
    meaning = (
        f"{_cases(material, len(broken))} of {len(material.verdict.scenarios)} broke a promise; "
        f"{len(held)} held" + (f", {len(unknown)} inconclusive. " if unknown else ". ")
    )
    meaning += (
        "With real money each of these is a position, an order or a stop that is not what the node "
        "thinks it is."
    )
    to_do = (
        "Read the first broken promise below, what happened around it and the node's own words. "
        "Play it again until it holds:"
    )
    return meaning, to_do, material.replay(broken[0])


def _inconclusive(material: Material) -> tuple[str, str, str]:
    unknown = material.of("inconclusive")
    if not unknown:
        return (
            "Every scenario was skipped: this machine lacks what they need.",
            "The reasons stand below.",
            "",
        )
    meaning = (
        f"No promise was broken, but {_cases(material, len(unknown))} of "
        f"{len(material.verdict.scenarios)} could not do what they are for, twice. That is neither "
        "good nor bad for the node."
    )
    to_do = (
        "Read the reason below. Often the market gave the node nothing to do (another --seed), or "
        "the machine was busy (fewer --jobs). Then play it again:"
    )
    return meaning, to_do, material.replay(unknown[0])


def _figures(material: Material) -> tuple[tuple[str, str], ...]:
    scenarios = material.verdict.scenarios
    found = [
        (str(len(cases)), outcome)
        for outcome in ("broken", "inconclusive", "skipped", "held")
        if (cases := material.of(outcome))
    ]
    found.append((str(_kills(material)), "kill -9"))
    found.append((str(sum(scenario.fills for scenario in scenarios)), "fills"))
    for name, value in (
        ("longest down", _longest(scenarios, "seconds_down")),
        ("longest start", _longest(scenarios, "seconds_to_trading")),
    ):
        if value is not None:
            found.append((f"{value:.1f} s", name))
    return tuple(found)


def _longest(scenarios: tuple[ScenarioVerdict, ...], of: str) -> float | None:
    values = [getattr(scenario, of) for scenario in scenarios]
    return max((value for value in values if value is not None), default=None)

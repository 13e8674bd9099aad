"""Which crash points there are, which of them a run kills at, and which it skips. Pure."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from recovery_drill.record.boundary import KINDS, Boundary, CrashPoint
from recovery_drill.record.schedule import Case
from recovery_drill.record.verdict import ScenarioVerdict

FIRST_KILL = ("order.new entry", "order.new", "conditional.new")
"""Where the first of two kills happens, by preference: the recovery has the most to do then."""

NOT_CHOSEN = "left out by --only or --most"

LONGEST_SLUG = 120
"""Characters of a case's folder; file systems take 255 for a name, and reports add to it."""


class Covered(msgspec.Struct, kw_only=True):
    """One boundary and what was done there.

    Parameters
    ----------
    name, kind : str
        The boundary.
    recovery : bool
        Whether it was met while the node came back from a first kill.
    occurrences : int
        How often it came while it was learned.
    killed : int
        Proven kills there.
    broken : int
        Cases that broke a promise.
    skipped : str
        Why nobody was killed there; empty if somebody was.

    """

    name: str
    kind: str
    recovery: bool
    occurrences: int
    killed: int = 0
    broken: int = 0
    skipped: str = ""


class Coverage(msgspec.Struct, frozen=True):
    """What an exploration found, killed at and skipped: ``coverage.json``."""

    boundaries: tuple[Covered, ...]
    schema: int = 1

    def rows(self) -> list[tuple[str, int, int, int, int]]:
        """Return kind, boundaries found, killed at, broken and skipped, for a table."""
        counted = []
        for recovery in (False, True):
            for kind, called in KINDS.items():
                of_kind = [b for b in self.boundaries if (b.kind, b.recovery) == (kind, recovery)]
                if of_kind:
                    counted.append(
                        (
                            called + (", while recovering" if recovery else ""),
                            len(of_kind),
                            sum(b.killed > 0 for b in of_kind),
                            sum(b.broken > 0 for b in of_kind),
                            sum(bool(b.skipped) for b in of_kind),
                        )
                    )
        return counted


def spread(occurrences: int, wanted: int) -> list[int]:
    """Choose up to `wanted` of 1 … `occurrences`, evenly spread; one alone is the middle one."""
    wanted = min(wanted, occurrences)
    return sorted({(2 * i + 1) * occurrences // (2 * wanted) + 1 for i in range(wanted)})


def plan_cases(
    found: Mapping[Boundary, int],
    *,
    scenario: str,
    options: dict[str, int],
    reference: str,
    each: int,
    after: CrashPoint | None = None,
) -> list[Case]:
    """Return a case for each crash point that is chosen.

    Parameters
    ----------
    found : Mapping[Boundary, int]
        Each boundary and how often it came.
    scenario, options, reference : str, dict, str
        What is played, and what it is compared with.
    each : int
        How many occurrences of each boundary are chosen.
    after : CrashPoint, optional
        Where the node is killed before: the boundaries are those of its recovery.

    """
    cases = []
    for boundary, occurrences in found.items():
        for nth in spread(occurrences, each):
            point = CrashPoint(boundary, nth)
            points = (point,) if after is None else (after, point)
            name = point.name if after is None else f"recovering: {point.name}"
            cases.append(
                Case(
                    name=name,
                    scenario=scenario,
                    options=options,
                    crash_points=points,
                    folder=f"cases/{_slug(name)}",
                    reference=reference,
                )
            )
    return cases


def first_kill(found: Mapping[Boundary, int]) -> CrashPoint | None:
    """Choose where the node is killed before its recovery is explored: an order is in flight."""
    for what in FIRST_KILL:
        for boundary, occurrences in found.items():
            if boundary.what.startswith(what) and boundary.phase == "processed":
                return CrashPoint(boundary, spread(occurrences, 1)[0])
    return None


def choose(cases: Sequence[Case], only: str, most: int | None) -> list[Case]:
    """Keep the cases whose name `only` is found in, and of these at most `most`, evenly spread."""
    kept = [case for case in cases if re.search(only, case.name)]
    if most is None or most >= len(kept):
        return kept
    return [kept[nth - 1] for nth in spread(len(kept), most)]


def cover(
    found: Mapping[Boundary, int],
    recovery: Mapping[Boundary, int],
    cases: Iterable[Case],
    verdicts: Iterable[ScenarioVerdict],
) -> Coverage:
    """Say of each boundary what became of it."""
    killed: Counter[tuple[Boundary, bool]] = Counter()
    broken: Counter[tuple[Boundary, bool]] = Counter()
    reasons: dict[tuple[Boundary, bool], str] = {}
    for case, verdict in zip(cases, verdicts, strict=True):
        key = (case.crash_points[-1].boundary, len(case.crash_points) > 1)
        reached = len(verdict.crash_points) == len(case.crash_points)
        killed[key] += reached
        broken[key] += verdict.outcome == "broken"
        if not reached:
            reasons[key] = verdict.reason or "It did not come again."
    return Coverage(
        tuple(
            Covered(
                name=boundary.name,
                kind=boundary.kind,
                recovery=recovering,
                occurrences=occurrences,
                killed=killed[boundary, recovering],
                broken=broken[boundary, recovering],
                skipped=""
                if killed[boundary, recovering]
                else reasons.get((boundary, recovering), NOT_CHOSEN),
            )
            for recovering, these in ((False, found), (True, recovery))
            for boundary, occurrences in these.items()
        )
    )


def _slug(name: str) -> str:
    slug = re.sub(r"[^\w.]+", "-", name).strip("-")
    if len(slug) <= LONGEST_SLUG:
        return slug
    # A transaction is named by all of its commands, and may have many.
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{slug[: LONGEST_SLUG - len(digest) - 1]}-{digest}"

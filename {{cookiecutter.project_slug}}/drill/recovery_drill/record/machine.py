"""What the machine can do, and when it was late: no node is blamed for the machine it runs on.

Budgets are seconds of a machine that is quick enough. What it can do is measured once, before
anything is played, and a slower one gives every budget more of them. When it has no processor or
disk to spare for a while all the same, that is noted, and judged beside what was broken meanwhile.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from recovery_drill.record.model import Record
from recovery_drill.record.policy import Budgets, Policy

LATE = "machine.late"
MOST_FACTOR = 6.0
"""A machine that is slower still says nothing about the node in any time that one would wait."""
SHORTEST_SECONDS = 1.0
"""Less than this lost at a stretch is what every machine loses now and then."""
GAP_NS = 3_000_000_000
"""What was lost with less than this between belongs together."""


class Figures(NamedTuple):
    """How long three things take that node, store and drill live on.

    Parameters
    ----------
    process_seconds : float
        An interpreter starts and ends.
    flush_seconds : float
        A page is written and flushed to disk.
    loop_seconds : float
        A loop of a fixed length is counted through.

    """

    process_seconds: float
    flush_seconds: float
    loop_seconds: float


EXPECTED = Figures(process_seconds=0.15, flush_seconds=0.03, loop_seconds=0.20)
"""What budgets count on: twice what a small machine in a data centre needs."""
DOES = ("start a process", "flush a page to disk", "count through a loop")


class Machine(msgspec.Struct, frozen=True):
    """What a run knows of the machine that it is played on.

    Parameters
    ----------
    factor : float
        How many times as long as counted on everything takes; 1 or more.
    sentence : str
        How that is known.

    """

    factor: float = 1.0
    sentence: str = ""


class LateSpan(NamedTuple):
    """A time in which the machine was late.

    Parameters
    ----------
    from_ns, to_ns : int
        From when until when, monotonic.
    seconds : float
        How much of it was lost.

    """

    from_ns: int
    to_ns: int
    seconds: float


def machine_of(figures: Figures) -> Machine:
    """Say by how much budgets are to grow on a machine; the slowest of its figures decides."""
    ratios = [took / expected for took, expected in zip(figures, EXPECTED, strict=True)]
    slowest = max(range(len(ratios)), key=ratios.__getitem__)
    factor = round(min(MOST_FACTOR, max(1.0, ratios[slowest])), 1)
    if factor == 1.0:
        return Machine(1.0, "The machine is as quick as the budgets count on.")
    return Machine(
        factor,
        f"It takes the machine {figures[slowest]:.2f} s to {DOES[slowest]}, and the budgets count "
        f"on {EXPECTED[slowest]:.2f} s: each is {factor:g} times as long.",
    )


def scaled(policy: Policy, machine: Machine) -> Policy:
    """Return a policy whose budgets are those of a machine."""
    if machine.factor == 1.0:
        return policy
    seconds = msgspec.structs.asdict(policy.budgets)
    budgets = Budgets(**{name: value * machine.factor for name, value in seconds.items()})
    return msgspec.structs.replace(policy, budgets=budgets)


def late_spans(records: Iterable[Record]) -> tuple[LateSpan, ...]:
    """Return when a machine was late for long enough to count, from what the drill noted of it."""
    spans: list[LateSpan] = []
    for record in records:
        lost, over = float(record.data["seconds"]), float(record.data["over"])
        span = LateSpan(record.mono_ns - int(over * 1e9), record.mono_ns, lost)
        if spans and span.from_ns - spans[-1].to_ns < GAP_NS:
            span = LateSpan(spans[-1].from_ns, span.to_ns, spans[-1].seconds + lost)
            spans.pop()
        spans.append(span)
    return tuple(span for span in spans if span.seconds >= SHORTEST_SECONDS)

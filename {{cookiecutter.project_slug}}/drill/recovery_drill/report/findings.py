"""Broken promises with the time at which each broke, and what happened around it."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from recovery_drill.record.model import Record
from recovery_drill.record.verdict import CheckResult
from recovery_drill.report.log_lines import LogLine, read_lines_around
from recovery_drill.report.moments import Moment
from recovery_drill.report.said import spans
from recovery_drill.report.times import SECOND_NS, market_time, readable, seconds
from recovery_drill.report.told_play import ToldPlay

MOST = 12
"""So many broken promises of one check are told; verdict.json has them all."""
BEFORE, AFTER, MOST_LOOKED_AROUND = 7, 4, 6
TOGETHER_NS, LATE = SECOND_NS // 4, 1 << 62
ASKED = "after it was asked to stop"
LOOKS = ("snapshot", "left", "store.look", "health.look", "after.stop")
ORDERS = ("order", "conditional")
LIFE = re.compile(r"\bLi(?:fe|ves) (\d+)(?: and (\d+))?")
INTO = re.compile(r"(\d+(?:\.\d+)?) s into (\S+?)\.?$")
CHANGE = re.compile(r"\b((?:order|conditional)\.[a-z]+) ([A-Za-z0-9_-]+)")
NAME = re.compile(r"[A-Za-z0-9_-]{6,}")


@dataclass(frozen=True)
class Finding:
    """One broken promise.

    Parameters
    ----------
    check, sentence : str
        Who found it, and what is broken.
    times : int
        How often it was found.
    began_ns, ended_ns : int or None
        Monotonic times of the first and the last moment; None where nothing tells.
    until : str
        The last moment in words; empty when it was found once.

    """

    check: str
    sentence: str
    times: int = 1
    began_ns: int | None = None
    ended_ns: int | None = None
    until: str = ""


@dataclass(frozen=True)
class Break:
    """A moment at which promises were found to be broken, one or several together.

    Parameters
    ----------
    findings : tuple[Finding, ...]
        Which promises.
    when : str
        The moment in words; empty where nothing tells it.
    before, after : tuple[Moment, ...]
        What happened shortly before and after.
    log : tuple[LogLine, ...]
        The lines of the node's log around it.
    life : int or None
        Whose log it is.

    """

    findings: tuple[Finding, ...]
    when: str = ""
    before: tuple[Moment, ...] = ()
    after: tuple[Moment, ...] = ()
    log: tuple[LogLine, ...] = ()
    life: int | None = None


@dataclass(frozen=True)
class Finder:
    """Finds out when something happened that a sentence tells of."""

    play: ToldPlay
    moments: Sequence[Moment]

    @cached_property
    def _looks(self) -> dict[str, tuple[int, int]]:
        """When each look was first and last taken, by what it is called in sentences."""
        found: dict[str, tuple[int, int]] = {}
        for record in self.play.history:
            when = ASKED if record.kind == "after.stop" else record.data.get("when")
            if record.kind in LOOKS and when:
                first, _ = found.get(str(when), (record.mono_ns, 0))
                found[str(when)] = first, record.mono_ns
        return found

    @cached_property
    def _named(self) -> dict[str, int]:
        """When each order was last told of, by its ids."""
        found: dict[str, int] = {}
        for record in self.play.journal:
            if record.kind.partition(".")[0] in ORDERS:
                for name in ("client_order_id", "exchange_order_id"):
                    found[str(record.data.get(name))] = record.mono_ns
        return found

    @cached_property
    def _changes(self) -> dict[tuple[str, str], int]:
        """When each order first changed in each way, by the change and its id."""
        changes = (r for r in reversed(self.play.journal) if r.kind.partition(".")[0] in ORDERS)
        return {(r.kind, str(r.data.get("client_order_id"))): r.mono_ns for r in changes}

    def moment_of(self, sentence: str, *, last: bool = False) -> int | None:
        """Return the monotonic time of what a sentence tells of; None when it names nothing."""
        if (into := INTO.search(sentence)) is not None:
            for fault in self.play.faults:
                if fault.name == into[2]:
                    return fault.began_ns + int(float(into[1]) * SECOND_NS)
        calls = [when for when in self._looks if when in sentence]
        if calls:
            return self._looks[max(calls, key=len)][last]
        changes = [self._changes[c] for c in CHANGE.findall(sentence) if c in self._changes]
        if changes:
            return changes[-1]
        names = [self._named[n] for n in NAME.findall(sentence) if n in self._named]
        if names:
            return max(names)
        if (life := LIFE.search(sentence)) is not None:
            wanted = int(life[2] or life[1])
            starts = [x.reached("trading") or x.started_ns for x in self.play.lives]
            numbers = [x.number for x in self.play.lives]
            return starts[numbers.index(wanted)] if wanted in numbers else None
        return None

    def find(self, check: CheckResult) -> list[Finding]:
        """Return what a check found, each broken promise once."""
        said = spans(check.broken, self._looks)
        day = self.play.takes_days
        found = [
            self._place(
                Finding(check.name, readable(each.first, day=day), each.times),
                self.moment_of(each.first),
                self.moment_of(each.last, last=True) if each.times > 1 else None,
            )
            for each in said[:MOST]
        ]
        if (more := len(said) - MOST) > 0:
            words = f"and {more} more broken promise{'s' * (more != 1)}, see verdict.json"
            found.append(Finding(check.name, words))
        return found

    def _place(self, finding: Finding, began: int | None, ended: int | None) -> Finding:
        if began is None:
            return finding
        until = self._when(ended) if ended is not None and ended > began else ""
        return replace(finding, began_ns=began, ended_ns=ended, until=until)

    def _when(self, at: int) -> str:
        clock, play = self.play.clock, self.play
        spent = seconds(at, play.began_ns)
        if clock is None:
            return f"{spent} into the play"
        market = market_time(clock.market(at), day=play.takes_days)
        return f"{market}, {spent} into the play"

    def breaks(self, findings: Sequence[Finding]) -> list[Break]:
        """Return the moments at which promises broke, in order; the first ones looked around at."""
        together: list[list[Finding]] = []
        for finding in sorted(findings, key=lambda each: each.began_ns or LATE):
            before = together[-1][0].began_ns if together else None
            near = (finding.began_ns or LATE) - (before or LATE) <= TOGETHER_NS
            if together and (near or finding.began_ns is before):
                together[-1].append(finding)
            else:
                together.append([finding])
        return [
            self._look_around(tuple(these), look=number < MOST_LOOKED_AROUND)
            for number, these in enumerate(together)
        ]

    def _look_around(self, findings: tuple[Finding, ...], *, look: bool) -> Break:
        at = findings[0].began_ns
        if at is None:
            return Break(findings)
        found = Break(findings, self._when(at))
        if not look:
            return found
        middle = bisect_right([moment.mono_ns for moment in self.moments], at)
        before, after = self.moments[max(0, middle - BEFORE) : middle], self.moments[middle:]
        found = replace(found, before=tuple(before), after=tuple(after[:AFTER]))
        started = [life for life in self.play.lives if life.started_ns <= at]
        if not started or started[-1].number not in self.play.logs:
            return found
        life = started[-1].number
        log = read_lines_around(self.play.logs[life], at + self.play.wall_minus_mono_ns)
        return replace(found, log=tuple(log), life=life)


def bars_of(history: Sequence[Record]) -> int:
    """Return how many bars were closed in a play."""
    return sum(record.kind == "bar.stepped" for record in history)

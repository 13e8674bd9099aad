"""Broken promises with the time at which each broke, and what happened around it."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from recovery_drill.record.model import Record
from recovery_drill.record.verdict import CheckResult
from recovery_drill.report.log_lines import LogLine, read_lines_around
from recovery_drill.report.moments import Moment
from recovery_drill.report.said import spans
from recovery_drill.report.times import market_time, readable, seconds
from recovery_drill.report.told_play import ToldPlay

MOST = 12
"""So many broken promises of one check are told; verdict.json has them all."""
BEFORE, AFTER = 6, 5
LIFE = re.compile(r"\bLi(?:fe|ves) (\d+)(?: and (\d+))?")
INTO = re.compile(r"(\d+(?:\.\d+)?) s into (\S+?)\.?$")
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
    when : str
        The same in words.
    around : tuple[Moment, ...]
        What happened shortly before and after.
    log : tuple[LogLine, ...]
        The lines of the node's log around it.
    life : int or None
        Whose log it is.

    """

    check: str
    sentence: str
    times: int = 1
    began_ns: int | None = None
    ended_ns: int | None = None
    when: str = ""
    around: tuple[Moment, ...] = ()
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
            when = record.data.get("when")
            if record.kind in ("snapshot", "left", "store.look", "health.look") and when:
                first, _ = found.get(str(when), (record.mono_ns, 0))
                found[str(when)] = first, record.mono_ns
        return found

    @cached_property
    def _named(self) -> dict[str, int]:
        """When each order was last told of, by its ids."""
        found: dict[str, int] = {}
        for record in self.play.journal:
            if record.kind.startswith(("order.", "conditional.")):
                for name in ("client_order_id", "exchange_order_id"):
                    found[str(record.data.get(name))] = record.mono_ns
        return found

    def moment_of(self, sentence: str, *, last: bool = False) -> int | None:
        """Return the monotonic time of what a sentence tells of; None when it names nothing."""
        if (into := INTO.search(sentence)) is not None:
            for fault in self.play.faults:
                if fault.name == into[2]:
                    return fault.began_ns + int(float(into[1]) * 1e9)
        calls = [when for when in self._looks if when in sentence]
        if calls:
            return self._looks[max(calls, key=len)][last]
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
        if more := len(said) - MOST:
            if more > 0:
                words = f"and {more} more broken promise{'s' * (more != 1)}, see verdict.json"
                found.append(Finding(check.name, words))
        return found

    def _place(self, finding: Finding, began: int | None, ended: int | None) -> Finding:
        if began is None or not self.moments:
            return finding
        when = self._when(began)
        if ended is not None and ended > began:
            when = f"{when} until {self._when(ended)}"
        return replace(finding, began_ns=began, ended_ns=ended, when=when)

    def _when(self, at: int) -> str:
        clock, play = self.play.clock, self.play
        spent = seconds(at, play.began_ns)
        if clock is None:
            return spent
        return f"{market_time(clock.market(at), day=play.takes_days)} ({spent})"

    def look_around(self, finding: Finding) -> Finding:
        """Return a finding with what happened around it and the lines of the node's log."""
        at = finding.began_ns
        if at is None:
            return finding
        middle = bisect_left([moment.mono_ns for moment in self.moments], at)
        around = self.moments[max(0, middle - BEFORE) : middle + AFTER]
        started = [life for life in self.play.lives if life.started_ns <= at]
        if not started or started[-1].number not in self.play.logs:
            return replace(finding, around=tuple(around))
        life = started[-1].number
        log = read_lines_around(self.play.logs[life], at + self.play.wall_minus_mono_ns)
        return replace(finding, around=tuple(around), log=tuple(log), life=life)


def bars_of(history: Sequence[Record]) -> int:
    """Return how many bars were closed in a play."""
    return sum(record.kind == "bar.stepped" for record in history)

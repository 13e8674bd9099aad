"""One play as its folder tells it: what the drill and the exchange wrote down, and the node."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from recovery_drill.record.evidence import FaultSpan, Life
from recovery_drill.record.model import Record, read_records
from recovery_drill.record.rebuild import faults_of, lives_of
from recovery_drill.report.clock import Clock, build_clock

DAY_MS = 86_400_000


@dataclass(frozen=True)
class ToldPlay:
    """The records of one play.

    Parameters
    ----------
    history, journal : tuple[Record, ...]
        The drill's records and the exchange's.
    reference : tuple[Record, ...]
        The exchange's of the same play undisturbed; empty when it was not compared.
    logs : dict[int, Path]
        The node's logs, by the number of the life.

    """

    history: tuple[Record, ...] = ()
    journal: tuple[Record, ...] = ()
    reference: tuple[Record, ...] = ()
    logs: dict[int, Path] = field(default_factory=dict)

    @cached_property
    def lives(self) -> tuple[Life, ...]:
        """The node's lives."""
        return lives_of(self.history)

    @cached_property
    def faults(self) -> tuple[FaultSpan, ...]:
        """What else was done to node, store or exchange."""
        return faults_of(self.history)

    @property
    def own_faults(self) -> tuple[FaultSpan, ...]:
        """The faults but those that are told of the life of the node that they let stand still."""
        told = any(life.pauses for life in self.lives)
        return tuple(x for x in self.faults if not (told and x.name.startswith("node.pause")))

    @cached_property
    def clock(self) -> Clock | None:
        """Where its moments stand; None when nothing was played."""
        began = self.began_ns
        both = ((r.mono_ns, r.market_ms) for r in self.journal if r.market_ms is not None)
        moments = [(max(mono, began), market) for mono, market in both]
        if not moments or not self.history:
            return None
        last = max(moments)[1]
        moments += [(self.ended_ns, max(last, max(market for _, market in moments)))]
        return build_clock(moments, len(self.lives))

    @cached_property
    def began_ns(self) -> int:
        """Monotonic time of its beginning: the first life's start, if there was one."""
        starts = [r.mono_ns for r in self.history if r.kind == "node.started"]
        return starts[0] if starts else min((r.mono_ns for r in self.history), default=0)

    @cached_property
    def ended_ns(self) -> int:
        """Monotonic time of the last thing that was noted."""
        return max((r.mono_ns for r in (*self.history, *self.journal)), default=0)

    @cached_property
    def wall_minus_mono_ns(self) -> int:
        """What is added to a monotonic time to have it by the wall clock."""
        return next((r.wall_ns - r.mono_ns for r in self.history if r.source == "drill"), 0)

    @cached_property
    def takes_days(self) -> bool:
        """Whether a time needs its day to be told from others."""
        clock = self.clock
        return clock is not None and clock.markets[-1] - clock.markets[0] >= DAY_MS

    def outages(self) -> list[tuple[int, int]]:
        """Return from when until when no node traded after the end of one that should have."""
        trading = [
            (at, life.ended_ns or self.ended_ns)
            for life in self.lives
            for name, at in life.stages
            if name == "trading"
        ]
        found = []
        for life in self.lives:
            if life.ended_ns is None or life.how == "stopped" or life.only_beside:
                continue
            if any(since <= life.ended_ns < until for since, until in trading):
                continue  # another one traded on
            back = min((s for s, _ in trading if s > life.ended_ns), default=self.ended_ns)
            found.append((life.ended_ns, back))
        return found


def read_told_play(folder: Path, reference: Path | None = None) -> ToldPlay:
    """Read one play's folder, and the exchange's records of the undisturbed one."""
    logs = {
        int(path.stem.removeprefix("node-")): path
        for path in folder.glob("node-*.log")
        if path.stem.removeprefix("node-").isdecimal()
    }
    return ToldPlay(
        history=_read(folder / "history.jsonl"),
        journal=_read(folder / "exchange.jsonl"),
        reference=_read(reference / "exchange.jsonl") if reference is not None else (),
        logs=logs,
    )


def _read(path: Path) -> tuple[Record, ...]:
    try:
        return tuple(read_records(path.read_text(encoding="utf-8").splitlines()))
    except (OSError, ValueError):
        return ()  # what cannot be read is not drawn; the verdict is told all the same

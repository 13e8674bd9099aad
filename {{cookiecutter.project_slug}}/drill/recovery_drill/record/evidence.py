"""Everything that the checks judge: what a play has recorded, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import msgspec

from recovery_drill.record.health import HealthLook
from recovery_drill.record.machine import LateSpan
from recovery_drill.record.model import Ledger, NodeState, Record, StoreLook
from recovery_drill.record.policy import Policy
from recovery_drill.record.traded import Traded

How = Literal["killed", "stopped", "by itself", "with its environment"]


@dataclass(frozen=True)
class Snapshot:
    """Node and exchange seen together, when the node should have been at rest.

    Parameters
    ----------
    when : str
        What had just happened, for messages: ``after restart 1``.
    state : NodeState or None
        What the node said; None when it did not answer.
    ledger : Ledger
        What the exchange had.
    whole : bool
        Whether closed orders and old fills are kept; between restarts they are left out.
    mono_ns : int
        Monotonic time at which it was recorded.
    overdue : bool
        Whether it was taken because the time in which they were to come to rest was over.

    """

    when: str
    state: NodeState | None
    ledger: Ledger
    whole: bool = True
    mono_ns: int = 0
    overdue: bool = False


@dataclass(frozen=True)
class Life:
    """One life of the node: its process from start to end.

    Parameters
    ----------
    number : int
        Counted from 1.
    pid : int
        Its process id.
    started_ns : int
        Monotonic time of its start.
    stages : tuple[tuple[str, int], ...]
        Each stage line with its monotonic time.
    ended_ns : int or None
        Monotonic time of its end.
    exit_code : int or None
        Negative is a signal.
    how : str or None
        Whether the drill killed or stopped it, or it ended by itself.
    said : str or None
        The last plain line that it wrote; empty when it wrote none, None when nobody noted it.
    rival : bool
        Whether it was started beside a node that still ran.
    turn_ns : int or None
        Monotonic time from which it was to trade in the place of that one.
    replaced_ns : int or None
        Monotonic time from which another one was to trade in its place.
    pauses : tuple[tuple[int, int or None], ...]
        From when until when it stood still; the last one perhaps to its end.

    """

    number: int
    pid: int
    started_ns: int
    stages: tuple[tuple[str, int], ...] = ()
    ended_ns: int | None = None
    exit_code: int | None = None
    how: How | None = None
    said: str | None = None
    rival: bool = False
    turn_ns: int | None = None
    replaced_ns: int | None = None
    pauses: tuple[tuple[int, int | None], ...] = ()

    @property
    def due_ns(self) -> int:
        """Monotonic time from which it was to trade."""
        return self.started_ns if self.turn_ns is None else self.turn_ns

    @property
    def only_beside(self) -> bool:
        """Whether it was never the one that was to trade."""
        return self.rival and self.turn_ns is None

    def reached(self, stage: str) -> int | None:
        """Return the monotonic time at which it first reached a stage."""
        return next((at for name, at in self.stages if name == stage), None)


@dataclass(frozen=True)
class FaultSpan:
    """The time during which something that the node needs was disturbed.

    Parameters
    ----------
    name : str
        The fault, as in ``store.pause``.
    began_ns : int
        Monotonic time of its beginning.
    ended_ns : int or None
        Monotonic time of its end; None when it lasted as long as the play.
    must_notice : bool
        Whether a node must not go on trading while it lasts.
    of_store : bool
        Whether the store then need not have what it should.

    """

    name: str
    began_ns: int
    ended_ns: int | None = None
    must_notice: bool = False
    of_store: bool = False

    def touches(self, from_ns: int, to_ns: int) -> bool:
        """Return whether it lasted at any time between two."""
        return self.began_ns <= to_ns and (self.ended_ns is None or self.ended_ns >= from_ns)


@dataclass(frozen=True)
class Named:
    """Whether the node said that something is wrong, or what a person should know.

    Parameters
    ----------
    what : str
        What it had to name.
    within_seconds : float
        How long it had for that.
    sentence : str
        What it said; empty when it said nothing of it.
    health : int or None
        What ``/health`` answered then; None where that is not judged.
    ended : int or None
        With which code it had ended instead.
    mono_ns : int
        Monotonic time at which that was known.

    """

    what: str
    within_seconds: float
    sentence: str = ""
    health: int | None = None
    ended: int | None = None
    mono_ns: int = 0


@dataclass(frozen=True)
class LateWait:
    """A bounded wait on the node that ran out.

    Parameters
    ----------
    what : str
        One clause on what did not come.
    mono_ns : int
        Monotonic time at which it ran out.

    """

    what: str
    mono_ns: int = 0


@dataclass(frozen=True)
class Evidence:
    """One scenario, as recorded.

    Parameters
    ----------
    policy : Policy
        What was promised.
    lives, snapshots, journal : tuple
        The node's lives, what both sides said at rest, and the exchange's records.
    left : tuple[Snapshot, ...]
        The exchange while there was no node, after one that had ended by itself.
    after_stop : Ledger or None
        The exchange after the last life was stopped as asked.
    unsettled : tuple[LateWait, ...]
        Bounded waits on the node that ran out.
    disagreed : tuple[str, ...]
        Why play ended early.
    seen : frozenset[str]
        What the scenario is for and has seen.
    played : bool
        Whether it was played to its end.
    reference : tuple[Record, ...] or None
        The exchange's records of the same scenario without the kills.
    reference_degraded : bool
        Whether the node was degraded for a while in that one, where nothing was done to it.
    faults : tuple[FaultSpan, ...]
        What else was done to node, store or exchange.
    store_looks : tuple[StoreLook, ...]
        What was in the store, in order of time.
    health_looks : tuple[HealthLook, ...]
        What the node answered at ``/health``.
    crash_points : tuple[str, ...]
        The boundaries at which the node was killed, in order.
    ended_early : bool
        Whether the play ended before the reference on purpose.
    named : tuple[Named, ...]
        What the node had to say.
    leave_out : Mapping[str, str]
        Checks that do not apply to this scenario, each with the reason.
    late : tuple[LateSpan, ...]
        When the machine had no time for what was played.

    """

    policy: Policy
    lives: tuple[Life, ...]
    snapshots: tuple[Snapshot, ...]
    journal: tuple[Record, ...]
    left: tuple[Snapshot, ...] = ()
    after_stop: Ledger | None = None
    unsettled: tuple[LateWait, ...] = ()
    disagreed: tuple[str, ...] = ()
    seen: frozenset[str] = frozenset()
    played: bool = True
    reference: tuple[Record, ...] | None = None
    reference_degraded: bool = False
    faults: tuple[FaultSpan, ...] = ()
    store_looks: tuple[StoreLook, ...] = ()
    health_looks: tuple[HealthLook, ...] = ()
    crash_points: tuple[str, ...] = ()
    ended_early: bool = False
    named: tuple[Named, ...] = ()
    leave_out: Mapping[str, str] = field(default_factory=dict)
    late: tuple[LateSpan, ...] = ()

    @property
    def kills(self) -> tuple[Life, ...]:
        """The lives that the drill ended with SIGKILL."""
        return tuple(life for life in self.lives if life.how == "killed")

    @property
    def traded(self) -> tuple[Traded, ...]:
        """What the node told that it trades; a restart does not change it."""
        told = (s.state.traded for s in self.snapshots if s.state is not None)
        return next((rows for rows in told if rows), ())


def trimmed(snapshot: Snapshot) -> Snapshot:
    """Leave out closed orders and old fills, which would make a long history quadratic."""
    ledger = snapshot.ledger
    symbols = {order.symbol for order in ledger.orders} | {p.symbol for p in ledger.positions}
    fills = tuple(f for s in sorted(symbols) for f in ledger.fills_since_flat(s))
    ids = {f.exchange_order_id for f in fills}
    trades = {f.trade_id for f in fills}
    orders = tuple(o for o in ledger.orders if o.working or o.exchange_order_id in ids)
    state = snapshot.state
    if state is not None:
        kept = tuple(o for o in state.orders if not o.closed or trades.intersection(o.trade_ids))
        state = msgspec.structs.replace(state, orders=kept)
    return replace(
        snapshot,
        state=state,
        ledger=msgspec.structs.replace(ledger, orders=orders, fills=fills),
        whole=False,
    )

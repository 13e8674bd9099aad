"""Everything that the checks look at, rebuilt from a scenario's records.

The checks see records only, never a live process: an old folder is judged by the same code, with
the same result, as a drill that has just ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from recovery_drill.model import Ledger, NodeState, Record
from recovery_drill.policy import Policy

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
        What the exchange held.
    whole : bool
        Whether closed orders and old fills are kept; between restarts they are left out.

    """

    when: str
    state: NodeState | None
    ledger: Ledger
    whole: bool = True


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

    """

    number: int
    pid: int
    started_ns: int
    stages: tuple[tuple[str, int], ...] = ()
    ended_ns: int | None = None
    exit_code: int | None = None
    how: How | None = None

    def reached(self, stage: str) -> int | None:
        """Return the monotonic time at which it first reached a stage."""
        return next((at for name, at in self.stages if name == stage), None)


@dataclass(frozen=True)
class Evidence:
    """One scenario, as recorded.

    Parameters
    ----------
    policy : Policy
        What was promised.
    lives, snapshots, journal : tuple
        The node's lives, what both sides said at rest, and the exchange's records.
    after_stop : Ledger or None
        The exchange after the last life was stopped as asked.
    unsettled : tuple[str, ...]
        Bounded waits on the node that ran out.
    disagreed : tuple[str, ...]
        Why play ended early.
    seen : frozenset[str]
        What the scenario is for and has seen.
    played : bool
        Whether it was played to its end.
    reference : tuple[Record, ...] or None
        The exchange's records of the same scenario without the kills.

    """

    policy: Policy
    lives: tuple[Life, ...]
    snapshots: tuple[Snapshot, ...]
    journal: tuple[Record, ...]
    after_stop: Ledger | None = None
    unsettled: tuple[str, ...] = ()
    disagreed: tuple[str, ...] = ()
    seen: frozenset[str] = frozenset()
    played: bool = True
    reference: tuple[Record, ...] | None = None

    @property
    def kills(self) -> tuple[Life, ...]:
        """The lives that the drill ended with SIGKILL."""
        return tuple(life for life in self.lives if life.how == "killed")


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


def from_records(
    policy: Policy,
    history: Sequence[Record],
    journal: Sequence[Record],
    reference: Sequence[Record] | None = None,
) -> Evidence:
    """Rebuild the evidence of one scenario from its history and the exchange's journals."""
    lives: dict[int, Life] = {}
    snapshots: list[Snapshot] = []
    after_stop: Ledger | None = None
    said: dict[str, list[str]] = {"unsettled": [], "disagreed": [], "seen": [], "played": []}
    for record in history:
        data: dict[str, Any] = record.data
        match record.kind:
            case "node.started":
                number = int(data["number"])
                lives[number] = Life(number, int(data["pid"]), record.mono_ns)
            case "node.stage":
                life = lives[int(data["number"])]
                stages = (*life.stages, (str(data["stage"]), record.mono_ns))
                lives[life.number] = replace(life, stages=stages)
            case "node.ended":
                life = lives[int(data["number"])]
                lives[life.number] = replace(
                    life, ended_ns=record.mono_ns, exit_code=data["code"], how=data["how"]
                )
            case "snapshot":
                snapshots.append(msgspec.convert(data, type=Snapshot, strict=False))
            case "after.stop":
                after_stop = msgspec.convert(data, type=Ledger, strict=False)
            case "unsettled" | "disagreed" | "seen" | "played":
                said[record.kind].append(str(data["what"]))
            case _:
                pass
    return Evidence(
        policy=policy,
        lives=tuple(lives.values()),
        snapshots=tuple(snapshots),
        journal=tuple(journal),
        after_stop=after_stop,
        unsettled=tuple(said["unsettled"]),
        disagreed=tuple(said["disagreed"]),
        seen=frozenset(said["seen"]),
        played=bool(said["played"]),
        reference=None if reference is None else tuple(reference),
    )

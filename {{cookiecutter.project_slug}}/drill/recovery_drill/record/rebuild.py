"""The evidence of one play, rebuilt from its records.

The checks see records only, never a live process: an old folder is judged by the same code, with
the same result, as a drill that has just ended.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from recovery_drill.record.contract import Stage
from recovery_drill.record.evidence import Evidence, FaultSpan, LateWait, Life, Named, Snapshot
from recovery_drill.record.health import HealthLook
from recovery_drill.record.machine import LATE, late_spans
from recovery_drill.record.model import Ledger, Record, StoreLook
from recovery_drill.record.policy import Policy


def from_records(
    policy: Policy,
    history: Sequence[Record],
    journal: Sequence[Record],
    reference: Sequence[Record] | None = None,
    *,
    reference_history: Sequence[Record] = (),
) -> Evidence:
    """Rebuild the evidence of one scenario from the histories and the exchange's journals.

    What an older drill did not record yet is simply not there to be judged.
    """
    of_kind: dict[str, list[Record]] = {}
    for record in history:
        of_kind.setdefault(record.kind, []).append(record)

    def said(kind: str) -> list[str]:
        return [str(r.data["what"]) for r in of_kind.get(kind, [])]

    unequal = said("unequal")
    after_stop = of_kind.get("after.stop")
    return Evidence(
        policy=policy,
        lives=lives_of(history),
        snapshots=_snapshots(of_kind.get("snapshot", [])),
        left=_snapshots(of_kind.get("left", [])),
        journal=tuple(journal),
        after_stop=(
            msgspec.convert(after_stop[-1].data, type=Ledger, strict=False) if after_stop else None
        ),
        unsettled=tuple(
            LateWait(str(r.data["what"]), r.mono_ns) for r in of_kind.get("unsettled", [])
        ),
        disagreed=tuple(said("disagreed")),
        seen=frozenset(said("seen")),
        leave_out={"equals-undisturbed": unequal[0]} if unequal else {},
        played=bool(said("played")),
        reference=None if reference is None else tuple(reference),
        reference_degraded=was_degraded(reference_history),
        faults=faults_of(history),
        store_looks=tuple(
            msgspec.structs.replace(
                msgspec.convert(r.data, type=StoreLook, strict=False), mono_ns=r.mono_ns
            )
            for r in of_kind.get("store.look", [])
        ),
        health_looks=tuple(
            msgspec.convert(r.data, type=HealthLook) for r in of_kind.get("health.look", [])
        ),
        crash_points=tuple(str(r.data["boundary"]) for r in of_kind.get("crash.point", [])),
        ended_early="ended.early" in of_kind,
        named=tuple(
            replace(msgspec.convert(r.data, type=Named), mono_ns=r.mono_ns)
            for r in of_kind.get("named", [])
        ),
        late=late_spans(of_kind.get(LATE, [])),
    )


def _snapshots(records: Iterable[Record]) -> tuple[Snapshot, ...]:
    return tuple(
        replace(msgspec.convert(r.data, type=Snapshot, strict=False), mono_ns=r.mono_ns)
        for r in records
    )


def was_degraded(history: Sequence[Record]) -> bool:
    """Return whether the node said in some of its lives that it is degraded."""
    stages = [stage for life in lives_of(history) for stage, _ in life.stages]
    return Stage.DEGRADED in stages


def lives_of(history: Sequence[Record]) -> tuple[Life, ...]:
    """Return the node's lives, as a history tells them."""
    lives: dict[int, Life] = {}
    for record in history:
        if record.kind == "node.started":
            # First, for on a busy machine a node may say its first stage before this is noted.
            number, rival = int(record.data["number"]), bool(record.data.get("rival", False))
            lives[number] = Life(number, int(record.data["pid"]), record.mono_ns, rival=rival)
    for record in history:
        data: dict[str, Any] = record.data
        match record.kind:
            case "node.stage":
                life = lives[int(data["number"])]
                stages = (*life.stages, (str(data["stage"]), record.mono_ns))
                lives[life.number] = replace(life, stages=stages)
            case "node.turn":
                number, before = int(data["number"]), int(data["from"])
                lives[number] = replace(lives[number], turn_ns=record.mono_ns)
                lives[before] = replace(lives[before], replaced_ns=record.mono_ns)
            case "node.paused":
                life = lives[int(data["number"])]
                lives[life.number] = replace(life, pauses=(*life.pauses, (record.mono_ns, None)))
            case "node.resumed":
                life = lives[int(data["number"])]
                *ended, (since, _) = life.pauses
                pauses = (*ended, (since, record.mono_ns))
                lives[life.number] = replace(life, pauses=pauses)
            case "node.ended":
                life = lives[int(data["number"])]
                lives[life.number] = replace(
                    life,
                    ended_ns=record.mono_ns,
                    exit_code=data["code"],
                    how=data["how"],
                    said=data.get("said"),
                )
            case _:
                pass
    return tuple(lives.values())


def faults_of(history: Sequence[Record]) -> tuple[FaultSpan, ...]:
    """Pair each end with the latest beginning of its name that has none yet."""
    spans: list[FaultSpan] = []
    for record in history:
        name = str(record.data.get("name"))
        if record.kind == "fault.began":
            spans.append(
                FaultSpan(
                    name,
                    record.mono_ns,
                    must_notice=bool(record.data["must_notice"]),
                    of_store=bool(record.data["store"]),
                )
            )
        elif record.kind == "fault.ended":
            running = [i for i, s in enumerate(spans) if s.name == name and s.ended_ns is None]
            if running:
                spans[running[-1]] = replace(spans[running[-1]], ended_ns=record.mono_ns)
    return tuple(spans)

"""Hand-made runs for the reports: a play with everything in it, and what was found in it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from drill.evidence_builder import BAR, POLICY, SECOND, evidence, fill_row, order_row, stop_row
from drill.evidence_builder import with_state as wrong_state
from recovery_drill.checks.decide import decide
from recovery_drill.record.boundary import Boundary, CrashPoint
from recovery_drill.record.coverage import cover
from recovery_drill.record.drilled import Drilled
from recovery_drill.record.history import Source
from recovery_drill.record.model import Record
from recovery_drill.record.schedule import Case, Market, Schedule, write_json
from recovery_drill.record.traded import Traded
from recovery_drill.record.verdict import CheckResult, ScenarioVerdict, Verdict
from recovery_drill.report.told_play import ToldPlay

MINUTE = 60_000
BARS = 30
LOST = "The node holds 0 BTCUSDT after restart 1, but the exchange holds 0.010."
WALL = 1_795_960_000 * SECOND
"""What the wall clock said when the monotonic one began."""
DRILLED = Drilled(
    traded=(Traded(tag="EMA001", symbol="BTCUSDT", bar_seconds=60, window=60),),
    symbols=("BTCUSDT",),
    node="{python} -m my_trader run",
    versions={"my-trader": "0.1.0", "nautilus_trader": "1.231.0", "recovery-drill": "0.1.0"},
    commit="0123456789ab",
    date="2026-11-30 04:00 UTC",
    machine="2 cores, Linux 6.1 on x86_64",
)


def record(at: float, kind: str, market_ms: int = BAR, /, **data: Any) -> Record:
    """Return a record of some seconds after the play's beginning."""
    mono = int(at * SECOND)
    source: Source = "exchange" if kind.partition(".")[0] in EXCHANGE else "drill"
    return Record(1, 1, mono, WALL + mono, market_ms, source, kind, data)


EXCHANGE = ("market", "order", "conditional", "position")


def moves(second: float, first: int, count: int) -> list[Record]:
    """Return so many bars of a market that rises and falls, a tenth of a second each."""
    found = []
    for number in range(first, first + count):
        price = 60_000 + 40 * (number % 12 if number % 24 < 12 else 12 - number % 12)
        at, closed = second + (number - first) / 10, BAR + (number + 1) * MINUTE
        for part, way in enumerate((price, price + 60, price - 30)):
            market = BAR + number * MINUTE + (part + 1) * 15_000
            price_now = {"symbol": "BTCUSDT", "price": str(way), "point": part + 1}
            found.append(record(at + part / 40, "market.price", market, **price_now))
        bar = [str(price), str(price + 60), str(price - 30), str(price + 10)]
        closes = {"symbol": "BTCUSDT", "bar": bar, "close_ms": closed}
        found.append(record(at + 0.09, "market.bar_closed", closed, **closes))
    return found


def entry(second: float, market_ms: int, side: str = "BUY", number: int = 0) -> list[Record]:
    """Return an order that fills, and the stop behind it."""
    name = f"EMA001-170408525{number}-E0"
    changes = {"client_order_id": name, "exchange_order_id": f"1{number}", "side": side}
    held = "0.010" if side == "BUY" else "-0.010"
    fill = fill_row(client_order_id=name, side=side, price="60020", market_ms=market_ms)
    stop = stop_row(client_order_id=name.replace("E0", "S0"), exchange_order_id=f"2{number}")
    return [
        record(second, "order.accepted", market_ms, **order_row(**changes, status="NEW")),
        record(second, "order.filled", market_ms, **order_row(**changes), fill=fill),
        record(second, "position.changed", market_ms, symbol="BTCUSDT", quantity=held),
        record(second + 0.01, "conditional.accepted", market_ms, **{**stop, "price": "0"}),
    ]


def journal() -> list[Record]:
    """Return the exchange's side of a play of thirty bars with one entry before the kill."""
    bars = {"BTCUSDT": [["59980", "60010", "59970", "60000", "1"]]}
    found = [
        record(0, "exchange.started", bars=bars),
        *moves(3, 0, 12),
        *entry(3.5, BAR + 5 * MINUTE + 2),
    ]
    limit = order_row(exchange_order_id="31", type="LIMIT", price="59980", status="NEW")
    found.append(record(3.7, "order.accepted", BAR + 7 * MINUTE, **limit))
    found += moves(9, 12, BARS - 12)
    return sorted(found, key=lambda each: each.mono_ns)


def life(number: int, started: float, trading: float, code: int, ended: float) -> list[Record]:
    """Return a life of the node from its start to its end."""
    how = {-9: "killed", 0: "stopped"}.get(code, "by itself")
    stages = {"preflight": trading - 0.2, "load": trading - 0.1, "trading": trading}
    return [
        record(started, "node.started", number=number, pid=number, command=["node"], rival=False),
        *(record(at, "node.stage", number=number, stage=name) for name, at in stages.items()),
        record(ended, "node.ended", number=number, code=code, how=how, said="Gone."),
    ]


def history(point: str = "") -> list[Record]:
    """Return the drill's side: a kill, a store that is away for a while, and a stop."""
    found = [
        record(0, "opened", bar=BAR, price="60000"),
        *life(1, 0, 2.5, -9, 4.5),
        *life(2, 4.6, 8.5, 0, 12),
        record(9.5, "fault.began", name="store.pause", must_notice=True, store=True),
        record(10.5, "fault.ended", name="store.pause"),
        *(record(3 + n / 10, "bar.stepped", bar=BAR + n * MINUTE) for n in range(BARS)),
    ]
    looks = {"after its first start": 2.6, "after restart 1": 8.6}
    looks |= {f"at bar {BAR + n * MINUTE}": 2.995 + n / 10 for n in range(12)}
    looks |= {f"at bar {BAR + n * MINUTE}": 8.995 + (n - 12) / 10 for n in range(12, BARS)}
    found += [record(at, "snapshot", when=when) for when, at in looks.items()]
    if point:
        found.append(record(4.5, "crash.point", boundary=point, nth=3, life=1))
    return sorted(found, key=lambda each: each.mono_ns)


def told_play(point: str = "", **changes: Any) -> ToldPlay:
    """Return that play, with the same one undisturbed beside it."""
    played = ToldPlay(tuple(history(point)), tuple(journal()), tuple(journal()))
    return replace(played, **changes)


def log() -> str:
    """Return what a node wrote around its restart."""
    stamps = ("46:40.100", "46:44.400", "46:48.500", "46:48.700")
    words = ("[INFO] Starting", "[WARN] Store slow", "[ERROR] Position unknown", "[INFO] Going on")
    lines = (f"2026-11-29T13:{s}000000Z {w}" for s, w in zip(stamps, words, strict=True))
    return "\n".join(["=" * 40, *lines]) + "\n"


def verdict() -> Verdict:
    """Return one scenario that held, one that broke, and one of which nothing can be said."""
    held = decide("held-one", "purpose <1>", frozenset(), evidence())
    broken = decide("broken-one", "purpose", frozenset(), wrong_state(positions=[]))
    unknown = replace(
        held,
        name="unknown-one",
        outcome="inconclusive",
        reason="The port was taken.",
        attempts=2,
        first_reason="The store ended.",
    )
    return Verdict(seed=7, scenarios=(held, broken, unknown), drilled=DRILLED)


def flooded() -> ScenarioVerdict:
    """Return a scenario in which one promise was found broken at 250 bars."""
    said = (
        f"The node holds 0 BTCUSDT at bar {BAR + n * MINUTE}, but the exchange holds 0.010."
        for n in range(250)
    )
    flood = CheckResult("position-equals-exchange", 250, tuple(said))
    return replace(verdict().scenarios[1], checks=(flood,))


def write_play(place: Path, point: str = "", words: str = "") -> None:
    """Write the records of the hand-made play into a folder."""
    place.mkdir(parents=True, exist_ok=True)
    encode = msgspec.json.Encoder().encode_lines
    (place / "history.jsonl").write_bytes(encode(history(point)))
    (place / "exchange.jsonl").write_bytes(encode(journal()))
    for number in (1, 2):
        (place / f"node-{number}.log").write_text(f"{log()}{words}\n", encoding="utf-8")


def point(what: str, nth: int, after: CrashPoint | None = None) -> Case:
    """Return the case that kills at a request."""
    here = CrashPoint(Boundary("request", what, "processed"), nth)
    name = f"recovering: {here.name}" if after else here.name
    folder = f"cases/{re.sub(r'[^a-z.0-9]+', '-', name).strip('-')}"
    points = (after, here) if after else (here,)
    return Case(name=name, scenario="workload", crash_points=points, folder=folder)


CASES = (
    point("order.new entry", 3),
    *(point(f"orders.read{n}", 1) for n in range(11)),
    point("klines.read", 2),
    point("account.read", 1, after=CrashPoint(Boundary("request", "order.new entry", "processed"))),
    point("ticker.read", 1),
)
LONELY = Boundary("event", "ACCOUNT_UPDATE ORDER", "before")
"""A boundary that is known and was left alone."""


def write_exploration(folder: Path, *, market: Market | None = None, more: int = 0) -> Verdict:
    """Write a run of which twelve cases broke alike, one otherwise, and one says nothing.

    Some `more` cases break as the first twelve do.
    """
    held, alike, unknown = verdict().scenarios
    other = replace(alike, checks=tuple(reversed(alike.checks[:1])))
    cases = (*CASES, *(point(f"more.read{n}", 1) for n in range(more)))
    ended = [alike] * 12 + [other, held, unknown] + [alike] * more
    scenarios = tuple(
        replace(
            scenario,
            name=case.name,
            crash_points=tuple(p.boundary.name for p in case.crash_points),
        )
        for scenario, case in zip(ended, cases, strict=True)
    )
    schedule = Schedule(
        seed=7, epoch=1_704_067_200_000, market=market, policy=POLICY, cases=cases, exploration=True
    )
    schedule.write(folder)
    points = [case.crash_points[-1].boundary for case in cases if len(case.crash_points) == 1]
    recovery = {CASES[13].crash_points[-1].boundary: 1}
    covered = cover({**dict.fromkeys(points, 1), LONELY: 9}, recovery, cases, scenarios)
    write_json(folder / "coverage.json", covered)
    for case in cases:
        write_play(folder / case.folder, case.crash_points[-1].boundary.name)
    return Verdict(seed=7, scenarios=scenarios, drilled=DRILLED)


def write_run(folder: Path) -> Verdict:
    """Write a run of scenarios, one of which broke."""
    for scenario in verdict().scenarios:
        write_play(folder / scenario.name)
    return verdict()

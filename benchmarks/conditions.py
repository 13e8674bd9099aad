"""
How soon a node notices what goes wrong, is right again, and how long a position stands naked.

Run after `make setup`, with the template's environment: ``.venv/bin/python`` and this file, perhaps
with ``--times N`` and ``--only NAME …``. Each row is played N times, each time in another market
and nearly always with an open position: node, store and exchange are processes with real sockets
between. The drill starts the node again whenever it ends, as a supervisor does.

*Noticed* is from the beginning of what goes wrong (where only an order or an event can show it,
from the first that does) until ``/health`` says 503; where the node puts it right without a
condition, until ``/state`` has again what the exchange has. *Right again* is from its end until
``/health`` says 200 and both have the same, by this process or the next, and it stays so. *Naked*
is for how long, in all of it, the position had no working stop of its whole size at the exchange.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from naked import naked_seconds
from plays import (
    UNEQUAL,
    Eye,
    Ground,
    Record,
    Scenario,
    Subject,
    World,
    baked,
    looks_of,
    play_case,
    read_file,
    run_plays,
    supervise,
)
from recovery_drill.failures import Inconclusive
from recovery_drill.faults import store
from recovery_drill.faults.exchange import ALWAYS, ExchangeFault, OtherHand, of_event, of_request
from recovery_drill.faults.fault import Fault, Site
from recovery_drill.faults.node import ClockStep, find_faketime
from recovery_drill.runtimes.protocol import Runtime
from recovery_drill.scenarios.exchange import ENTRY, ORDER, STOP
from recovery_drill.scenarios.owner import BY_HAND
from recovery_drill.scenarios.sockets import NO_KEY
from recovery_drill.scenarios.steps import (
    FLAT,
    POSITION,
    flat,
    holding,
    step_until,
    through_stop,
)
from served import percentile

NOTICE_SECONDS, RIGHT_SECONDS = 60.0, 120.0
"""Bounds on noticing, and on being right again."""
UNNOTICED_SECONDS = 10.0
"""For so long lasts what a node need not notice, for it goes on beside it."""
LASTS_SECONDS = 2.0
"""How much longer it lasts, once it is noticed."""
STAYS_SECONDS = 6.0
"""For so long it has to stay right: longer than between two looks of any watch."""
BAR_SECONDS = 1.0
FIRED, FILLED = "fault.fired", "order.filled"
MEASURED = "measured"
NS = 1e9

Meanwhile = Callable[[World], Awaitable[object]]


@dataclass(frozen=True)
class Trial:
    """
    One thing that goes wrong, and what is measured of it.

    Parameters
    ----------
    name : str
        What it is called in the table.
    fault : Callable[[], Fault]
        Makes it, for one play.
    seconds : float
        The bound on noticing it.
    bars : bool
        Whether bars close while it lasts.
    meanwhile : Callable, optional
        What happens at once when it has begun.
    since : str
        The kind of the exchange's record that shows it first; empty when it shows by itself.
    repairs : bool
        Whether the node puts it right, and need not say anything.
    ends : bool
        Whether it has an end; otherwise it is over as soon as it has happened.
    held : bool
        Whether a position is held when it begins.
    leave_out : Mapping[str, str]
        Checks of the drill that it breaks by itself, each with the reason.
    """

    name: str
    fault: Callable[[], Fault]
    seconds: float = NOTICE_SECONDS
    bars: bool = False
    meanwhile: Meanwhile | None = None
    since: str = ""
    repairs: bool = False
    ends: bool = True
    held: bool = True
    leave_out: Mapping[str, str] = field(default_factory=dict)

    async def play(self, world: World, fault: Fault) -> None:
        """Let it go wrong, be noticed, be over and be right again."""
        eye = Eye(world)
        bar_seconds = BAR_SECONDS if self.bars else 0.0
        await world.prepare(fault)
        await world.first_start()
        what, wanted = (POSITION, holding(world)) if self.held else (FLAT, flat)
        await step_until(world, what, wanted)
        await world.until_stored()
        async with eye.open():
            async with world.fault(fault):
                if self.meanwhile is not None:
                    await self.meanwhile(world)
                began = time.monotonic()

                def noticed() -> bool:
                    if eye.since < began:
                        return False
                    return bool(eye.bad_since) or (self.repairs and eye.agrees)

                seen = await supervise(world, noticed, self.seconds, bar_seconds)
                if seen and self.ends:
                    await supervise(world, lambda: False, LASTS_SECONDS, bar_seconds)
            over = time.monotonic()

            def stays_right() -> bool:
                since = max(over, eye.good_since)
                return bool(eye.good_since) and eye.since - since > STAYS_SECONDS

            await supervise(world, stays_right, RIGHT_SECONDS, bar_seconds)
            world.history.record("drill", MEASURED, {})
        await world.rest("after all")


class SlowerStore(store.StoreSlow):
    """Each command to the store takes a second longer."""

    async def begin(self, site: Site) -> None:
        """Make it slow."""
        site.runtime.slow_store(1.0)


class SkewedClock(Fault):
    """
    The node's wall clock is wrong for a while.

    Parameters
    ----------
    seconds : float
        How far it is ahead; below zero, behind.
    """

    name = "node.clock"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def unavailable(self, runtime: Runtime) -> str:
        """Return why one process cannot have a clock of its own here."""
        return ClockStep().unavailable(runtime)

    async def prepare(self, site: Site) -> None:
        """Let the node start with a clock that can be set."""
        self._set(site, 0)
        site.runtime.set_environment(
            {
                "LD_PRELOAD": str(find_faketime()),
                "FAKETIME_TIMESTAMP_FILE": str(site.folder / "clock"),
                "FAKETIME_CACHE_DURATION": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        )

    async def begin(self, site: Site) -> None:
        """Set it wrong."""
        self._set(site, self._seconds)

    async def end(self, site: Site) -> None:
        """Set it right."""
        self._set(site, 0)

    def _set(self, site: Site, seconds: float) -> None:
        # Put in place at once, for half a file would be read, too.
        written = site.folder / "clock.new"
        written.write_text(f"{seconds:+g}s\n", encoding="utf-8")
        written.replace(site.folder / "clock")


async def stop_fills(world: World) -> None:
    """Let the protective stop fill."""
    await through_stop(world)


def at_exchange(name: str, *faults: dict[str, object]) -> Callable[[], Fault]:
    """Return what makes a fault of the exchange's own faults."""
    return partial(ExchangeFault, name, *faults)


def by_hand(name: str, what: str) -> Trial:
    """Return what another hand does to the account."""
    (left_out,) = (done.leave_out for done in BY_HAND if done.name == what)
    fault = partial(OtherHand, what)
    return Trial(name, fault, repairs=True, ends=False, leave_out=left_out)


MAX_STOPS, NO_MARGIN = -4045, -2019
SILENT: dict[str, object] = {"name": "delay", "times": ALWAYS, "phase": "received", "seconds": 600}
DEAF: dict[str, object] = {"name": "half_open"}
BREAK: dict[str, object] = {"name": "drop_sockets"}
REFUSED: dict[str, object] = {"times": ALWAYS, "status": 400}

TRIALS: tuple[Trial, ...] = (
    Trial("store killed", store.StoreKill),
    Trial("store paused", store.StorePause),
    Trial("store wiped", store.StoreFlush, ends=False),
    Trial("store full", store.StoreFull),
    Trial("store read-only", store.StoreReadOnly),
    Trial("store's snapshots fail (MISCONF)", store.StoreSnapshotFails),
    Trial("store slow (50 ms)", store.StoreSlow, UNNOTICED_SECONDS, bars=True),
    Trial("store slow (1 s)", SlowerStore, UNNOTICED_SECONDS, bars=True),
    Trial("store closes idle connections", store.StoreIdle, UNNOTICED_SECONDS, bars=True),
    Trial("exchange silent", at_exchange("silent", SILENT)),
    Trial(
        "user stream silent, stop fills",
        at_exchange("deaf-user", {**DEAF, "stream": "user"}),
        meanwhile=stop_fills,
        since=FILLED,
        repairs=True,
    ),
    Trial(
        "user stream breaks, stop fills",
        at_exchange("drop-user", {**BREAK, "stream": "user"}),
        meanwhile=stop_fills,
        since=FILLED,
        repairs=True,
        ends=False,
    ),
    Trial(
        "market stream silent",
        at_exchange("deaf-market", {**DEAF, "stream": "market"}),
        bars=True,
    ),
    Trial(
        "listen key refused",
        at_exchange("no-key", of_request("fail", NO_KEY, times=ALWAYS), BREAK),
    ),
    Trial(
        "fill event lost",
        at_exchange("lost-fill", of_event("lose_event", ORDER, "TRADE")),
        meanwhile=stop_fills,
        since=FILLED,
        repairs=True,
        ends=False,
    ),
    # Requests are still taken with the first, and refused with the second.
    Trial("clock 0.9 s ahead", partial(SkewedClock, 0.9)),
    Trial("clock 10 s behind", partial(SkewedClock, -10)),
    Trial(
        "stops refused, at an entry",
        at_exchange("refuse-stops", of_request("fail", STOP, code=MAX_STOPS, **REFUSED)),
        bars=True,
        since=FIRED,
        held=False,
    ),
    Trial(
        "stops refused, when moved",
        at_exchange("refuse-moved", of_request("fail", STOP, code=MAX_STOPS, **REFUSED)),
        bars=True,
        since=FIRED,
    ),
    Trial(
        "entries refused",
        at_exchange("refuse-entries", of_request("fail", ENTRY, code=NO_MARGIN, **REFUSED)),
        bars=True,
        since=FIRED,
        held=False,
    ),
    by_hand("stop cancelled by hand", "cancel"),
    by_hand("position closed by hand", "close"),
    by_hand("order placed by hand", "order"),
    by_hand("position liquidated", "liquidate"),
    by_hand("position reduced (ADL)", "reduce"),
)


@dataclass(frozen=True)
class Times:
    """
    What one play shows.

    Parameters
    ----------
    noticed, right, naked : float or None
        Seconds; None where it did not come, or was not noticed.
    shown : str
        How the node showed it.
    """

    noticed: float | None
    right: float | None
    naked: float
    shown: str


def read(trial: Trial, symbol: str, history: Sequence[Record], journal: Sequence[Record]) -> Times:
    """Read the times from what a play has left."""
    began = next(r.mono_ns for r in history if r.kind == "fault.began")
    ended = next(r.mono_ns for r in history if r.kind == "fault.ended")
    done = next(r.mono_ns for r in history if r.kind == MEASURED)
    if trial.since:
        shows = (r.mono_ns for r in journal if r.kind == trial.since and r.mono_ns >= began)
        since = next(shows, None)
        if since is None:
            raise Inconclusive("It never came to bear.")
        began = since
    looks = [look for look in looks_of(history) if look.mono_ns <= done]
    bad = [k for k in looks if k.mono_ns >= began and k.data["health"] != 200]
    noticed, shown = (bad[0].mono_ns, how(bad, history)) if bad else (None, "")
    if trial.repairs:
        changed = _changed(journal, began)
        equal = next((k.mono_ns for k in looks if k.mono_ns > changed and k.data["agrees"]), None)
        if equal is not None and (noticed is None or equal < noticed):
            noticed, shown = equal, f"/state is right{f', then {shown}' if shown else ''}"
    over = ended if trial.ends else began
    last_bad = max((k.mono_ns for k in bad), default=over)
    after = [k for k in looks if k.mono_ns > max(over, last_bad)]
    right = next((k.mono_ns for k in after if k.data["agrees"]), None)
    return Times(
        None if noticed is None else (noticed - began) / NS,
        None if right is None else (right - over) / NS,
        naked_seconds(journal, symbol, began, done),
        shown or "-",
    )


def _changed(journal: Sequence[Record], began: int) -> int:
    """Return when the exchange first changed orders or position after something had begun."""
    kinds = ("order.", "conditional.", "position.")
    return next(
        (r.mono_ns for r in journal if r.mono_ns >= began and r.kind.startswith(kinds)), began
    )


def how(bad: Sequence[Record], history: Sequence[Record]) -> str:
    """Return how a node showed what is wrong: its conditions, or with which code it ended."""
    names = dict.fromkeys(name for look in bad for name in look.data["conditions"])
    seen = range(bad[0].mono_ns, bad[-1].mono_ns + int(NS))
    codes = [
        f"ended with {r.data['code']}"
        for r in history
        if r.kind == "node.ended" and r.data["how"] == "by itself" and r.mono_ns in seen
    ]
    counted = Counter(codes)
    return ", ".join([*names, *(f"{c}, {n} times" if n > 1 else c for c, n in counted.items())])


async def measure(ground: Ground, trial: Trial, folder: Path, seed: int) -> tuple[Times, list[str]]:
    """Play a trial once; return its times, and what the drill's checks complain of."""
    scenario = Scenario(
        trial.name,
        f"Something goes wrong while the node trades: {trial.name}.",
        frozenset(),
        trial.play,
        trial.fault,
        kills=False,
        leave_out={
            UNEQUAL: "What goes wrong here changes what happens at the exchange.",
            **trial.leave_out,
        },
    )
    ground = replace(ground, seed=seed)
    verdict = await play_case(ground, Subject(trial.name, scenario), folder)
    if verdict.outcome == "inconclusive":
        raise Inconclusive(verdict.reason)
    history, journal = read_file(folder / "history.jsonl"), read_file(folder / "exchange.jsonl")
    if not any(record.kind == MEASURED for record in history):
        raise Inconclusive("; ".join(verdict.broken) or "The play was not over.")
    return read(trial, ground.policy.symbols[0], history, journal), list(verdict.broken)


def columns(values: Sequence[float | None]) -> str:
    """Return the median and the greatest of some seconds; a dash where one is missing."""
    told = [value for value in values if value is not None]
    if len(told) < len(values) or not told:
        return f"{f'{len(told)} of {len(values)}' if told else 'no':>13}"
    return f"{percentile(told, 0.5):6.2f} {max(told):6.2f}"


async def run(ground: Ground, trials: Sequence[Trial], times: int, folder: Path) -> None:
    """Play all, and print a line for each."""
    print(f"{'seconds, p50 and max of ' + str(times):34} {'noticed':>13} | {'right again':>13} | "
          f"{'naked':>13} | how it shows")  # fmt: skip
    remarks: list[str] = []
    for trial in trials:
        found: list[Times] = []
        for number in range(times):
            seed, place = 7 + number, folder / f"{TRIALS.index(trial)}-{number}"
            try:
                told, broken = await measure(ground, trial, place, seed)
            except Inconclusive as reason:
                remarks.append(f"{trial.name}, seed {seed}: not measured. {reason}")
                continue
            found.append(told)
            remarks += [f"{trial.name}, seed {seed}: {sentence}" for sentence in broken]
        if found:
            shown = " / ".join(dict.fromkeys(each.shown for each in found))
            print(
                f"{trial.name:34} {columns([each.noticed for each in found])} | "
                f"{columns([each.right for each in found])} | "
                f"{columns([each.naked for each in found])} | {shown}",
                flush=True,
            )
    for remark in remarks:
        print(remark)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description="How soon a node notices what goes wrong.")
    parser.add_argument("--times", type=int, default=5, help="plays of each row")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="rows whose names have this")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the plays there")
    asked = parser.parse_args()
    chosen = [t for t in TRIALS if not asked.only or any(name in t.name for name in asked.only)]
    if not chosen:
        sys.exit(f"There is no such row; there are: {', '.join(t.name for t in TRIALS)}.")
    with tempfile.TemporaryDirectory() as place:
        folder = asked.keep or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        run_plays(run(baked(Path(place)), chosen, asked.times, folder))
        print(f"{len(chosen) * asked.times} plays in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()

"""
Random runs of two senders with one lease, and the exchange's journal as the judge.

What happens to them: one is stopped (SIGSTOP) between its signature and its request, or anywhere;
the way to the store is cut for one or both; the store is killed and started again; a wall clock
steps by two seconds; one is killed, and two are started at once. Nothing of an epoch may be carried
out once a later epoch has begun.
"""

import contextlib
import json
import os
import random
import signal
import socket
import socketserver
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node.baked import baked_project
from node.processes import Exchange, Process, Store

RUN_SECONDS = 14.0
LONGEST_SECONDS = 7.0
"""How long a sender stands still, or a way is cut, at most."""
MOST_EVENTS = 4
STOPS = 0.02
"""How often a sender stops itself between signature and request."""
CLOCK_SECONDS = 2
BORN_SECONDS = 90.0
HERE = Path(__file__).parent


class Way(socketserver.ThreadingTCPServer):
    """A way to the store that can be cut: nothing comes through, and nothing is closed."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        self.is_open = threading.Event()
        self.is_open.set()
        way = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                way.is_open.wait()
                with contextlib.suppress(OSError):
                    store = socket.create_connection(("127.0.0.1", port))
                    back = threading.Thread(target=way.hand_on, args=(store, self.request))
                    back.daemon = True
                    back.start()
                    way.hand_on(self.request, store)

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """The store, by this way."""
        return f"redis://127.0.0.1:{self.server_address[1]}"

    def hand_on(self, source: socket.socket, target: socket.socket) -> None:
        """Hand on what comes, while the way is open."""
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self.is_open.wait()
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@dataclass
class Judged:
    """What one run has come to.

    Parameters
    ----------
    seed : int
        Of the run.
    carried_out : int
        Orders that the exchange has carried out.
    epochs : int
        How many holdings there were.
    fenced : int
        Orders that the exchange has refused for their time.
    events : list[str]
        What was done to the senders.
    outside : list[str]
        Orders that were carried out in a later epoch than their sender's.
    """

    seed: int
    carried_out: int = 0
    epochs: int = 0
    fenced: int = 0
    events: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


def judge(judged: Judged, told: list[dict[str, Any]], accepted: list[dict[str, Any]]) -> None:
    """Look for orders that were carried out when a later epoch had begun."""
    began: dict[int, int] = {}
    for line in told:
        if line["event"] == "taken":
            epoch = line["epoch"]
            if epoch in began:
                judged.outside.append(f"Epoch {epoch} has two holders.")
            began[epoch] = line["mono_ns"]
        judged.fenced += line["event"] == "fenced"
    judged.epochs, judged.carried_out = len(began), len(accepted)
    for record in accepted:
        name = record["data"]["client_order_id"]
        epoch = int(name.split("-")[1])
        later = [at for other, at in began.items() if other > epoch]
        if later and record["mono_ns"] > min(later):
            late_ms = (record["mono_ns"] - min(later)) / 1e6
            judged.outside.append(f"{name} was carried out {late_ms:.0f} ms after epoch {epoch}.")


class Field:
    """An exchange, a store and two nurseries, for one run after the other."""

    def __init__(self, folder: Path, *, faketime: Path | None = None, mutant: str = "") -> None:
        project = baked_project()
        self.folder = folder
        self._seen = 0
        self.exchange = Exchange(folder / "exchange", project / "drill")
        self.store = Store(folder / "store")
        self.ways = [Way(self.store.port) for _ in range(2)]
        self.clock = folder / "clock" if faketime else None
        self._nurseries = []
        for number in range(2):
            environment = {"PYTHONPATH": str(project / "src"), "EXCHANGE": self.exchange.http}
            if mutant:
                environment["FENCE_MUTANT"] = mutant
            if number == 1 and faketime and self.clock:
                self.clock.write_text("+0s")
                environment |= {
                    "LD_PRELOAD": str(faketime),
                    "FAKETIME_TIMESTAMP_FILE": str(self.clock),
                    "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                }
            command = [sys.executable, str(HERE / "fence_sender.py")]
            nursery = Process(command, folder / f"nursery-{number}", environment, hears=True)
            self._nurseries.append(nursery)

    def play(self, seed: int) -> Judged:
        """Play one run and judge it."""
        judged, chance = Judged(seed), random.Random(seed)  # noqa: S311 - no secret
        run = _Run(self, judged, chance)
        try:
            run.begin()
            for at in sorted(chance.uniform(0.5, RUN_SECONDS) for _ in range(MOST_EVENTS)):
                run.until(at)
                run.strike()
            run.until(RUN_SECONDS + chance.uniform(0, LONGEST_SECONDS))
        finally:
            run.end()
        journal = self.exchange.get(f"journal?after={self._seen}")
        records, self._seen = journal["records"], journal["seq"]
        mine = [
            record
            for record in records
            if record["kind"] == "order.accepted"
            and record["data"]["client_order_id"].startswith(f"{seed}.")
        ]
        judge(judged, run.told(), mine)
        return judged

    def bear(self, number: int, **told: Any) -> int:
        """Bring a sender into the world; return its process id."""
        nursery = self._nurseries[number]
        stdin = nursery.child.stdin
        assert stdin is not None
        stdin.write(json.dumps(told) + "\n")
        stdin.flush()
        return int(nursery.next_line(BORN_SECONDS)["pid"])

    def close(self) -> None:
        """End what is not a process; those end with whoever started them."""
        for way in self.ways:
            way.shutdown()
            way.server_close()


class _Run:
    """One run: who lives, what is still to be undone, and when."""

    def __init__(self, place: Field, judged: Judged, chance: random.Random) -> None:
        self._place, self._judged, self._chance = place, judged, chance
        self._began = time.monotonic()
        self._living: dict[int, int] = {}
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._logs: list[Path] = []

    def begin(self) -> None:
        """Start two senders, sometimes at once."""
        self._start(0)
        if self._chance.random() < 0.5:
            time.sleep(self._chance.uniform(0, 1))
        self._start(1)

    def _start(self, number: int) -> None:
        seed = self._judged.seed
        log = self._place.folder / f"log-{seed}-{len(self._logs)}.jsonl"
        self._logs.append(log)
        self._living[number] = self._place.bear(
            number,
            name=f"{seed}.{len(self._logs)}",
            log=str(log),
            url=self._place.ways[number].url,
            trader=f"RUN-{seed}",
            stops=STOPS,
        )

    def until(self, at: float) -> None:
        """Let time pass; let those go on that stand still, and undo what was done."""
        while (now := time.monotonic() - self._began) < at:
            for when, undo in [each for each in self._later if each[0] <= now]:
                self._later.remove((when, undo))
                undo()
            self._wake_those_that_stopped_themselves(now)
            time.sleep(0.02)

    def _wake_those_that_stopped_themselves(self, now: float) -> None:
        for pid in self._living.values():
            is_known = any(getattr(undo, "pid", None) == pid for _, undo in self._later)
            if not is_known and _state(pid) == "T":
                self._undo_later(now, _Wake(pid))

    def _undo_later(self, now: float, undo: Callable[[], None]) -> None:
        self._later.append((now + self._chance.uniform(0.2, LONGEST_SECONDS), undo))

    def strike(self) -> None:
        """Do something to them."""
        kinds = [self._stop, self._cut, self._restart_store, self._replace]
        if self._place.clock is not None:
            kinds.append(self._step_clock)
        self._chance.choice(kinds)()

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _stop(self) -> None:
        self._judged.events.append("stop")
        pid = self._chance.choice(list(self._living.values()))
        _signal(pid, signal.SIGSTOP)
        self._undo_later(self._now(), _Wake(pid))

    def _cut(self) -> None:
        self._judged.events.append("cut")
        ways = self._place.ways
        for way in self._chance.choice([ways[:1], ways[1:], ways]):
            way.is_open.clear()
            self._undo_later(self._now(), way.is_open.set)

    def _restart_store(self) -> None:
        self._judged.events.append("store restarted")
        self._place.store.kill()
        self._place.store = self._place.store.again()

    def _step_clock(self) -> None:
        self._judged.events.append("clock stepped")
        assert self._place.clock is not None
        seconds = self._chance.choice((-CLOCK_SECONDS, CLOCK_SECONDS))
        self._place.clock.write_text(f"{seconds:+d}s")

    def _replace(self) -> None:
        self._judged.events.append("killed, and two started at once")
        for pid in list(self._living.values()):
            _signal(pid, signal.SIGKILL)
        for number in (0, 1):
            self._start(number)

    def end(self) -> None:
        """Kill those that live, and undo everything."""
        for pid in self._living.values():
            _signal(pid, signal.SIGKILL)
        for way in self._place.ways:
            way.is_open.set()
        if self._place.clock is not None:
            self._place.clock.write_text("+0s")

    def told(self) -> list[dict[str, Any]]:
        """Return what all senders have told."""
        return list(_lines(self._logs))


class _Wake:
    """Let a process go on."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def __call__(self) -> None:
        _signal(self.pid, signal.SIGCONT)


def _lines(logs: list[Path]) -> Iterator[dict[str, Any]]:
    for log in logs:
        if log.exists():
            for line in log.read_text().splitlines():
                yield json.loads(line)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _state(pid: int) -> str:
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def summary(runs: list[Judged]) -> dict[str, Any]:
    """Return what many runs have come to, in figures."""
    events = Counter(event for run in runs for event in run.events)
    return {
        "runs": len(runs),
        "orders carried out": sum(run.carried_out for run in runs),
        "holdings": sum(run.epochs for run in runs),
        "refused by the exchange for their time": sum(run.fenced for run in runs),
        **events,
        "carried out outside of an epoch": sum(len(run.outside) for run in runs),
    }

"""Kill freqtrade on the simulated exchange, start it again, and compare it with the exchange.

    python -m venv .venv-freqtrade
    .venv-freqtrade/bin/pip install -r peers/freqtrade/requirements.txt
    .venv/bin/python peers/freqtrade/drill.py .venv-freqtrade/bin/python

Every process listens on and talks to this machine alone; see ``launcher.py``. What it found stands
in ``docs/peers.md``.
"""

import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from cases import CASES, Case, Records, broken

HERE = Path(__file__).resolve().parent
DRILL = HERE.parents[1] / "{{cookiecutter.project_slug}}" / "drill"
SYMBOL = "BTCUSDT"
START_SECONDS, SECONDS, ASK_AGAIN_SECONDS = 240.0, 60.0, 0.1
LOOPS = 60
"""So many of its loops, a second or more each, it has after its restart to put things right."""
THROUGH_STOP = Decimal("0.90")
SENT_FROM_HERE = {"PYTHONDONTWRITEBYTECODE": "1"}


def until[Answer](what: str, asked: Callable[[], Answer], seconds: float = SECONDS) -> Answer:
    """Ask until the answer is true.

    Raises
    ------
    TimeoutError
        If it does not become so in time.

    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := asked():
            return answer
        time.sleep(ASK_AGAIN_SECONDS)
    raise TimeoutError(f"{what} did not come within {seconds:g} s.")


class Exchange:
    """The simulated exchange, at wall time, in a market that goes nowhere."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "simulated_exchange", "--regime", "range"]
        command += ["--journal", str(folder / "exchange.jsonl")]
        self.child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **SENT_FROM_HERE, "PYTHONPATH": str(DRILL)},
        )
        assert self.child.stdout is not None
        self.http = str(json.loads(self.child.stdout.readline())["http"])

    def ask(self, path: str, body: Mapping[str, Any] | None = None, verb: str = "GET") -> Any:
        """Return the answer of a control path."""
        data = None if body is None else json.dumps(body).encode()
        verb = verb if body is None else "POST"
        asked = urllib.request.Request(f"{self.http}/_sim/{path}", data, method=verb)  # noqa: S310 - loopback
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310 - loopback
            text = answer.read()
        return json.loads(text) if text else None

    def arm(self, name: str, **more: Any) -> str:
        """Order a fault; return its id."""
        return str(self.ask("faults", {"name": name, **more})["id"])

    def fired(self, fault: str) -> bool:
        """Return whether it has happened."""
        return bool(self.ask(f"faults/{fault}?wait_s=1")["fired"])

    def ledger(self) -> Any:
        """Return everything that happened."""
        return self.ask("ledger")

    def stops(self) -> list[Any]:
        """Return the stops that work."""
        rows = self.ledger()["orders"]
        return [o for o in rows if o["kind"] == "conditional" and o["status"] == "NEW"]


class Freqtrade:
    """The bot, one life after another, and what it keeps."""

    def __init__(self, python: Path, folder: Path, exchange: str) -> None:
        self.folder = folder / "user"
        self.folder.mkdir()
        self._log = folder / "freqtrade.log"
        strategies = HERE / "strategies"
        self._command = [str(python), str(HERE / "launcher.py"), exchange, "trade"]
        self._command += ["--userdir", str(self.folder), "--config", str(HERE / "config.json")]
        self._command += ["--strategy-path", str(strategies), "--strategy", "AlwaysLong"]
        self._command += ["--db-url", f"sqlite:///{self.database}"]
        self.child: subprocess.Popen[bytes] | None = None

    @property
    def database(self) -> Path:
        """Where it keeps its trades."""
        return self.folder / "trades.sqlite"

    def start(self) -> None:
        """Begin its next life."""
        (self.folder / "loops").unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self.child = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **SENT_FROM_HERE},
            )

    def kill(self) -> None:
        """End it with SIGKILL, and prove it."""
        assert self.child is not None
        self.child.kill()
        code = self.child.wait(SECONDS)
        assert code == -signal.SIGKILL, f"It ended with {code} before it was killed."

    def want(self, *, long: bool) -> None:
        """Tell its strategy what to want."""
        told = self.folder / "long"
        told.touch() if long else told.unlink(missing_ok=True)

    def loops(self, count: int) -> bool:
        """Return whether this life has had so many loops."""
        assert self.child is not None
        if self.child.poll() is not None:
            raise TimeoutError(f"freqtrade ended with code {self.child.returncode}.")
        counted = self.folder / "loops"
        return counted.exists() and int(counted.read_text() or 0) >= count

    def records(self) -> Records:
        """Return what it believes to hold."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT amount FROM trades WHERE is_open = 1").fetchall()
        return Records(sum((Decimal(str(row[0])) for row in rows), Decimal(0)), len(rows))


def play(case: Case, bot: Freqtrade, exchange: Exchange) -> list[str]:
    """Play a case; return what was broken."""
    gate = ""
    held_first = case.holds or case.gate == "exit"
    if case.gate and not held_first:
        gate = exchange.arm("gate", match={"leg": case.gate}, nth=1, phase=case.phase)
    bot.want(long=case.holds or bool(case.gate))
    bot.start()
    if held_first:
        until("A protected position", exchange.stops, START_SECONDS)
        # Its records of the stop are written after the exchange has it.
        until("A loop after it", lambda: bot.loops(4), START_SECONDS)
    elif not case.gate:
        until("Its loops", lambda: bot.loops(3), START_SECONDS)
    if case.gate == "exit":
        gate = exchange.arm("gate", match={"leg": "exit"}, nth=1, phase=case.phase)
        bot.want(long=False)
    if gate:
        until(f"Its {case.gate}", lambda: exchange.fired(gate), START_SECONDS)
    bot.kill()
    if gate:
        exchange.ask(f"faults/{gate}", verb="DELETE")
    seen = [order["client_order_id"] for order in exchange.ledger()["orders"]]
    meanwhile(case, bot, exchange)
    bot.want(long=case.long)
    bot.start()
    try:
        until("Its loops after the restart", lambda: bot.loops(LOOPS), START_SECONDS)
    except TimeoutError as error:
        return [*broken(case, exchange.ledger(), None, seen), str(error)]
    return broken(case, exchange.ledger(), bot.records(), seen)


def meanwhile(case: Case, bot: Freqtrade, exchange: Exchange) -> None:
    """Do what happens while it is down."""
    match case.meanwhile:
        case "stop-fills":
            level = Decimal(exchange.stops()[0]["trigger_price"]) * Decimal("0.999")
            exchange.arm("wick", symbol=SYMBOL, price=str(level.quantize(Decimal("0.1"))))
            assert not exchange.ledger()["positions"], "The stop has not filled."
        case "closed-by-hand":
            exchange.arm("close", symbol=SYMBOL)
        case "closed-with-stop":
            exchange.arm("close", symbol=SYMBOL)
            exchange.arm("cancel", symbol=SYMBOL)
        case "records-lost":
            for left in bot.folder.glob("trades.sqlite*"):
                left.unlink()
        case _:
            pass


def main() -> int:
    """Play the cases that are named, or all; print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python", type=Path, help="the Python that has freqtrade")
    parser.add_argument("cases", nargs="*", help="which cases; all when none is named")
    parser.add_argument("--folder", type=Path, help="keep what was recorded there")
    asked = parser.parse_args()
    if unknown := set(asked.cases) - {case.name for case in CASES}:
        parser.error(f"There is no case {', '.join(sorted(unknown))}.")
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="freqtrade-"))
    print("| killed | what it does then |\n| --- | --- |")
    inconclusive = 0
    for case in CASES:
        if asked.cases and case.name not in asked.cases:
            continue
        place = folder / case.name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        exchange = Exchange(place)
        bot = Freqtrade(asked.python.absolute(), place, exchange.http)
        try:
            said = " ".join(play(case, bot, exchange)) or "Comes back right."
        except (TimeoutError, AssertionError) as error:
            said, inconclusive = f"Could not be tried: {error}", inconclusive + 1
        finally:
            (place / "ledger.json").write_text(json.dumps(exchange.ledger(), indent=1))
            for child in (bot.child, exchange.child):
                if child is not None:
                    with suppress(ProcessLookupError):
                        child.kill()
                    child.wait(SECONDS)
        print(f"| `{case.name}` {case.purpose} | {said} |", flush=True)
    print(f"\nWhat was recorded is in {folder}.", file=sys.stderr)
    return 3 if inconclusive else 0


if __name__ == "__main__":
    sys.exit(main())

"""Whether the books are right to the last decimal after many trades and many kills.

Run after `make setup`, with the template's environment: ``.venv/bin/python benchmarks/books.py``,
perhaps with ``--trades 200 --kills 10``. Store, exchange and node are real processes. Twelve lines
turn their positions at every bar of twelve symbols, the node is killed (SIGKILL) at random moments
after a bar, and meanwhile another hand trades one more symbol, is deleveraged and liquidated. In
the end `pnl` and `trades` are asked with the node alive, dead, and the store away; what they say is
compared with the exchange's income, as they do it themselves, and with its wallet, which they never
see. The exit code is 1 when anything differs.
"""

import argparse
import random
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from served import DRILL, TEMPLATE

sys.path[:0] = [str(DRILL), str(TEMPLATE / "tests")]

from node.baked import PACKAGE, baked_project  # noqa: E402 - found on the path above
from node.commands import Answer, run  # noqa: E402 - as above
from node.processes import Exchange, Node, Store, free_port  # noqa: E402 - as above

OPENING_WALLET = Decimal(100_000)
SYMBOLS = ("BTCUSDT", "ETHUSDT", *(f"{letter}{letter}{letter}USDT" for letter in "ABCDEFGHIJ"))
"""Many at once, so that a bar is many trades."""
OTHER = "SOLUSDT"
MOST_KILL_SECONDS = 0.25
"""A kill comes at most so long after a bar: by then its orders are through."""
MOST_STARTS = 5
SETTLE_SECONDS = 60.0
"""The machine may be busy."""
EVERY = 10
"""Another hand acts every so many bars."""
RULE = '''
"""What the benchmark trades: another side at every bar."""

from dataclasses import dataclass
from decimal import Decimal

from ..config.settings import Settings
from ..plan.target import Target, View
from ..plan.traded import Traded
from .settings import StrategySettings

SYMBOLS = ()


@dataclass(frozen=True, slots=True)
class Turns:
    """Long at one bar, short at the next, in one of three sizes, with a stop far away."""

    quantity: Decimal
    window: int = 5

    def target(self, view: View) -> Target:
        """Return the side and size of the bar's number."""
        bar = view.bars[-1]
        number = bar.close_ms // 60_000
        side = 1 if number % 2 else -1
        stop = bar.close * (100 - 15 * side) / 100 // view.tick_size * view.tick_size
        return Target(side * self.quantity * (1 + number % 3), stop)


def traded(settings: Settings, own: StrategySettings) -> list[Traded]:
    """Return what is traded."""
    sizes = {"BTCUSDT": "0.013", "ETHUSDT": "0.170"}
    return [
        Traded(Turns(Decimal(sizes.get(symbol, "0.5"))), symbol, "1m", f"TURNS_{symbol[:3]}")
        for symbol in SYMBOLS
    ]
'''.replace("= ()", f"= {SYMBOLS!r}")


class Field:
    """A store, an exchange, a node that is killed, and another hand."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.project = baked_project()
        (self.project / "src" / PACKAGE / "strategies" / "__init__.py").write_text(RULE)
        self.folder = folder
        self.dice = random.Random(seed)  # noqa: S311 - no secret
        symbols = [word for each in (*SYMBOLS, OTHER) for word in ("--symbol", each)]
        self.exchange = Exchange(folder / "exchange", self.project / "drill", *symbols)
        self.store = Store(folder / "store")
        self.environment = {
            "TRADER_PROFILE": "simulated",
            "TRADER_ID": "TRADER-001",
            "TRADER_SYMBOL": SYMBOLS[0],
            "TRADER_STORE_URL": self.store.url,
            "TRADER_EXCHANGE_HTTP_URL": self.exchange.http,
            "TRADER_EXCHANGE_WS_URL": self.exchange.ws,
            "TRADER_HTTP_PORT": str(free_port()),
            "TRADER_STATE_FOLDER": str(folder / "state"),
            "TRADER_LOG_LEVEL": "WARNING",
            "TRADER_MAX_ORDERS_A_MINUTE": "100000",  # a minute of the market takes a second here
            "TRADER_MAX_REDUCING_ORDERS_A_MINUTE": "100000",
        }
        self.starts = 0
        self.node = self.start()

    def start(self) -> Node:
        """Start the node until it trades, as a supervisor does: a busy machine may be too slow."""
        for _ in range(MOST_STARTS):
            self.starts += 1
            folder = self.folder / f"node-{self.starts}"
            environment = {**self.environment, "TRADER_INSTANCE_ID": f"node-{self.starts}"}
            node = Node(folder, self.project / "src", PACKAGE, environment)
            try:
                node.until("trading", SETTLE_SECONDS)
            except AssertionError:
                node.kill()
            else:
                return node
        raise AssertionError(f"The node did not start {MOST_STARTS} times.\n{node.everything()}")

    def bar(self, *, kill: bool) -> None:
        """Close a bar, perhaps kill the node while it acts on it, and wait until it has acted."""
        bar = int(self.exchange.post("step", {"bars": 1})["bar"])
        if kill:
            time.sleep(self.dice.uniform(0, MOST_KILL_SECONDS))
            self.node.kill()
            self.node = self.start()
        self.settle(bar)

    def settle(self, bar: int) -> None:
        """Wait until the node has decided a bar of every symbol, and nothing is in flight."""
        deadline, revision = time.monotonic() + SETTLE_SECONDS, -1
        while time.monotonic() < deadline:
            try:
                state = self.node.get(f"state?after={revision}&wait_s=1")[1]
            except OSError:  # it has ended by itself
                self.node.kill()
                self.node, revision = self.start(), -1
                continue
            revision = state["revision"]
            decided = {state["decided_bar"].get(each) for each in SYMBOLS}
            if decided == {bar} and state["inflight"] == 0:
                return
        raise AssertionError(f"Bar {bar} was not settled.\n{self.node.everything()}")

    def other_hand(self, turn: int) -> None:
        """Trade by hand, and let the exchange take a part of it, or all."""
        order = {"name": "order", "symbol": OTHER, "side": "BUY", "quantity": "5"}
        self.exchange.post("faults", order)
        if turn % 3 == 1:
            self.exchange.post("faults", {"name": "reduce", "symbol": OTHER, "quantity": "2"})
        if turn % 3 == 2:
            self.exchange.post("faults", {"name": "liquidate", "symbol": OTHER})

    def ask(self, *words: str) -> Answer:
        """Run a command of the node's to its end."""
        folder = self.folder / "commands"
        folder.mkdir(exist_ok=True)
        return run(folder, self.project, self.environment, *words)

    def books(self) -> list[tuple[str, Answer]]:
        """Return what `pnl` says with the node alive, the node dead, and the store away, too."""
        found = [("node alive", self.ask("pnl", "--json"))]
        self.node.kill()
        found.append(("node dead", self.ask("pnl", "--json")))
        self.store.kill()
        found.append(("store away", self.ask("pnl", "--json")))
        return found


def told(answer: Answer, gained: Decimal) -> tuple[Decimal, Decimal]:
    """Return by how much the books differ from income and from the wallet."""
    balance: dict[str, Any] = answer.json["balance"]
    books, income = (Decimal(balance[name].get("USDT", "0")) for name in ("books", "income"))
    return books - income, books - gained


def main() -> int:
    """Trade, kill, ask, and print what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trades", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    bars = options.trades // len(SYMBOLS) + 2
    with tempfile.TemporaryDirectory() as name:
        field = Field(Path(name), options.seed)
        killed_at = set(field.dice.sample(range(1, bars), min(options.kills, bars - 1)))
        began = time.monotonic()
        for number in range(bars):
            field.bar(kill=number in killed_at)
            if number % EVERY == EVERY - 1:
                field.other_hand(number // EVERY)
        seconds = time.monotonic() - began
        gained = Decimal(field.exchange.get("ledger")["wallet"]["USDT"]) - OPENING_WALLET
        trades = field.ask("trades", "--json").json["trades"]
        closed = sum(trade["closed"] is not None for trade in trades)
        answers = field.books()
        print(field.ask("pnl", "--by", "day").out)
        field.exchange.kill()
    kills = len(killed_at)
    others = field.starts - 1 - kills
    print(f"{closed:,} trades, {kills} kills, {others} starts besides, {seconds:.0f} s")
    print(f"the wallet gained {gained}")
    wrong = closed < options.trades
    for name, answer in answers:
        income, wallet = told(answer, gained)
        wrong = wrong or answer.code != 0 or income != 0 or wallet != 0
        print(f"{name}: exit code {answer.code}, difference to income {income}, to wallet {wallet}")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())

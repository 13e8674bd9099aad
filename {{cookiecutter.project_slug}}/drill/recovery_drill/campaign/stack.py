"""The whole stack on loopback: store, exchange, and a node that is restarted when it dies.

This is ``make run``: no account, no keys, no containers. The node's process id is printed so that
it can be killed by hand and watched coming back.
"""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from recovery_drill.failures import DrillError
from recovery_drill.proc.child import Child
from recovery_drill.proc.exchange import Exchange, exchange_process
from recovery_drill.record.contract import WORTH_A_RESTART
from recovery_drill.record.policy import Policy, fill_in
from recovery_drill.store.server import EmbeddedStore, free_port

MOST_RESTARTS = 5
RESTART_WINDOW_SECONDS = 60.0
NEWS_SECONDS = 1.0

Say = Callable[[str], None]


async def run_stack(
    *,
    policy: Policy,
    project: Path,
    folder: Path,
    exchange_command: list[str],
    seed: int,
    speed: float,
    say: Say,
) -> int:
    """Run until Ctrl-C or SIGTERM; return 0, or the code of a node that cannot be restarted."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    store = EmbeddedStore(folder)
    command = [*exchange_command, "--port", "0", "--seed", str(seed), "--speed", f"{speed:g}"]
    for symbol in policy.symbols:
        command += ["--symbol", symbol]
    exchange = Exchange(exchange_process(command, folder))
    try:
        # The exchange of an earlier stack is gone, so what a store remembers of it would be wrong.
        await store.start_empty()
        await exchange.start()
        say(f"store     {store.url}")
        say(f"exchange  {exchange.http_url}")
        supervisor = Supervisor(policy, project, folder, store, exchange, say)
        news = asyncio.create_task(_tell_fills(exchange, say))
        node = asyncio.create_task(supervisor.keep_alive(stopped))
        try:
            return await node
        finally:
            news.cancel()
    except DrillError as error:
        say(str(error))
        return 1
    finally:
        await exchange.stop()
        await store.stop()
        say("stopped; every process that was started has ended")


class Supervisor:
    """Starts the node, restarts it when it dies, and stops it when asked."""

    def __init__(
        self,
        policy: Policy,
        project: Path,
        folder: Path,
        store: EmbeddedStore,
        exchange: Exchange,
        say: Say,
    ) -> None:
        self._policy, self._project, self._folder = policy, project, folder
        self._store, self._exchange, self._say = store, exchange, say
        self._http_port = free_port()
        self._started = 0.0

    def _child(self) -> Child:
        values = {
            "store_url": self._store.url,
            "exchange_http": self._exchange.http_url,
            "exchange_ws": self._exchange.ws_url,
            "http_port": str(self._http_port),
            "instance_id": "stack",
            "folder": str(self._folder.resolve()),
        }
        return Child(
            "node",
            [fill_in(word, values) for word in self._policy.node_command],
            environment=self._policy.node_environment(values),
            log_path=self._folder / "node.log",
            directory=self._project,
            on_event=self._on_event,
        )

    def _on_event(self, event: dict[str, Any]) -> None:
        if event["event"] != "stage":
            return
        since = time.monotonic() - self._started
        self._say(f"node      {event.get('stage')} ({since:.1f} s after its start)")

    async def keep_alive(self, stopped: asyncio.Event) -> int:
        """Keep the node alive until `stopped` is set; return an exit code."""
        starts: list[float] = []
        while True:
            self._started = time.monotonic()
            starts = [s for s in starts if self._started - s < RESTART_WINDOW_SECONDS]
            starts.append(self._started)
            if len(starts) > MOST_RESTARTS:
                self._say(f"node      died {MOST_RESTARTS} times within a minute; see its log")
                return 1
            child = self._child()
            await child.start()
            self._say(
                f"node      pid {child.pid}, http://127.0.0.1:{self._http_port}/state, "
                f"log {child.log_path}"
            )
            self._say(
                f"          kill -9 {child.pid}    to see it come back; Ctrl-C ends everything"
            )
            code = await self._until_ended(child, stopped)
            if stopped.is_set():
                self._say(f"node      stopped with exit code {code}")
                return 0
            if code >= 0 and code not in WORTH_A_RESTART:
                self._say(f"node      ended with exit code {code}: {child.last_words()}")
                return code
            how = f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            self._say(f"node      {how}; starting it again")

    async def _until_ended(self, child: Child, stopped: asyncio.Event) -> int:
        asked = asyncio.create_task(stopped.wait())
        ended = asyncio.create_task(child.ended())
        await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not ended.done():
            ended.cancel()
            return await child.stop()
        return ended.result()


async def _tell_fills(exchange: Exchange, say: Say) -> None:
    """Tell of each fill and each stop as the exchange records it."""
    async with aiohttp.ClientSession(exchange.http_url) as session:
        # Not from the first record: an exchange keeps only the latest ones in memory.
        async with session.get("/_sim/ledger") as answer:
            after = (await answer.json())["seq"]
        while True:
            async with session.get("/_sim/journal", params={"after": str(after)}) as answer:
                journal = await answer.json()
            after = journal["seq"]
            for record in journal["records"]:
                row = record["data"]
                if record["kind"] == "order.filled":
                    fill = row["fill"]
                    text = "{side} {quantity} {symbol} at {price}, position {position_after}"
                    say(f"exchange  {text.format_map(fill)} ({fill['client_order_id']})")
            await asyncio.sleep(NEWS_SECONDS)

"""A node with the face that the drill looks at: stage lines, ``/state`` and ``/health``."""

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from recovery_drill.kit.rows import AWAITING, BARS, Rows, symbol_of
from recovery_drill.kit.settings import Settings, settings
from recovery_drill.record.contract import ExitCode, Stage

if TYPE_CHECKING:
    from nautilus_trader.live.node import TradingNode
    from nautilus_trader.model.data import Bar

SCHEMA = 1
NS_PER_MS = 1_000_000
UNANSWERED = (
    "{} questions for history (request_bars and the like) have had no answer: the engine never "
    'calls back where there is nothing to send. Say epoch = "now" and enough history_bars in '
    "[tool.recovery-drill]."
)


class Face:
    """What a drilled node shows of itself. It changes nothing that the node does.

    Parameters
    ----------
    node : TradingNode
        Built, and not started.
    place : Settings
        What the drill has told it.

    """

    def __init__(self, node: "TradingNode", place: Settings) -> None:
        self._node = node
        self._place = place
        self._rows = Rows(node)
        self._stage = Stage.CONNECT
        self._decided: dict[str, int] = {}

    def attach(self) -> None:
        """Put it on the node: what it shows begins with the node's own start."""
        loop = self._node.kernel.loop
        trader: Any = self._node.kernel.trader
        start, stop = trader.start, trader.stop

        def started() -> None:
            # From here on its strategies may send orders.
            self._say(Stage.TRADING)
            start()

        def stopped() -> None:
            self._say(Stage.STOPPING)
            stop()

        trader.start, trader.stop = started, stopped
        self._node.kernel.msgbus.subscribe(f"{BARS}*", self._heard)
        self._serving = loop.create_task(self._serve())
        self._say(Stage.CONNECT)

    def _say(self, stage: Stage) -> None:
        self._stage = stage
        line = {"event": "stage", "stage": stage, "mono_ns": time.monotonic_ns()}
        text = json.dumps({**line, "wall_ns": time.time_ns()})
        # At once, and on a line of its own: a thread of the engine's writes its log beside it, and
        # the end of each of its lines by itself.
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), f"\n{text}\n".encode())

    def _heard(self, bar: "Bar") -> None:
        """Take note of a bar once all who hear it have done what they do about it."""
        self._node.kernel.loop.call_soon(self._note, bar)

    def _note(self, bar: "Bar") -> None:
        symbol = symbol_of(bar.bar_type.instrument_id)
        self._decided[symbol] = max(self._decided.get(symbol, 0), round(bar.ts_event / NS_PER_MS))

    async def _serve(self) -> None:
        application = web.Application()
        application.router.add_get("/state", self._get_state)
        application.router.add_get("/health", self._get_health)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        host, port = self._place.http_host, self._place.http_port
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            print(f"The HTTP address {host}:{port} cannot be used: {error}.", file=sys.stderr)
            sys.stderr.flush()
            os._exit(ExitCode.CONFIGURATION)

    async def _get_health(self, _: web.Request) -> web.Response:
        status = 200 if self._stage is Stage.TRADING else 503
        return web.json_response({"stage": self._stage, "reason": ""}, status=status)

    async def _get_state(self, _: web.Request) -> web.Response:
        return web.json_response(self.state())

    def state(self) -> dict[str, Any]:
        """Return the document of ``/state``."""
        orders, pending = self._rows.orders(), self._rows.pending()
        waiting = sum(order["status"] in AWAITING for order in orders)
        traded = self._rows.traded()
        return {
            "schema": SCHEMA,
            "pid": os.getpid(),
            "instance_id": self._place.instance_id,
            "stage": self._stage,
            # Null: it decides when a bar is heard, and has heard none since its start.
            "decided_bar": {r["symbol"]: self._decided.get(r["symbol"]) for r in traded},
            "inflight": waiting + pending + self._rows.queued(),
            "positions": self._rows.positions(),
            "orders": orders,
            "traded": traded,
            "notes": [UNANSWERED.format(pending)] if pending else [],
        }


class DrilledNode:
    """A node that can be drilled; where no drill has started it, just the node.

    Parameters
    ----------
    node : TradingNode
        Built, and not started.

    """

    def __init__(self, node: "TradingNode") -> None:
        self._node = node

    def run(self) -> None:
        """Run the node until it is asked to stop, and dispose of it."""
        try:
            face_of(self._node)
            self._node.run()
        finally:
            self._node.dispose()


def face_of(node: "TradingNode") -> Face | None:
    """Put a face on a node where a drill has started it; return it, or None where none has."""
    place = settings()
    if place is None:
        return None
    face = Face(node, place)
    face.attach()
    return face


def drilled(node: "TradingNode") -> DrilledNode:
    """Return a node that shows the drill what it asks for; call its ``run``."""
    return DrilledNode(node)

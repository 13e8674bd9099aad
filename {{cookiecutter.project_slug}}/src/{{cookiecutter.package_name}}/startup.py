"""
One way up, bounded: the node is trading within its time or the process ends with a code.

The engine's own start returns silently when connecting, reconciling or valuing the portfolio
fails, and the process lives on without trading. Here each of them has its sentence and its code.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

from nautilus_trader.common.enums import ComponentState
from nautilus_trader.live.node import TradingNode

from . import node as assembly
from .adapter import FAILED_TOPIC, MISSED_TOPIC, MendedExecClientFactory
from .changes import Changes
from .decision import EmaCross
from .endpoint import open_endpoint
from .exchange import Exchange
from .exit_codes import ExitCode, NodeExit, complain
from .hold import hold
from .preflight import preflight
from .settings import PREFIX, OnRefusal, Settings
from .stages import Stage, Stages
from .state import document
from .strategy import TargetStrategy, TargetStrategyConfig
from .watchdog import Watchdog

STRATEGY_TAG = "EMA001"
"""The tag of the strategy and of its client order ids; changing it orphans what is open."""
STOP_SECONDS = 10.0
SHUTDOWN_TOPIC = "commands.system.shutdown"


class Runner:
    """
    Take one node up, keep it, and take it down.

    Parameters
    ----------
    settings : Settings
        The validated settings.
    exec_client_factory : Any
        The engine's factory for the execution client.

    """

    def __init__(self, settings: Settings, exec_client_factory: Any) -> None:
        self._settings = settings
        self._factory = exec_client_factory
        self._node: TradingNode | None = None
        self._strategy: TargetStrategy | None = None
        self._watchdog = Watchdog()
        self._changes = Changes()
        self._stages = Stages(on_enter=self._on_stage)
        self._is_reconciled = False
        self._failed_reports: list[str] = []
        self._end: asyncio.Future[NodeExit | None]
        self._asked_to_stop = asyncio.Event()

    async def run(self) -> ExitCode:
        """Run until the process should end, and return its exit code."""
        loop = asyncio.get_running_loop()
        self._started = loop.time()
        self._end = loop.create_future()
        self._take_signals(loop)
        start = loop.create_task(self._start())
        start.add_done_callback(self._start_is_over)
        end = await self._end
        if end is not None:
            complain(end.sentence)
        code = ExitCode.STOPPED if end is None else end.code
        reason = "stopped as asked" if end is None else end.sentence
        # From here on the plain line is written; a stop that hangs ends with the same code.
        self._watchdog.arm(STOP_SECONDS, code, "")
        self._stages.enter(Stage.STOPPING, reason)
        start.cancel()
        await asyncio.wait([start])
        await self._stop()
        if end is not None and self._must_be_held(end):
            self._watchdog.disarm()
            await hold(end, self._settings.hold_settings(), self._asked_to_stop)
        return code

    def _must_be_held(self, end: NodeExit) -> bool:
        """Return whether a restart after `end` would only lead to the same end."""
        asked = self._settings.on_refusal is OnRefusal.HOLD
        return asked and end.code is ExitCode.CONFIGURATION

    def state(self) -> dict[str, Any]:
        """Return the document of ``GET /state``."""
        return document(
            self._node.cache if self._node else None,
            pid=os.getpid(),
            instance_id=self._settings.instance_id,
            revision=self._changes.revision,
            stage=self._stages.current.value,
            decided_bar=self._strategy.decided_bar if self._strategy else {},
            pending_looks=self._strategy.pending_looks if self._strategy else 0,
        )

    # -- Up ------------------------------------------------------------------------------------

    async def _start(self) -> None:
        settings, stages = self._settings, self._stages
        stages.enter(Stage.PREFLIGHT)
        self._endpoint = await open_endpoint(
            settings.http_host, settings.http_port, stages, self._changes, self.state
        )
        await preflight(settings)
        stages.enter(Stage.LOAD)
        self._load()
        stages.enter(Stage.CONNECT)
        await self._start_engine()
        # From here on the strategy reports: ready, or why not.

    def _load(self) -> None:
        try:
            node = assembly.build_node(self._settings, self._factory)
        except RuntimeError as error:
            raise NodeExit(
                ExitCode.AWAY, f"The engine could not load the store: {_one_line(error)}."
            ) from error
        self._node = node
        # The engine has put its own handlers in place of these.
        self._take_signals(asyncio.get_running_loop())
        self._strategy = strategy = TargetStrategy(
            TargetStrategyConfig(
                instrument_id=assembly.instrument_id(self._settings),
                order_id_tag=STRATEGY_TAG,
                oms_type="NETTING",
                # What reconciliation finds at the exchange belongs to this strategy; unclaimed,
                # it goes to a stranger and the strategy believes itself flat.
                external_order_claims=[assembly.instrument_id(self._settings)],
            ),
            rule=EmaCross(quantity=self._settings.order_quantity),
            exchange=Exchange(self._settings, node.kernel.clock),
            on_ready=lambda: self._stages.enter(Stage.TRADING),
            on_failure=self._finish,
            on_look=self._changes.note,
        )
        node.trader.add_strategy(strategy)
        bus = node.kernel.msgbus
        bus.subscribe("events.*", lambda _: self._changes.note())
        bus.subscribe(SHUTDOWN_TOPIC, self._on_engine_shutdown)
        bus.subscribe(FAILED_TOPIC, self._on_failed_report)
        bus.subscribe(MISSED_TOPIC, self._on_missed_fill)
        bus.subscribe(f"events.system.{strategy.id}", self._on_strategy_state)
        self._bound_reconciliation(node)

    def _bound_reconciliation(self, node: TradingNode) -> None:
        """Give reconciliation the stage line and the bound that the engine does not give it."""
        engine = node.kernel.exec_engine
        stock: Callable[..., Any] = engine.reconcile_execution_state

        async def bounded(timeout_secs: float) -> bool:
            self._stages.enter(Stage.RECONCILE)
            try:
                async with asyncio.timeout(timeout_secs):
                    succeeded = bool(await stock(timeout_secs=timeout_secs))
            except TimeoutError:
                raise NodeExit(
                    ExitCode.AWAY,
                    f"The exchange did not report orders, fills and positions within "
                    f"{timeout_secs:.0f} s.",
                ) from None
            # Whatever the engine says: without a report its picture may be wrong.
            self._is_reconciled = succeeded and not self._failed_reports
            if self._is_reconciled:
                self._stages.enter(Stage.WARMUP)
            return self._is_reconciled

        engine.reconcile_execution_state = bounded

    async def _start_engine(self) -> None:
        assert self._node is not None
        kernel = self._node.kernel
        await kernel.start_async()
        if kernel.trader.is_running:
            return
        if not (kernel.data_engine.check_connected() and kernel.exec_engine.check_connected()):
            raise NodeExit(
                ExitCode.AWAY,
                f"The exchange was not connected within {assembly.CONNECT_SECONDS:.0f} s; "
                "the log above names the request that failed.",
            )
        if not self._is_reconciled:
            reason = self._failed_reports[0] if self._failed_reports else "The log above says why."
            raise NodeExit(
                ExitCode.AWAY,
                "The engine could not reconcile its orders and positions with the exchange. "
                + reason,
            )
        raise NodeExit(
            ExitCode.AWAY,
            f"The portfolio was not valued within {assembly.PORTFOLIO_SECONDS:.0f} s.",
        )

    def _start_is_over(self, start: asyncio.Task[None]) -> None:
        if start.cancelled() or start.exception() is None:
            return
        error = start.exception()
        if not isinstance(error, NodeExit):
            sentence = f"The start failed: {type(error).__name__}: {_one_line(error)}."
            error = NodeExit(ExitCode.DEFECT, sentence)
        self._finish(error)

    def _on_stage(self, stage: Stage) -> None:
        self._changes.note()
        self._set_deadline(stage)

    def _set_deadline(self, stage: Stage) -> None:
        if stage is Stage.TRADING:
            self._watchdog.disarm()
        elif stage is not Stage.STOPPING:
            bound = self._settings.startup_timeout_seconds
            left = self._started + bound - asyncio.get_running_loop().time()
            self._watchdog.arm(
                left,
                ExitCode.AWAY,
                f"The node was not trading within {bound:g} s and was still at {stage}; "
                f"see what it waits for, or raise {PREFIX}STARTUP_TIMEOUT_SECONDS.",
            )

    # -- Down ----------------------------------------------------------------------------------

    def _take_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop_as_asked)

    def _stop_as_asked(self) -> None:
        self._asked_to_stop.set()
        self._finish(None)

    def _finish(self, end: NodeExit | None) -> None:
        """End the run; the first reason counts. ``None`` is a stop as asked."""
        if not self._end.done():
            self._end.set_result(end)

    def _on_engine_shutdown(self, command: Any) -> None:
        # The engine stops itself when a handler raises, and would end with code 0.
        self._finish(NodeExit(ExitCode.DEFECT, f"The engine failed: {_one_line(command.reason)}."))

    def _on_failed_report(self, sentence: str) -> None:
        if not self._is_reconciled:
            self._failed_reports.append(sentence)

    def _on_missed_fill(self, sentence: str) -> None:
        self._finish(NodeExit(ExitCode.AWAY, sentence))

    def _on_strategy_state(self, event: Any) -> None:
        if event.state in (ComponentState.STOPPED, ComponentState.DEGRADED, ComponentState.FAULTED):
            self._finish(
                NodeExit(ExitCode.DEFECT, f"The strategy is {event.state.name} and trades no more.")
            )

    async def _stop(self) -> None:
        """Stop gracefully; orders that protect a position stay at the exchange."""
        if self._node is not None and self._node.is_running():
            kernel = self._node.kernel
            queues = [
                task
                for engine in (kernel.data_engine, kernel.risk_engine, kernel.exec_engine)
                for task in (engine.get_cmd_queue_task(),)
                if task is not None
            ]
            if not kernel._is_stopping:
                await self._node.stop_async()
            if queues:
                await asyncio.wait(queues, timeout=STOP_SECONDS)
        if self._node is not None:
            # Closes the store's connection after what is queued for it has been written.
            self._node.kernel.dispose()
        if hasattr(self, "_endpoint"):
            await self._endpoint.cleanup()


def run(settings: Settings, exec_client_factory: Any = MendedExecClientFactory) -> ExitCode:
    """
    Run the node until it is asked to stop or has to end.

    Parameters
    ----------
    settings : Settings
        The validated settings.
    exec_client_factory : Any, optional
        The engine's factory for the execution client.

    """

    async def main() -> ExitCode:
        try:
            runner = Runner(settings, exec_client_factory)
        except NodeExit as error:
            complain(error.sentence)
            return error.code
        return await runner.run()

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(main())


def _one_line(error: object) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__

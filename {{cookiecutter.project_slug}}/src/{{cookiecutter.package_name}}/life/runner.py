"""
One way up, bounded: the node is trading within its time or the process ends with a code.

The runner walks the guards, brings the engine up, keeps it, and takes it down. It knows stages,
codes and bounds, and no engine by name.
"""

import asyncio
import os
import signal
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ..config.complaints import PREFIX
from ..config.settings import OnRefusal, Settings
from ..engine.desk import Desk, Engine
from ..exit_codes import ExitCode, NodeExit, complain
from ..face.changes import Changes
from ..face.conditions import Conditions
from ..face.endpoint import open_endpoint
from ..face.stages import Stage, Stages
from ..face.state import NodeState, document
from ..guards import GUARDS, WATCHES
from ..guards.bell import Bell
from ..guards.guard import Start, StartCold
from ..guards.halt.places import Halts
from ..guards.lease.lease import Lease
from ..guards.limit_book import LimitBook
from ..guards.watch import Trading
from ..plan.day import Heard
from ..plan.limits import KEPT_BACK, AtEngine, Wanted
from ..plan.order_ids import owner_of
from ..plan.traded import Traded
from ..venue.binance.orders import SymbolQuestions
from ..venue.binance.requests import LATE_SECONDS, Requests
from .cold import note_of_a_cold_start, refusal_of_another, start_again, told
from .control import NodeControl
from .flatten.flatten import SECONDS as FLATTEN_SECONDS
from .flatten.flatten import Flattening
from .hold import hold
from .keeper import Keeper
from .watchdog import Watchdog
from .watching import Watching

STOP_SECONDS = 10.0
BEFORE_LOAD = (Stage.PREFLIGHT, Stage.LEASE, Stage.MEND)
UNCLEAR = "outcomes"
"""The condition that nobody says what has become of orders."""


class Runner:
    """
    Take one node up, keep it, and take it down.

    Parameters
    ----------
    settings : Settings
        The validated settings.
    traded : Sequence[Traded]
        What is traded.
    engine : Engine
        What trades it, not yet loaded.
    born : float
        When the process began, by the monotonic clock.
    stands_by : bool
        Whether it waits while another node trades.

    """

    def __init__(
        self,
        settings: Settings,
        traded: Sequence[Traded],
        engine: Engine,
        born: float,
        stands_by: bool,
    ) -> None:
        self._settings = settings
        self._stands_by = stands_by
        self._traded = traded
        self._engine = engine
        self._requests = Requests(settings)
        self._lease = Lease(settings, born)
        self._requests.clock.allowed = self._lease.left
        self._limits = LimitBook()
        self._halts = Halts(settings)
        self._control = NodeControl(self._halts, self._lease, self._flatten_at_end)
        self._flattens: tuple[str | None] | None = None
        self._keepers: dict[str, Keeper] = {}
        self._not_ready = {each.tag for each in traded}
        self._watchdog = Watchdog()
        self._changes = Changes()
        self._conditions = Conditions(self._on_condition)
        self._watching = Watching(self._finish)
        self._bells: defaultdict[str, Bell] = defaultdict(Bell)
        self._stages = Stages(on_enter=self._on_stage)
        self._end: asyncio.Future[NodeExit | StartCold | None]
        self._asked_to_stop = asyncio.Event()

    async def run(self) -> ExitCode:
        """Run until the process should end, and return its exit code."""
        loop = asyncio.get_running_loop()
        self._started = loop.time()
        self._guarded = Start(
            self._settings,
            self._traded,
            self._requests,
            self._engine,
            self._lease,
            self._halts,
            self._stands_by,
            limits=self._limits,
        )
        if note := note_of_a_cold_start():
            self._guarded.notes.append(note)
        self._end = loop.create_future()
        self._take_signals()
        start = loop.create_task(self._start())
        start.add_done_callback(self._start_is_over)
        end = await self._end
        if isinstance(end, StartCold):
            end = await self._start_cold(end, start)
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
        if self._flattens is not None:
            await self._flatten(*self._flattens)
        await asyncio.to_thread(self._lease.release)
        if end is not None and self._must_be_held(end):
            self._watchdog.disarm()
            await hold(end, self._settings.hold_settings(), self._asked_to_stop)
        return code

    def _must_be_held(self, end: NodeExit) -> bool:
        """Return whether a restart after `end` would only lead to the same end."""
        asked = self._settings.on_refusal is OnRefusal.HOLD
        return asked and end.code in (ExitCode.CONFIGURATION, ExitCode.REFUSED)

    def state(self) -> dict[str, Any]:
        """Return the document of ``GET /state``."""
        decided = {symbol: keeper.has_decided for symbol, keeper in self._keepers.items()}
        node = NodeState(
            pid=os.getpid(),
            trader_id=self._settings.id,
            instance_id=self._settings.instance_id,
            lease_epoch=self._lease.epoch,
            revision=self._changes.revision,
            stage=self._stages.current.value,
            decided_bar={symbol: ms for symbol, ms in decided.items() if ms is not None},
            pending_looks=sum(keeper.pending_looks for keeper in self._keepers.values()),
            traded=self._traded,
            conditions=self._conditions.now,
            found=self._stages.found,
            notes=self._guarded.notes,
        )
        return document(node, self._engine.rows())

    # -- Up ------------------------------------------------------------------------------------

    async def _start(self) -> None:
        settings, stages = self._settings, self._stages
        stages.enter(Stage.PREFLIGHT)
        self._endpoint = await open_endpoint(
            settings.http_host,
            settings.http_port,
            stages,
            self._changes,
            self.state,
            settings.control_token.get_secret_value() if settings.control_token else None,
            self._control,
        )
        await self._pass(*BEFORE_LOAD)
        stages.enter(Stage.LOAD)
        self._engine.load(self._traded, self._make_keeper, self._requests, self)
        # The engine has put its own handlers in place of these.
        self._take_signals()
        stages.enter(Stage.CONNECT)
        await self._engine.start()
        # From here on the keepers report: ready, or why not.

    def _make_keeper(self, traded: Traded, desk: Desk) -> Keeper:
        owner = owner_of(self._settings.id, traded.tag, traded.symbol)
        questions = SymbolQuestions(self._settings, self._requests, traded)
        keeper = Keeper(traded, owner, desk, questions, self)
        self._keepers[traded.symbol] = keeper
        return keeper

    async def _pass(self, *stages: Stage) -> None:
        """Walk the guards that stand on some stages."""
        for guard in GUARDS:
            if guard.stage in stages:
                if guard.stage is not self._stages.current:
                    self._stages.enter(guard.stage)
                if sentence := await guard.check(self._guarded):
                    self._stages.tell(guard.name, sentence)

    # what the engine tells

    def reconciling(self) -> None:
        """Enter the stage."""
        self._stages.enter(Stage.RECONCILE)

    async def reconciled(self) -> None:
        """Let the audit look, and enter the next stage."""
        await self._pass(Stage.AUDIT)
        self._stages.enter(Stage.WARMUP)

    def changed(self) -> None:
        """Count a change of what ``/state`` tells."""
        self._changes.note()

    def unclear(self, sentence: str) -> None:
        """Say of which orders nobody says what has become."""
        if sentence:
            doing = "They are asked for until it is known, and nothing is sent before."
            self._conditions.begin(UNCLEAR, sentence, doing)
        else:
            self._conditions.end(UNCLEAR)

    def keeps_back(self, order: Wanted, engine: AtEngine) -> str:
        """Return in a sentence why a limit keeps an order back; empty when it may be sent."""
        limits, now = self._settings.limits(), time.monotonic()
        symbols = self._guarded.symbols
        sentence = self._limits.refusal(order, engine, limits, symbols, now)
        if not sentence:
            return ""
        self._limits.say(self._conditions, limits, now)
        return KEPT_BACK + sentence

    def traded(self, fill: Heard) -> None:
        """Count what a fill has brought and cost, until the exchange tells it."""
        self._limits.hear(fill)

    # what a keeper tells

    def ready(self, tag: str) -> None:
        """Trade when all are."""
        self._not_ready.discard(tag)
        if not self._not_ready:
            self._stages.enter(Stage.TRADING)
            trading = Trading(
                self._settings,
                self._traded,
                self._requests,
                self._engine,
                self._lease,
                self._halts,
                self._conditions,
                self._keepers,
                self._guarded.note,
                self._bells,
                limits=self._limits,
            )
            self._watching.begin(WATCHES, trading)

    def _on_condition(self) -> None:
        wrong = self._conditions.now
        if wrong and self._stages.current in (Stage.TRADING, Stage.DEGRADED):
            told = " ".join(f"{each.sentence} {each.doing}" for each in wrong)
            complain(told)
            self._stages.enter(Stage.DEGRADED, told)
        elif self._stages.current is Stage.DEGRADED:
            complain("All is right again.")
            self._stages.enter(Stage.TRADING)
        for keeper in self._keepers.values():
            keeper.look_again()

    def looked(self) -> None:
        """Count a change of what ``/state`` tells."""
        self._changes.note()

    def wrong(self, symbol: str, sentence: str, doing: str) -> None:
        """Say what is wrong with a symbol."""
        self._conditions.begin(_orders_of(symbol), sentence, doing, symbol)

    def right(self, symbol: str) -> None:
        """Say that nothing is wrong with a symbol."""
        self._conditions.end(_orders_of(symbol))

    def odd(self, watch: str) -> None:
        """Let a watch look at once."""
        self._bells[watch].ring()

    def may_open(self, symbol: str) -> bool:
        """Return whether nothing is wrong with a symbol besides what its keeper has said."""
        # What a person has halted counts before its condition is there.
        is_right = self._conditions.may_open(symbol, besides=_orders_of(symbol))
        return is_right and not self._halts.now.holds(symbol)

    def failed(self, end: NodeExit) -> None:
        """End: engine or keeper cannot go on."""
        self._finish(end)

    def _start_is_over(self, start: asyncio.Task[None]) -> None:
        if start.cancelled() or start.exception() is None:
            return
        error = start.exception()
        if not isinstance(error, NodeExit | StartCold):
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            sentence = f"The start failed: {type(error).__name__}: {reason}."
            error = NodeExit(ExitCode.DEFECT, sentence)
        self._finish(error)

    def _on_stage(self, stage: Stage) -> None:
        self._changes.note()
        self._set_deadline(stage)

    def _set_deadline(self, stage: Stage) -> None:
        if self._stands_by and stage is Stage.MEND:
            self._started = asyncio.get_running_loop().time()
        if stage in (Stage.TRADING, Stage.DEGRADED) or (self._stands_by and stage is Stage.LEASE):
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

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop_as_asked)

    def _stop_as_asked(self) -> None:
        self._asked_to_stop.set()
        self._finish(None)

    def _flatten_at_end(self, symbol: str | None, sentence: str) -> None:
        """Flatten once the engine has stopped, which is now when there is a sentence."""
        self._flattens = (symbol,)
        if sentence:
            self._finish(NodeExit(ExitCode.AWAY, f"{sentence} The node stops and flattens."))

    async def _flatten(self, symbol: str | None) -> None:
        """Flatten with the lease in hand, and say how it has ended."""
        self._watchdog.arm(
            FLATTEN_SECONDS + STOP_SECONDS, ExitCode.AWAY, "The flattening did not end."
        )
        self._lease.needed(FLATTEN_SECONDS + STOP_SECONDS)  # no watch says so any more
        quiet_from = time.monotonic() + LATE_SECONDS
        try:
            await Flattening(self._requests, symbol, lambda: quiet_from, complain).run()
        except NodeExit as end:
            complain(end.sentence)
        else:
            complain(f"Flat: the exchange has nothing left of {symbol or 'any symbol'}.")
        finally:
            await self._requests.close()

    async def _start_cold(self, cold: StartCold, start: asyncio.Task[None]) -> NodeExit:
        """Start once more from the exchange alone, once; return how the process ends otherwise."""
        if (refusal := refusal_of_another(cold)) is not None:
            return refusal
        complain(f"The engine starts once more, from the exchange alone. {told(cold)}")
        self._watchdog.arm(STOP_SECONDS, ExitCode.AWAY, "The engine did not end for a new start.")
        await asyncio.wait([start])
        await self._stop()
        return await start_again(cold, self._guarded)

    def _finish(self, end: NodeExit | StartCold | None) -> None:
        """End the run; the first reason counts. ``None`` is a stop as asked."""
        if not self._end.done():
            self._end.set_result(end)

    async def _stop(self) -> None:
        await self._watching.end()
        await self._engine.stop()
        await self._requests.close()
        if hasattr(self, "_endpoint"):
            await self._endpoint.cleanup()


def _orders_of(symbol: str) -> str:
    """Return the name of the condition that a keeper says of its symbol."""
    return f"orders of {symbol}"


def run(
    settings: Settings,
    traded: Sequence[Traded],
    engine: Engine,
    born: float | None = None,
    *,
    stands_by: bool = False,
) -> ExitCode:
    """
    Run the node until it is asked to stop or has to end.

    Parameters
    ----------
    settings : Settings
        The validated settings.
    traded : Sequence[Traded]
        What is traded.
    engine : Engine
        What trades it, not yet loaded.
    born : float, optional
        When the process began, by the monotonic clock; without it, now.
    stands_by : bool
        Whether it waits while another node trades.

    """
    started = time.monotonic() if born is None else born

    async def main() -> ExitCode:
        try:
            runner = Runner(settings, traded, engine, started, stands_by)
        except NodeExit as error:
            complain(error.sentence)
            return error.code
        return await runner.run()

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(main())

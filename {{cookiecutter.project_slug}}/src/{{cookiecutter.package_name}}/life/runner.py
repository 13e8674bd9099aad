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
from typing import Any, cast

from ..config.complaints import PREFIX
from ..config.settings import OnRefusal, Settings
from ..engine.desk import Desk, Engine, EventDesk
from ..exit_codes import ExitCode, NodeExit, complain, hear_complaints, keep_secret
from ..face.changes import Changes
from ..face.conditions import Conditions
from ..face.endpoint import open_endpoint
from ..face.last_fills import LastFills
from ..face.log import Level, Log
from ..face.metrics.tally import Tally
from ..face.stages import Stage, Stages
from ..face.state import NodeState, document
from ..guards import GUARDS, WATCHES
from ..guards.bell import Bell
from ..guards.guard import Start, StartCold
from ..guards.halt.guard import GivesWay
from ..guards.halt.places import Halts
from ..guards.lease.lease import Lease
from ..guards.limit_book import LimitBook
from ..plan.order_ids import owner_of
from ..plan.traded import EventDriven, Traded
from ..venue.binance.orders import SymbolQuestions
from ..venue.binance.requests import Requests
from .cold import note_of_a_cold_start, refusal_of_another, start_again, told
from .control import NodeControl
from .day_summary import tell_days
from .ending import HUNG, SETTLE_SECONDS, Ending
from .event_keeper import EventKeeper
from .flatten.at_end import SECONDS as FLATTEN_SECONDS
from .flatten.at_end import flatten
from .flatten.giving import until_given_back
from .hearing import Hearing
from .hold import hold
from .keeper import Keeper
from .memory import Memory
from .memory_store import MemoryStore
from .metering import Metering
from .notices import Notices
from .status import StatusOf
from .watchdog import Watchdog
from .watching import Watching

STOP_SECONDS = 10.0


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

    Attributes
    ----------
    log : Log
        What the node says, for machines.

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
        self._keepers: dict[str, Keeper | EventKeeper] = {}
        self._memory_store = MemoryStore(settings, self._lease)
        self._memories = {
            each.tag: Memory(each.tag, form, self._memory_store)
            for each in traded
            if (form := each.memory_form) is not None
        }
        self._fills = LastFills()
        self._notices = Notices(settings, self._fills)
        self._days: asyncio.Task[None] | None = None
        self._watchdog = Watchdog()
        self._changes = Changes()
        self._conditions = Conditions(lambda: self._hearing.wrong_or_right())
        self._ending = Ending(self._changes, self._conditions, self._keepers)
        self._watching = Watching(self._ending.tell)
        self._bells: defaultdict[str, Bell] = defaultdict(Bell)
        self._stages = Stages(on_enter=self._on_stage)
        self._asked_to_stop = asyncio.Event()
        self._guarded = Start(
            settings,
            traded,
            self._requests,
            engine,
            self._lease,
            self._halts,
            stands_by,
            limits=self._limits,
            tally=Tally(
                {
                    owner_of(settings.id, each.tag, each.symbol): (each.tag, each.symbol)
                    for each in traded
                }
            ),
        )
        self.log = Log(Level[settings.log_level])
        keep_secret(settings.secrets())
        hear_complaints(lambda said, level: self.log.say(Level[level], "said", sentence=said))
        self._metering = Metering(self._guarded, self._stages, self._conditions, born)
        self._hearing = Hearing(
            self._guarded,
            self._stages,
            self._changes,
            self._conditions,
            self._bells,
            self._keepers,
            waited_for={each.tag for each in traded},
            audit=lambda: self._pass(Stage.AUDIT),
            begin=self._watch,
            finish=self._ending.tell,
            metering=self._metering,
            log=self.log,
            fills=self._fills,
            notices=self._notices,
        )
        self._status = StatusOf(
            self._guarded,
            self._stages,
            self._changes,
            self._conditions,
            self._keepers,
            self._fills,
            lambda: self._notices.sentence,
        )

    async def run(self) -> ExitCode:
        """Run until the process should end, and return its exit code."""
        loop = asyncio.get_running_loop()
        self._started = loop.time()
        if note := note_of_a_cold_start():
            self._guarded.notes.append(note)
        self._take_signals()
        start = loop.create_task(self._start())
        start.add_done_callback(self._start_is_over)
        end = await self._ending.reason()
        if self._ending.must_wait():
            self._watchdog.arm(SETTLE_SECONDS + STOP_SECONDS, ExitCode.AWAY, HUNG)
            await self._ending.settle(self._engine.ask_for_unanswered)
        if isinstance(end, StartCold):
            end = await self._start_cold(end, start)
        if end is not None:
            complain(end.sentence, "ERROR")
        self._notices.ends(end)
        code = ExitCode.STOPPED if end is None else end.code
        reason = "stopped as asked" if end is None else end.sentence
        # From here on the plain line is written; a stop that hangs ends with the same code.
        self._watchdog.arm(STOP_SECONDS, code, "")
        self._stages.enter(Stage.STOPPING, reason)
        start.cancel()
        await asyncio.wait([start])
        await self._stop()
        if self._flattens is not None:
            self._watchdog.arm(
                FLATTEN_SECONDS + STOP_SECONDS, ExitCode.AWAY, "The flattening did not end."
            )
            await flatten(self._requests, self._lease, *self._flattens, STOP_SECONDS)
        await asyncio.to_thread(self._lease.release)
        if isinstance(end, GivesWay) and self._flattens is None:
            self._watchdog.arm(FLATTEN_SECONDS + STOP_SECONDS, code, "")
            await until_given_back(self._lease, FLATTEN_SECONDS, self._asked_to_stop)
        await self._notices.ended(end, is_awaited=code is ExitCode.AWAY)
        if end is not None and self._must_be_held(end):
            self._watchdog.disarm()
            await hold(end, self._settings.hold_settings(), self._asked_to_stop)
        return code

    def _must_be_held(self, end: NodeExit) -> bool:
        """Return whether a restart after `end` would only lead to the same end."""
        asked = self._settings.on_refusal is OnRefusal.HOLD
        return asked and end.code in (ExitCode.CONFIGURATION, ExitCode.REFUSED)

    def state(self, before: str | None = None) -> dict[str, Any]:
        """Return the document of ``GET /state``; with `before`, closed orders before that one."""
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
        return document(node, self._engine.rows(), before)

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
            self._status.document,
            settings.control_token.get_secret_value() if settings.control_token else None,
            self._control,
            self._metering.snapshot,
        )
        await self._pass(Stage.PREFLIGHT, Stage.LEASE)
        # Before the mend, which would put aside what the engine cannot load.
        for memory in self._memories.values():
            await memory.load()
        await self._pass(Stage.MEND)
        stages.enter(Stage.LOAD)
        self._engine.load(self._traded, self._make_keeper, self._requests, self._hearing)
        # The engine has put its own handlers in place of these.
        self._take_signals()
        stages.enter(Stage.CONNECT)
        await self._engine.start()
        # From here on the keepers report: ready, or why not.

    def _make_keeper(self, traded: Traded, desk: Desk) -> Keeper | EventKeeper:
        owner = owner_of(self._settings.id, traded.tag, traded.symbol)
        questions = SymbolQuestions(self._settings, self._requests, traded)
        memory = self._memories.get(traded.tag)
        keeper: Keeper | EventKeeper
        if isinstance(traded, EventDriven):
            assert memory is not None, "an event-driven line always has one"
            seat = cast("EventDesk", desk)
            keeper = EventKeeper(traded, owner, seat, questions, self._hearing, memory)
        else:
            keeper = Keeper(traded, owner, desk, questions, self._hearing, memory)
        self._keepers[traded.symbol] = keeper
        self._metering.watch(traded, desk, keeper)
        return keeper

    async def _pass(self, *stages: Stage) -> None:
        """Walk the guards that stand on some stages."""
        for guard in GUARDS:
            if guard.stage in stages:
                if guard.stage is not self._stages.current:
                    self._stages.enter(guard.stage)
                if sentence := await guard.check(self._guarded):
                    self._stages.tell(guard.name, sentence)

    def _watch(self) -> None:
        self._watching.begin(WATCHES, self._hearing.trading())
        self._days = asyncio.get_running_loop().create_task(tell_days(self._guarded, self._notices))

    def _start_is_over(self, start: asyncio.Task[None]) -> None:
        if start.cancelled() or start.exception() is None:
            return
        error = start.exception()
        if not isinstance(error, NodeExit | StartCold):
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            sentence = f"The start failed: {type(error).__name__}: {reason}."
            error = NodeExit(ExitCode.DEFECT, sentence)
        self._ending.tell(error)

    def _on_stage(self, stage: Stage) -> None:
        self._changes.note()
        self._set_deadline(stage)

    def _set_deadline(self, stage: Stage) -> None:
        if self._ending.has_begun:
            return  # the way down has deadlines of its own
        if self._stands_by and stage is Stage.MEND:
            self._started = asyncio.get_running_loop().time()
        if stage in (Stage.TRADING, Stage.DEGRADED) or (self._stands_by and stage is Stage.LEASE):
            self._watchdog.disarm()
        else:
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
        self._ending.tell(None)

    def _flatten_at_end(self, symbol: str | None, sentence: str) -> None:
        """Flatten once the engine has stopped, which is now when there is a sentence."""
        self._flattens = (symbol,)
        if sentence:
            sentence = f"{sentence} The node stops and flattens."
            # What is held is closed once the engine has stopped.
            self._ending.tell(NodeExit(ExitCode.AWAY, sentence, at_once=True))

    async def _start_cold(self, cold: StartCold, start: asyncio.Task[None]) -> NodeExit:
        """Start once more from the exchange alone, once; return how the process ends otherwise."""
        if (refusal := refusal_of_another(cold)) is not None:
            return refusal
        complain(f"The engine starts once more, from the exchange alone. {told(cold)}")
        self._watchdog.arm(STOP_SECONDS, ExitCode.AWAY, "The engine did not end for a new start.")
        await asyncio.wait([start])
        await self._stop()
        return await start_again(cold, self._guarded)

    async def _stop(self) -> None:
        if self._days is not None:
            self._days.cancel()
        await self._watching.end()
        await self._engine.stop()
        await self._memory_store.close()
        await self._requests.close()
        if hasattr(self, "_endpoint"):
            await self._endpoint.cleanup()


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
        try:
            return await runner.run()
        finally:
            runner.log.close()

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(main())

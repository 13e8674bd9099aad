"""The engine from its load to its end: what the rest of the node calls, on its event loop."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from ...config.profiles import Profile
from ...config.settings import Settings
from ...exit_codes import ExitCode, NodeExit, one_line
from ...face.metrics.news import Happened, OrderNews
from ...plan.order_ids import owner_of
from ...plan.rows import FillRow, Rows
from ...plan.situation import Submit
from ...plan.traded import EventDriven, Traded
from ...venue.binance.requests import Requests
from ...venue.records import ExchangeRecord
from ..archive_format import ArchiveFormat
from ..desk import Engine, Events, Keeper, MakeKeeper
from ..mending.archived import KeysArchive
from ..mending.encoding_v2 import CODEC
from ..mending.formats import StoreFormatV2
from ..order_changes import OrderChange
from ..store_line import StoreLine
from ..stored import StoreFormat
from .desk import MirrorDesk, change_of
from .door import Door
from .gate import Gate, heard
from .heard import EventSeen, Seen
from .host import Host
from .mirror import Mirror
from .outcomes import NEVER_ARRIVED, Outcomes
from .shell import EngineSide
from .store_line import StoreLineV2
from .stream import UserStream
from .wire import Wire

STOP_SECONDS = 8.0
NEWS = {
    "OrderSubmitted": Happened.SUBMITTED,
    "OrderAccepted": Happened.ACCEPTED,
    "OrderFilled": Happened.FILLED,
    "OrderPendingCancel": Happened.CANCEL_SENT,
    "OrderCanceled": Happened.CANCELED,
    "OrderExpired": Happened.EXPIRED,
    "OrderRejected": Happened.REJECTED,
    "OrderDenied": Happened.DENIED,
    "OrderCancelRejected": Happened.CANCEL_REJECTED,
}


class EngineV2:
    """
    NautilusTrader 2.0.0rc7, on a thread of its own and behind a door.

    Parameters
    ----------
    settings : Settings
        The validated settings.

    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._mirror = Mirror()
        self._keepers: dict[str, Keeper] = {}
        self._traded: Sequence[Traded] = ()
        self._host: Host | None = None
        self._door: Door | None = None
        self._looking: asyncio.Task[None] | None = None
        self._is_loaded = False
        self._is_stopping = False
        self._is_reconciled = False
        self._begun: asyncio.Future[None] | None = None
        self._failed: NodeExit | None = None
        self._early: list[Seen] = []
        self._events: Events
        self._wire: Wire
        self._outcomes: Outcomes
        self._gate: Gate
        self._line: StoreLineV2
        self._may_send: Callable[[], bool]

    @property
    def store_format(self) -> StoreFormat:
        """How it keeps its orders in the store."""
        return StoreFormatV2(self._settings.id)

    @property
    def archive_format(self) -> ArchiveFormat:
        """How what it has stored is told in the archive."""
        return KeysArchive(self._settings.id, CODEC)

    # -- Up ------------------------------------------------------------------------------------

    def load(
        self,
        traded: Sequence[Traded],
        make_keeper: MakeKeeper,
        requests: Requests,
        events: Events,
    ) -> None:
        """
        Make everything around the engine; its store is loaded when it starts.

        Raises
        ------
        NodeExit
            With code 78 if this engine cannot do what is asked of it.

        """
        self._refuse_what_is_not_there(traded)
        self._events, self._traded = events, traded
        owners = [owner_of(self._settings.id, each.tag, each.symbol) for each in traded]
        self._wire = Wire(self._mirror, owners, requests.clock, self._end)
        self._outcomes = Outcomes(
            self._mirror, requests, self._never_arrived, self._learned, events.unclear, self._warn
        )
        stream = UserStream(
            self._settings.exchange_ws_url, self._wire.hear, lambda: requests.clock.allowed() > 0
        )
        self._outcomes.stream = stream
        self._wire.outcomes = self._outcomes

        async def serve(request: web.Request) -> web.StreamResponse:
            self._is_connected()
            return await stream.serve(request)

        self._door = Door(requests, self._wire, serve, self._on_failed_question)
        self._gate = Gate(self._mirror, events.keeps_back)
        self._line = StoreLineV2(self._mirror, self.store_format.prefix, self._write_mark)
        for each in traded:
            desk = MirrorDesk(each.symbol, self._mirror, self)
            self._keepers[each.symbol] = make_keeper(each, desk)
        self._may_send = lambda: requests.clock.allowed() > 0
        self._is_loaded = True

    def _refuse_what_is_not_there(self, traded: Sequence[Traded]) -> None:
        if self._settings.profile is Profile.LIVE:
            raise NodeExit(
                ExitCode.CONFIGURATION,
                "The engine of this project is a release candidate, which trades no real money: "
                "the live profile needs NautilusTrader 1 (docs/engine-v2.md).",
            )
        for each in traded:
            if isinstance(each, EventDriven):
                raise NodeExit(
                    ExitCode.CONFIGURATION,
                    f"The line {each.tag} of strategies/ is event-driven, and this project's "
                    "engine knows rules alone: trade another line (STRATEGY_TRADES), or use "
                    "NautilusTrader 1 (docs/engine-v2.md).",
                )

    async def start(self) -> None:
        """
        Load the store, connect, reconcile and start the keepers.

        Raises
        ------
        NodeExit
            With one sentence for each way in which this can fail.

        """
        assert self._door is not None, "start comes after load"
        loop = asyncio.get_running_loop()
        self._begun = loop.create_future()
        await self._door.open()
        self._host = Host(
            self._settings, list(self._traded), self._door, self._take, self._on_failed_handler
        )
        self._host.start()
        either: list[asyncio.Future[Any]] = [self._begun, self._host.ended]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not self._begun.done():
            why = self._host.ended.result() or "it ended"
            raise self._failed or NodeExit(
                ExitCode.AWAY, f"The engine did not start: {why}; the log above says more."
            )
        self._host.ended.add_done_callback(self._on_engine_ended)
        self._host.has_started()
        self._is_connected()
        self._gate.remember_sent()
        await self._events.reconciled()
        self._is_reconciled = True
        self._looking = loop.create_task(self._outcomes.keep_looking())
        self._looking.add_done_callback(self._on_looking_ended)
        for keeper in self._keepers.values():
            keeper.started()
        early, self._early = self._early, []
        for seen in early:
            self._pass_on(seen)

    def _is_connected(self) -> None:
        if self._host is not None and not self._has_said_so:
            self._has_said_so = True
            self._events.reconciling()

    _has_said_so = False

    # -- What the engine tells -------------------------------------------------------------------

    def _take(self, seen: Seen) -> None:
        """Take up what is new at the engine, and tell whom it concerns."""
        before = {row.row.symbol: row.row for row in self._mirror.positions.values()}
        self._mirror.take(seen)
        self._line.note(seen)
        self._outcomes.changed()
        for event in seen.events:
            if event.fill is not None:
                self._events.filled(event.fill)
                if not event.is_past:
                    self._events.traded(heard(event.fill, before.get(event.fill.symbol)))
            if (news := self._news_of(event)) is not None:
                self._events.ordered(news)
            if self._is_none(event):
                self._outcomes.never_was(event.client_order_id)
        if self._is_reconciled:
            self._pass_on(seen)
        elif seen.events or seen.bars:
            self._early.append(seen)
        self._events.changed()
        if seen.instruments and self._begun is not None and not self._begun.done():
            self._begun.set_result(None)

    def _pass_on(self, seen: Seen) -> None:
        """Tell the keepers."""
        for event in seen.events:
            found = self._mirror.orders.get(event.client_order_id)
            keeper = None if found is None else self._keepers.get(found.row.symbol)
            if keeper is not None and not self._is_none(event):
                is_post_only = found is not None and found.post_only
                keeper.order_changed(change_of(event, is_post_only=is_post_only))
        if seen.positions is not None:
            for keeper in self._keepers.values():
                keeper.position_changed()
        for symbol, bar in seen.bars:
            self._keepers[symbol].bar(bar)

    def _is_none(self, event: EventSeen) -> bool:
        """Return whether an event is about an order that never arrived."""
        return event.kind == "OrderRejected" and NEVER_ARRIVED in event.reason

    def _news_of(self, event: EventSeen) -> OrderNews | None:
        happened = NEWS.get(event.kind)
        if happened is None or event.is_past or self._is_none(event):
            return None
        if happened is Happened.FILLED:
            found = self._mirror.orders.get(event.client_order_id)
            if found is not None and not found.row.is_closed:
                happened = Happened.FILLED_IN_PART
        return OrderNews(event.client_order_id, happened, event.reason)

    def _never_arrived(self, name: str) -> None:
        found = self._mirror.orders.get(name)
        symbol = found.row.symbol if found is not None else None
        event = EventSeen("", name, time.time_ns() // 1_000_000)
        for each, keeper in self._keepers.items():
            if symbol in (None, each):
                keeper.order_changed(change_of(event, is_post_only=False))

    def _learned(self, is_fill: bool) -> None:
        self._wire.missed()
        if is_fill:
            self._do(EngineSide.ask_for_account)

    def _warn(self, sentence: str) -> None:
        print(f"[WARN] {sentence}", flush=True)

    # -- What the keepers order ------------------------------------------------------------------

    def may_send(self) -> bool:
        """Return whether this node may change anything at the exchange now."""
        return self._may_send()

    def keeps_back(self, order: Submit, symbol: str) -> str:
        """Return why an order must not be sent; one that may be counts as sent."""
        return self._gate.refusal(order, symbol)

    def kept_back(self, symbol: str, change: OrderChange) -> None:
        """Tell the keeper that its order is not sent."""
        self._events.ordered(OrderNews(change.client_order_id, Happened.DENIED, change.reason))
        self._keepers[symbol].order_changed(change)

    def send(self, symbol: str, order: Submit) -> None:
        """Let the engine send an order."""
        self._do(lambda side: side.strategies[symbol].send(order))

    def take_back(self, symbol: str, name: str) -> None:
        """Let the engine ask for an order to be cancelled."""
        self._do(lambda side: side.strategies[symbol].take_back(name))

    def find_out(self, name: str) -> None:
        """Ask the exchange for an order, and let the engine take up the answer."""
        self._outcomes.find_out(name)

    def _do(self, work: Callable[[EngineSide], None]) -> None:
        if self._host is not None and not self._is_stopping:
            self._host.do(work)

    def _write_mark(self, mark: bytes) -> None:
        self._do(lambda side: side.mark(mark))

    # -- What it has -----------------------------------------------------------------------------

    @property
    def store_line(self) -> StoreLine:
        """Its way to its store; there is one once it is loaded."""
        return self._line

    def rows(self) -> Rows:
        """Return what the engine has told; nothing before it is loaded."""
        return self._mirror.rows()

    def standing(self) -> Rows:
        """Return the same without the orders that are closed."""
        return self._mirror.standing_rows()

    def last_fills(self, most: int) -> list[FillRow]:
        """Return the last fills, so many at most."""
        return self._mirror.last_fills[-most:]

    def ask_again(self, standing: ExchangeRecord) -> None:
        """Ask for the orders that stand otherwise at the exchange, and take up the answers."""
        if self._is_loaded:
            self._outcomes.ask_for_differing(standing.orders)

    def ask_for_unanswered(self) -> None:
        """Ask for the orders that wait for the exchange, and take up the answers."""
        if self._is_loaded:
            self._outcomes.ask_for_waiting()

    @property
    def is_waiting(self) -> bool:
        """Whether an order of it awaits the exchange."""
        waits = ("SUBMITTED", "PENDING_UPDATE", "PENDING_CANCEL", "INITIALIZED")
        return any(row.status in waits for row in self._mirror.standing())

    def forget_orders(self, names: Sequence[str]) -> Sequence[str]:
        """Forget ended orders; return those of `names` that it does not have any more."""
        gone = [
            name for name in names
            if (row := self._mirror.order(name)) is None or row.is_closed
        ]  # fmt: skip
        for name in gone:
            self._mirror.drop(name)
        self._do(lambda side: side.forget_orders(gone))
        return gone

    def forget_positions(self, names: Sequence[str]) -> Sequence[str]:
        """Forget closed positions; return those of `names` that it does not have any more."""
        gone = [name for name in names if name not in self._mirror.positions]
        self._do(lambda side: side.forget_positions(gone))
        return gone

    def tidy(self) -> None:
        """Forget what grows with the past and is asked for by nobody."""
        self._do(EngineSide.tidy)

    # -- Down ----------------------------------------------------------------------------------

    def _end(self, end: NodeExit) -> None:
        self._events.failed(end)

    def _on_failed_question(self, end: NodeExit) -> None:
        if not self._is_reconciled:
            self._failed = self._failed or end
            self._events.failed(end)

    def _on_failed_handler(self, sentence: str) -> None:
        self._events.failed(NodeExit(ExitCode.DEFECT, sentence))

    def _on_engine_ended(self, ended: asyncio.Future[str]) -> None:
        if not self._is_stopping:
            why = ended.result() or "it has stopped by itself"
            self._events.failed(NodeExit(ExitCode.DEFECT, f"The engine ended: {why}."))

    def _on_looking_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            sentence = f"The search for lost orders failed: {type(error).__name__}: {error}."
            self._events.failed(NodeExit(ExitCode.DEFECT, one_line(sentence)))

    async def stop(self) -> None:
        """Stop gracefully; orders that protect a position stay at the exchange."""
        if self._looking is not None:
            self._looking.cancel()
        for keeper in self._keepers.values():
            keeper.stopped()
        self._is_stopping = True
        if self._host is not None:
            self._host.stop()
            # One that waits for its store hears nothing: the process ends without it.
            await asyncio.wait([self._host.ended], timeout=STOP_SECONDS)
        if self._is_loaded:
            self._outcomes.end()
        if self._door is not None:
            await self._door.close()


def engine(settings: Settings) -> Engine:
    """Return this engine, not loaded yet."""
    return EngineV2(settings)

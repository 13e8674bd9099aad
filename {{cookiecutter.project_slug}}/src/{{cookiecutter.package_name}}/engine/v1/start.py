"""
The engine from its load to its end, with what its own start does not do.

The engine's start returns silently when connecting, reconciling or valuing the portfolio fails, and
the process lives on without trading. Here each of them has its sentence and its code.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from nautilus_trader.common.enums import ComponentState
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.events import OrderEvent, OrderFilled
from nautilus_trader.trading.strategy import Strategy

from ...config.settings import Settings
from ...exit_codes import ExitCode, NodeExit, one_line
from ...plan.order_ids import owner_of
from ...plan.rows import FillRow, OrderRow, Rows
from ...plan.traded import EventDriven, Traded
from ...venue.binance.requests import Requests
from ...venue.records import ExchangeRecord
from ..archive_format import ArchiveFormat
from ..desk import Engine, Events, MakeKeeper
from ..mending.archived import KeysArchive
from ..mending.encoding_v1 import CODEC
from ..mending.formats import StoreFormatV1
from ..store_line import StoreLine
from ..stored import StoreFormat
from .adapter import (
    CONNECT_TOPIC,
    FAILED_TOPIC,
    LOST_TOPIC,
    MISSED_TOPIC,
    MendedExecClientFactory,
)
from .event_driven import made
from .forgetting import forget_orders, forget_positions, tidy
from .kept_rows import KeptRows
from .limited import limit_orders
from .node import CONNECT_SECONDS, PORTFOLIO_SECONDS, build_node, check_certificate
from .order_news import news_of
from .outcome_hooks import hook
from .rival_orders import hear_rivals
from .shell import TargetStrategy, TargetStrategyConfig
from .store_line import StoreLineV1
from .unknown_outcomes import UnknownOutcomes
from .views import balance_rows, fill_row, instrument_id_of, position_row

STOP_SECONDS = 10.0
SHUTDOWN_TOPIC = "commands.system.shutdown"
ENDED_STATES = (ComponentState.STOPPED, ComponentState.DEGRADED, ComponentState.FAULTED)


class EngineV1:
    """
    NautilusTrader 1.231.0, with its mended exchange adapter.

    Parameters
    ----------
    settings : Settings
        The validated settings.
    exec_client_factory : Any, optional
        The engine's factory for the execution client.

    """

    def __init__(
        self, settings: Settings, exec_client_factory: Any = MendedExecClientFactory
    ) -> None:
        self._settings = settings
        self._factory = exec_client_factory
        self._outcomes: UnknownOutcomes | None = None
        self._looking: asyncio.Task[None] | None = None
        self._node: TradingNode | None = None
        self._line: StoreLineV1
        self._kept: KeptRows
        self._events: Events
        self._is_reconciled = False
        self._failed_reports: list[NodeExit] = []

    @property
    def store_format(self) -> StoreFormat:
        """How it keeps its orders in the store."""
        return StoreFormatV1(self._settings.id)

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
        Build the engine and load its store; this blocks.

        Raises
        ------
        NodeExit
            With code 75 if the store could not be loaded, 78 if its certificate is not believed.

        """
        self._events = events
        symbols = [each.symbol for each in traded]
        try:
            check_certificate(self._settings)
            node = build_node(self._settings, symbols, self._factory)
        except RuntimeError as error:
            raise NodeExit(
                ExitCode.AWAY, f"The engine could not load the store: {one_line(error)}."
            ) from error
        self._node = node
        bus = node.kernel.msgbus
        for each in traded:
            strategy = _strategy(each, make_keeper)
            node.trader.add_strategy(strategy)
            bus.subscribe(f"events.system.{strategy.id}", self._on_strategy_state)
        self._line = StoreLineV1(node.cache, self.store_format.prefix)
        self._kept = KeptRows(node.cache)
        bus.subscribe("events.*", self._on_event)
        bus.subscribe(SHUTDOWN_TOPIC, self._on_engine_shutdown)
        bus.subscribe(FAILED_TOPIC, self._on_failed_report)
        bus.subscribe(CONNECT_TOPIC, self._on_failed_connect)
        bus.subscribe(MISSED_TOPIC, self._on_missed_fill)
        bus.subscribe(LOST_TOPIC, self._on_lost_stream)
        self._bound_reconciliation(node)
        if self._factory is MendedExecClientFactory:
            self._outcomes = hook(node, requests, events.unclear, lambda: not self._is_reconciled)
            owners = [owner_of(self._settings.id, each.tag, each.symbol) for each in traded]
            hear_rivals(node, owners, requests.clock, events.failed)
        limit_orders(node, events)

    def _bound_reconciliation(self, node: TradingNode) -> None:
        """Give reconciliation the stage line and the bound that the engine does not give it."""
        engine = node.kernel.exec_engine
        stock: Callable[..., Any] = engine.reconcile_execution_state

        async def bounded(timeout_secs: float) -> bool:
            self._events.reconciling()
            try:
                async with asyncio.timeout(timeout_secs):
                    await stock(timeout_secs=timeout_secs)
            except TimeoutError:
                raise NodeExit(
                    ExitCode.AWAY,
                    f"The exchange did not report orders, fills and positions within "
                    f"{timeout_secs:.0f} s.",
                ) from None
            # Whatever the engine says of its success: without a report its picture may be wrong,
            # and with all of them the audit is the judge.
            self._is_reconciled = not self._failed_reports
            if self._is_reconciled:
                await self._events.reconciled()
                self._look_for_outcomes()
            return self._is_reconciled

        engine.reconcile_execution_state = bounded

    def _look_for_outcomes(self) -> None:
        if self._outcomes is not None:
            looking = self._outcomes.keep_looking()
            self._looking = asyncio.get_running_loop().create_task(looking)
            self._looking.add_done_callback(self._on_looking_ended)

    async def start(self) -> None:
        """
        Connect, reconcile and start the keepers.

        Raises
        ------
        NodeExit
            With one sentence for each way in which this can fail.

        """
        assert self._node is not None, "start comes after load"
        kernel = self._node.kernel
        await kernel.start_async()
        if kernel.trader.is_running:
            return
        if not (kernel.data_engine.check_connected() and kernel.exec_engine.check_connected()):
            raise NodeExit(
                ExitCode.AWAY,
                f"The exchange was not connected within {CONNECT_SECONDS:.0f} s; "
                "the log above names the request that failed.",
            )
        if not self._is_reconciled:
            nobody = NodeExit(ExitCode.AWAY, "The log above says why.")
            end = self._failed_reports[0] if self._failed_reports else nobody
            raise NodeExit(
                end.code,
                "The engine could not reconcile its orders and positions with the exchange. "
                + end.sentence,
            )
        raise NodeExit(
            ExitCode.AWAY, f"The portfolio was not valued within {PORTFOLIO_SECONDS:.0f} s."
        )

    # -- What it has -----------------------------------------------------------------------------

    @property
    def store_line(self) -> StoreLine:
        """Its way to its store; there is one once it is loaded."""
        return self._line

    def rows(self) -> Rows:
        """Return what the engine has, from its cache alone; nothing before it is loaded."""
        return self._rows(self._kept.rows()) if self._node is not None else Rows()

    def standing(self) -> Rows:
        """Return the same without the orders that are closed."""
        return self._rows(self._kept.standing()) if self._node is not None else Rows()

    def _rows(self, orders: Sequence[OrderRow]) -> Rows:
        assert self._node is not None, "there are no rows before it is loaded"
        cache = self._node.cache
        return Rows(
            orders=tuple(orders),
            positions=tuple(position_row(position) for position in cache.positions_open()),
            balances=tuple(row for account in cache.accounts() for row in balance_rows(account)),
        )

    def last_fills(self, most: int) -> list[FillRow]:
        """Return the last fills, so many at most."""
        if self._node is None:
            return []
        filled = [order for order in self._node.cache.orders() if order.trade_ids]
        newest = sorted(filled, key=lambda order: order.ts_last)[-most:]
        fills = [each for order in newest for each in order.events if isinstance(each, OrderFilled)]
        return sorted(map(fill_row, fills), key=lambda fill: fill.at_ms)[-most:]

    def ask_again(self, standing: ExchangeRecord) -> None:
        """Ask for the orders that stand otherwise at the exchange, and take up the answers."""
        if self._outcomes is not None:
            self._outcomes.ask_for_differing(standing.orders)

    def ask_for_unanswered(self) -> None:
        """Ask for the orders that wait for the exchange, and take up the answers."""
        if self._outcomes is not None:
            self._outcomes.ask_for_waiting()

    @property
    def is_waiting(self) -> bool:
        """Whether an order of it awaits the exchange."""
        return self._node is not None and self._node.cache.orders_inflight_count() > 0

    def forget_orders(self, names: Sequence[str]) -> Sequence[str]:
        """Forget ended orders; return those of `names` that it does not have any more."""
        assert self._node is not None, "nothing is forgotten before it is loaded"
        return forget_orders(self._node.cache, names)

    def forget_positions(self, names: Sequence[str]) -> Sequence[str]:
        """Forget closed positions; return those of `names` that it does not have any more."""
        assert self._node is not None, "nothing is forgotten before it is loaded"
        return forget_positions(self._node.cache, names)

    def tidy(self) -> None:
        """Forget what grows with the past and is asked for by nobody."""
        if self._node is not None:
            tidy(self._node.cache, self._node.kernel.clock.timestamp_ns())

    def _on_event(self, event: Any) -> None:
        self._line.note(event)
        if isinstance(event, OrderEvent):
            self._kept.hear(event.client_order_id)
        if self._node is not None and (news := news_of(event, self._node.cache)) is not None:
            self._events.ordered(news)
        if isinstance(event, OrderFilled):
            self._events.filled(fill_row(event))
        self._events.changed()

    # -- Down ----------------------------------------------------------------------------------

    def _on_engine_shutdown(self, command: Any) -> None:
        # The engine stops itself when a handler raises, and would end with code 0.
        reason = one_line(command.reason)
        self._events.failed(NodeExit(ExitCode.DEFECT, f"The engine failed: {reason}."))

    def _on_failed_report(self, end: NodeExit) -> None:
        if not self._is_reconciled:
            self._failed_reports.append(end)

    def _on_failed_connect(self, end: NodeExit) -> None:
        if not self._is_reconciled:
            self._events.failed(end)

    def _on_missed_fill(self, sentence: str) -> None:
        self._events.failed(NodeExit(ExitCode.AWAY, sentence))

    def _on_lost_stream(self, sentence: str) -> None:
        self._events.failed(NodeExit(ExitCode.AWAY, sentence))

    def _on_looking_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            sentence = f"The search for lost orders failed: {type(error).__name__}: {error}."
            self._events.failed(NodeExit(ExitCode.DEFECT, one_line(sentence)))

    def _on_strategy_state(self, event: Any) -> None:
        if event.state in ENDED_STATES:
            sentence = f"The strategy is {event.state.name} and trades no more."
            self._events.failed(NodeExit(ExitCode.DEFECT, sentence))

    async def stop(self) -> None:
        """Stop gracefully; orders that protect a position stay at the exchange."""
        if self._looking is not None:
            self._looking.cancel()
        if self._node is not None:
            await self._stop(self._node)

    async def _stop(self, node: TradingNode) -> None:
        kernel = node.kernel
        if node.is_running():
            queues = [
                task
                for engine in (kernel.data_engine, kernel.risk_engine, kernel.exec_engine)
                for task in (engine.get_cmd_queue_task(),)
                if task is not None
            ]
            if not kernel._is_stopping:
                await node.stop_async()
            if queues:
                await asyncio.wait(queues, timeout=STOP_SECONDS)
        # Closes the store's connection after what is queued for it has been written.
        kernel.dispose()


def _strategy(traded: Traded, make_keeper: MakeKeeper) -> Strategy:
    if not isinstance(traded, EventDriven):
        return TargetStrategy(_strategy_config(traded), traded, make_keeper)
    try:
        return made(traded, make_keeper)
    except (TypeError, ValueError) as error:
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"The strategy of the line {traded.tag} cannot be made: {one_line(error)}.",
        ) from error


def _strategy_config(traded: Traded) -> TargetStrategyConfig:
    return TargetStrategyConfig(
        instrument_id=instrument_id_of(traded.symbol),
        order_id_tag=traded.tag,
        oms_type="NETTING",
        # What reconciliation finds at the exchange belongs to this strategy; unclaimed, it goes to
        # a stranger and the strategy believes itself flat.
        external_order_claims=[instrument_id_of(traded.symbol)],
    )


def engine(settings: Settings) -> Engine:
    """Return this engine, not loaded yet."""
    return EngineV1(settings)

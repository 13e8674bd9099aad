"""The engine's strategy around a keeper: it passes events on, and does what the keeper asks."""

from nautilus_trader.config import StrategyConfig
from nautilus_trader.core.message import Event
from nautilus_trader.model.data import Bar
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.trading.strategy import Strategy

from ...plan.traded import Traded
from ..desk import Keeper, MakeKeeper
from ..order_changes import ChangeKind, OrderChange
from .outcome_hooks import NEVER_ARRIVED_TOPIC
from .strategy_desk import StrategyDesk, bar_type_of
from .views import closed_bar, milliseconds


class TargetStrategyConfig(StrategyConfig, frozen=True):
    """
    Configuration of a `TargetStrategy`.

    Parameters
    ----------
    instrument_id : InstrumentId
        The instrument that is traded; this strategy owns all of its positions.

    """

    instrument_id: InstrumentId


class TargetStrategy(StrategyDesk, Strategy):  # type: ignore[misc]  # the engine ships no types
    """
    A keeper's desk in this engine.

    The class name is part of every stored order's owner: renaming it orphans open positions.

    Parameters
    ----------
    config : TargetStrategyConfig
        The configuration; `order_id_tag` is the tag of what is traded.
    traded : Traded
        What is traded.
    make_keeper : MakeKeeper
        Makes the thinking behind it.

    """

    def __init__(
        self, config: TargetStrategyConfig, traded: Traded, make_keeper: MakeKeeper
    ) -> None:
        Strategy.__init__(self, config)
        StrategyDesk.__init__(self, self, config.instrument_id)
        self._bar_type = bar_type_of(config.instrument_id, traded.bar_length)
        self.keeper: Keeper = make_keeper(traded, self)

    def on_start(self) -> None:
        """Subscribe to bars and begin."""
        self.subscribe_bars(self._bar_type)
        self.msgbus.subscribe(NEVER_ARRIVED_TOPIC, self._on_never_arrived)
        self.keeper.started()

    def on_bar(self, bar: Bar) -> None:
        """Pass a closed bar on."""
        self.keeper.bar(closed_bar(bar))

    def on_order_event(self, event: Event) -> None:
        """Pass on what has happened to an order."""
        self.keeper.order_changed(self.change(event))

    def _on_never_arrived(self, client_order_id: ClientOrderId) -> None:
        at_ms = milliseconds(self.clock.timestamp_ns())
        self.keeper.order_changed(OrderChange(client_order_id.value, ChangeKind.OTHER, at_ms))

    def on_position_event(self, event: Event) -> None:
        """Pass on that the position has changed."""
        self.keeper.position_changed()

    def on_stop(self) -> None:
        """Tell the keeper that nothing is sent any more."""
        self.keeper.stopped()

"""
An event-driven example: a bracket order when the price breaks out of its Bollinger band.

It is an ordinary strategy of NautilusTrader but for its base class. The entry goes to the exchange;
stop and target are kept by the node. Its indicators forget: they depend on the last bars alone, so
that a node which has just started computes what one that never stopped does.
"""

from decimal import Decimal

from nautilus_trader.config import StrategyConfig
from nautilus_trader.indicators import AverageTrueRange, BollingerBands, MovingAverageType
from nautilus_trader.model.data import Bar
from nautilus_trader.model.enums import OrderSide

from ..engine.v1.event_driven import EventDrivenStrategy

MINUTE_NS = 60_000_000_000


class BracketConfig(StrategyConfig, frozen=True):
    """
    How it trades.

    Parameters
    ----------
    quantity : Decimal
        The size of a position in coins.
    period : int
        The bars of band and range.
    width : float
        How many deviations the band is wide, to each side.
    stop, target : float
        How many ranges of a bar the stop and the target are away.
    most_minutes : int
        After so long a position is closed.

    """

    quantity: Decimal
    period: int = 20
    width: float = 1.0
    stop: float = 2.5
    target: float = 2.5
    most_minutes: int = 15


class Bracket(EventDrivenStrategy):
    """Buys above the band and sells below it, with a stop and a target, one position at a time."""

    def __init__(self, config: BracketConfig) -> None:
        super().__init__(config)
        self.band = BollingerBands(config.period, config.width)
        self.range = AverageTrueRange(config.period, MovingAverageType.SIMPLE)

    def on_start(self) -> None:
        """Let the indicators follow the bars; the node brings past ones by itself."""
        self.instrument = self.cache.instrument(self.instrument_id)
        self.register_indicator_for_bars(self.bar_type, self.band)
        self.register_indicator_for_bars(self.bar_type, self.range)
        self.subscribe_bars(self.bar_type)

    def on_bar(self, bar: Bar) -> None:
        """Enter on a breakout, and leave what has been held for long."""
        for position in self.cache.positions_open(strategy_id=self.id):
            if bar.ts_event - position.ts_opened >= self.config.most_minutes * MINUTE_NS:
                self.close_position(position)
            return
        close = bar.close.as_double()
        if close > self.band.upper:
            self.enter(OrderSide.BUY, close, 1)
        elif close < self.band.lower:
            self.enter(OrderSide.SELL, close, -1)

    def enter(self, side: OrderSide, close: float, sign: int) -> None:
        """Submit a market entry with its stop and its target."""
        price, away = self.instrument.make_price, sign * self.range.value
        self.submit_order_list(
            self.order_factory.bracket(
                self.instrument_id,
                side,
                self.instrument.make_qty(self.config.quantity),
                sl_trigger_price=price(close - self.config.stop * away),
                tp_price=price(close + self.config.target * away),
            )
        )

    def on_stop(self) -> None:
        """Leave everything as it is: stop and target stay at the exchange."""

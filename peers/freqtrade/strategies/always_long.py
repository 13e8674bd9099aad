"""A strategy that is long while a file ``long`` lies in freqtrade's user folder."""

from pathlib import Path
from typing import Any, ClassVar

from freqtrade.strategy import IStrategy


class AlwaysLong(IStrategy):  # type: ignore[misc]  # not installed where this is checked
    """Long with a protective stop at the exchange, while it is told to; flat otherwise."""

    INTERFACE_VERSION = 3
    timeframe = "1m"
    can_short = False
    process_only_new_candles = False
    startup_candle_count = 1
    use_exit_signal = True
    stoploss = -0.05
    minimal_roi: ClassVar[dict[str, float]] = {"0": 100.0}
    order_types: ClassVar[dict[str, Any]] = {
        "entry": "market",
        "exit": "market",
        "emergency_exit": "market",
        "force_entry": "market",
        "force_exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": True,
        "stoploss_on_exchange_interval": 60,
    }

    def bot_loop_start(self, **_: Any) -> None:
        """Count the loops of this life, so that nobody has to guess how far it is."""
        loops = self._file("loops")
        count = int(loops.read_text()) if loops.exists() else 0
        loops.with_suffix(".new").write_text(str(count + 1))
        loops.with_suffix(".new").replace(loops)

    def populate_indicators(self, dataframe: Any, _metadata: Any) -> Any:
        """Return the bars as they are."""
        return dataframe

    def populate_entry_trend(self, dataframe: Any, _metadata: Any) -> Any:
        """Be long while told to."""
        dataframe["enter_long"] = int(self._file("long").exists())
        return dataframe

    def populate_exit_trend(self, dataframe: Any, _metadata: Any) -> Any:
        """Be flat as soon as not told any more."""
        dataframe["exit_long"] = int(not self._file("long").exists())
        return dataframe

    def _file(self, name: str) -> Path:
        return Path(self.config["user_data_dir"]) / name

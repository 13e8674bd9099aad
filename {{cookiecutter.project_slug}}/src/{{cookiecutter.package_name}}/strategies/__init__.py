"""
What is traded. This room is yours: no update of the template touches it.

A new strategy is a file beside this one, and a line in the list below.
"""

from dataclasses import replace
from decimal import Decimal

from ..config.settings import Settings
from ..plan.traded import EventDriven, Traded
from .ema_cross import EmaCross
from .grid import Grid
from .mean_reversion import MeanReversion
from .settings import StrategySettings


def lines(settings: Settings, own: StrategySettings) -> dict[str, Traded]:
    """
    Return what can be traded, one line each, by name: rule, symbol, bar length (1m to 1d) and tag.

    The tag is part of the name of everything that is open: changing it orphans that.
    """
    symbol, quantity = settings.symbol, settings.order_quantity
    return {
        "ema_cross": Traded(
            EmaCross(quantity, fast=own.fast, slow=own.slow), symbol, bar="1m", tag="EMA001"
        ),
        "mean_reversion": Traded(MeanReversion(quantity), symbol, bar="1m", tag="MRV001"),
        "grid": Traded(Grid(quantity), symbol, bar="1m", tag="GRD001"),
        "bracket": EventDriven(
            make=lambda: _bracket(quantity), symbol=symbol, bar="1m", tag="BRK001", window=60
        ),
    }


def _bracket(quantity: Decimal) -> object:
    # Imported here: NautilusTrader is loaded only by the command that trades.
    from .bracket import Bracket, BracketConfig

    return Bracket(BracketConfig(quantity))


def traded(settings: Settings, own: StrategySettings) -> list[Traded]:
    """
    Return what is traded: the lines that ``STRATEGY_TRADES`` names.

    Raises
    ------
    ValueError
        If it names one that is not there.

    """
    known, chosen = lines(settings, own), []
    for word in own.trades.split():
        name, _, symbol = word.partition("@")
        if name not in known:
            names = ", ".join(known)
            raise ValueError(f"STRATEGY_TRADES names {name!r}, and there are {names}")
        line = known[name]
        chosen.append(replace(line, symbol=symbol or line.symbol))
    return chosen

"""
What is traded. This room is yours: no update of the template touches it.

A new strategy is a file beside this one, and a line in the list below.
"""

from ..config.settings import Settings
from ..plan.traded import Traded
from .ema_cross import EmaCross
from .settings import StrategySettings


def traded(settings: Settings, own: StrategySettings) -> list[Traded]:
    """
    Return what is traded, one line each: rule, symbol, bar length (1m to 1d) and tag.

    The tag is part of the name of everything that is open: changing it orphans that.
    """
    return [
        Traded(
            EmaCross(quantity=settings.order_quantity, fast=own.fast, slow=own.slow),
            symbol=settings.symbol,
            bar="1m",
            tag="EMA001",
        ),
    ]

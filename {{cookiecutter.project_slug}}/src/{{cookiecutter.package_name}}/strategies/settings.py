"""
Settings of your strategies: each field is a variable of the environment or of ``.env``.

``fast`` is ``STRATEGY_FAST``. They are checked at the start with all others; a value that cannot be
used ends the node with one sentence.
"""

from pydantic import Field

from ..config.own import OwnSettings


class StrategySettings(OwnSettings):
    """What the strategies of this folder can be told."""

    trades: str = "ema_cross"
    """What is traded: names of lines in ``__init__.py``, each with a symbol of its own if it has
    one after an @: ``ema_cross grid@ETHUSDT``."""
    fast: int = Field(default=5, ge=1, le=500)
    """The period of the fast average, in bars."""
    slow: int = Field(default=20, ge=1, le=500)
    """The period of the slow average, in bars."""

"""The settings of the hard limits; no strategy's settings can hold them."""

from decimal import Decimal
from enum import StrEnum

from pydantic import Field
from pydantic_settings import BaseSettings

from ..plan.limits import Limits
from .complaints import PREFIX


class OnDailyLimit(StrEnum):
    """What a day's loss or fees at their limit mean: opening nothing that day, or while so."""

    HALT = "halt"
    REFUSE = "refuse"


class LimitSettings(BaseSettings):
    """What no order may pass, with defaults that fit the simulated exchange and nobody's money."""

    max_order_quantity: Decimal = Field(default=Decimal(1_000_000), gt=0)
    max_order_notional: Decimal = Field(default=Decimal(1_000_000), gt=0)
    max_orders_a_minute: int = Field(default=600, ge=1)
    max_reducing_orders_a_minute: int = Field(default=1_200, ge=1)
    max_position_notional: Decimal = Field(default=Decimal(2_000_000), gt=0)
    max_leverage: Decimal = Field(default=Decimal(20), gt=0)
    max_daily_loss: Decimal = Field(default=Decimal(50_000), gt=0)
    max_daily_fees: Decimal = Field(default=Decimal(20_000), gt=0)
    max_price_distance: Decimal = Field(default=Decimal("0.10"), gt=0, lt=1)
    on_daily_limit: OnDailyLimit = OnDailyLimit.HALT

    def limits(self) -> Limits:
        """Return the limits."""
        values = {name: getattr(self, name) for name in LIMITS}
        return Limits(**values, halts_for_the_day=self.on_daily_limit is OnDailyLimit.HALT)


LIMITS = tuple(name for name in LimitSettings.model_fields if name.startswith("max_"))
"""The settings that are limits."""


def missing_limits(settings: LimitSettings) -> list[str]:
    """
    Return in sentences which limits nobody has chosen.

    Defaults are no choice: what an account with money may lose is for its owner to say.
    """
    return [
        f"{PREFIX}{name.upper()} is not set; trading with money needs every limit to be chosen."
        for name in LIMITS
        if name not in settings.model_fields_set
    ]

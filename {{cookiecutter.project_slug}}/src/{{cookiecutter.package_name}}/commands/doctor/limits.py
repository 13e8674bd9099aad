"""Look whether the hard limits were chosen; what they are stands in the settings."""

from collections.abc import Sequence

from ...config.limits import missing_limits
from ...config.profiles import Profile
from .finding import Finding, note, ok
from .patient import Patient

ROW = "limits"


async def look_at_limits(patient: Patient) -> Sequence[Finding]:
    """Say whether each was chosen; the live profile refuses one that was not."""
    settings = patient.quiet().settings
    left = len(missing_limits(settings))
    bounds = f"a day may lose {settings.max_daily_loss} USDT, one order is worth at most "
    bounds += f"{settings.max_order_notional} USDT"
    if not left:
        return [ok(ROW, f"Each was chosen: {bounds}.")]
    if settings.profile is Profile.SIMULATED:
        return [ok(ROW, f"Made for a simulated account: {bounds}.")]
    sentence = f"{left} were not chosen, and bound no ordinary account: {bounds}."
    return [note(ROW, sentence, "Choose each TRADER_MAX_… in .env; docs/going-live.md has them.")]

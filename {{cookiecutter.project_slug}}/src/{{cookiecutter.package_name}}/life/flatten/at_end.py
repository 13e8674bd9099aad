"""The flattening that a node begins when its engine has stopped, with the lease still in hand."""

import time

from ...exit_codes import NodeExit, complain
from ...guards.lease.lease import Lease
from ...venue.binance.requests import LATE_SECONDS, Requests
from .flatten import SECONDS, Flattening

__all__ = ["SECONDS", "flatten"]


async def flatten(
    requests: Requests, lease: Lease, symbol: str | None, spare_seconds: float
) -> None:
    """
    Flatten a symbol, or all of them, and say how it has ended.

    Parameters
    ----------
    requests : Requests
        How to ask the exchange; closed afterwards.
    lease : Lease
        Kept meanwhile: no watch says any more that it is needed.
    symbol : str, optional
        Which one; without it, all.
    spare_seconds : float
        For how long the lease is kept besides.

    """
    lease.needed(SECONDS + spare_seconds)
    quiet_from = time.monotonic() + LATE_SECONDS
    try:
        await Flattening(requests, symbol, lambda: quiet_from, complain).run()
    except NodeExit as end:
        complain(end.sentence)
    else:
        complain(f"Flat: the exchange has nothing left of {symbol or 'any symbol'}.")
    finally:
        await requests.close()

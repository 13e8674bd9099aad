"""
What stands between a start and trading.

A start walks the list from its first line to its last, and a guard that raises ends it.
"""

from ..face.stages import Stage
from .exchange import check_hosts, check_symbols
from .guard import Guard
from .store import check_store

GUARDS: tuple[Guard, ...] = (
    Guard("store", Stage.PREFLIGHT, check_store),
    Guard("hosts", Stage.PREFLIGHT, check_hosts),
    Guard("symbols", Stage.PREFLIGHT, check_symbols),
)

"""
What stands between a start and trading.

A start walks the list from its first line to its last, and a guard that raises ends it.
"""

from ..face.stages import Stage
from .audit import check_audit
from .exchange import check_hosts
from .guard import Guard
from .mend.guard import check_mend, check_store_format
from .questions import check_exchange
from .store import check_store

GUARDS: tuple[Guard, ...] = (
    Guard("store", Stage.PREFLIGHT, check_store),
    Guard("hosts", Stage.PREFLIGHT, check_hosts),
    Guard("exchange", Stage.PREFLIGHT, check_exchange),
    Guard("store format", Stage.PREFLIGHT, check_store_format),
    Guard("mend", Stage.MEND, check_mend),
    Guard("audit", Stage.AUDIT, check_audit),
)

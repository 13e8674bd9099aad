"""
What stands between a start and trading, and what watches while the node trades.

A start walks the list of guards from its first line to its last, and a guard that raises ends it.
The watches begin with trading, all at once.
"""

from ..face.stages import Stage
from ..venue.binance.order_refusals import ACCOUNT, CLOCK, SYMBOLS
from .account_watch import watch_account
from .archive.guard import check_archive
from .archive.watch import watch_archive
from .audit import check_audit
from .books.watch import watch_books
from .clock_watch import watch_clock
from .exchange import check_hosts
from .guard import Guard
from .halt.guard import check_halt, watch_halt
from .lease.guard import check_lease, check_lease_in_force, watch_lease
from .limit_watch import check_limits, watch_limits
from .live import check_live
from .market_watch import watch_market
from .mend.guard import check_mend, check_store_format
from .questions import check_exchange
from .store import check_store
from .store_watch import watch_store
from .symbol_watch import watch_symbols
from .watch import Watch

GUARDS: tuple[Guard, ...] = (
    Guard("store", Stage.PREFLIGHT, check_store),
    Guard("hosts", Stage.PREFLIGHT, check_hosts),
    Guard("exchange", Stage.PREFLIGHT, check_exchange),
    Guard("live", Stage.PREFLIGHT, check_live),
    Guard("store format", Stage.PREFLIGHT, check_store_format),
    Guard("halt", Stage.PREFLIGHT, check_halt),
    Guard("lease", Stage.LEASE, check_lease),
    # One that stood by may have waited for long, and one that flattens may want the lease.
    Guard("halt", Stage.LEASE, check_halt),
    # Before the mend, which reads all orders that are left.
    Guard("archive", Stage.MEND, check_archive),
    Guard("mend", Stage.MEND, check_mend),
    Guard("audit", Stage.AUDIT, check_audit),
    Guard("limits", Stage.AUDIT, check_limits),
    Guard("lease in force", Stage.AUDIT, check_lease_in_force),
    Guard("halt", Stage.AUDIT, check_halt),
)

WATCHES: tuple[Watch, ...] = (
    Watch("lease", watch_lease),
    Watch("halt", watch_halt),
    Watch("store", watch_store),
    Watch(ACCOUNT, watch_account),
    Watch("market", watch_market),
    Watch(SYMBOLS, watch_symbols),
    Watch(CLOCK, watch_clock),
    Watch("limits", watch_limits),
    Watch("archive", watch_archive),
    Watch("books", watch_books),
)

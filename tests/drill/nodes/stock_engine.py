"""A node with the stock engine, whose adapter asks for each symbol once.

The stock adapter's doubled questions (see ``stock_adapter.py``) spoil nearly every restart. Without
them it shows what engine and adapter of nautilus_trader 1.231.0 do besides. Mend, audit and the
watches of account and store are left out, which would put right or end what it does. Its argument
is the name of the production package.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

# In the place of this folder, whose modules have names that anybody's could have.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drill.nodes.mutants.package import Package

born = time.monotonic()
package = Package(sys.argv[1])
package.without("mend", "audit", "account", "store")
adapter = package.adapter


class AskedOnceFactory(adapter.BinanceLiveExecClientFactory):  # type: ignore[misc, name-defined]  # found at run time
    """Create the stock execution client; ask for each symbol once."""

    @staticmethod
    def create(**given: Any) -> Any:
        """Return it."""
        client = adapter.BinanceLiveExecClientFactory.create(**given)
        stock = getattr(client, adapter.SYMBOLS)
        once = lambda: {str(adapter.BinanceSymbol(symbol)) for symbol in stock()}  # noqa: E731 - one line
        setattr(client, adapter.SYMBOLS, once)
        return client


settings, traded = package.loaded
engine = package.start.EngineV1(settings, AskedOnceFactory)
code = package.runner.run(settings, traded, engine, born)
sys.stdout.flush()
os._exit(int(code))

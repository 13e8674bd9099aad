"""A node without the mended adapter: nautilus_trader 1.231.0's own execution client factory.

Its argument is the name of the production package.
"""

import importlib
import os
import sys

from nautilus_trader.adapters.binance import BinanceLiveExecClientFactory

package = sys.argv[1]
settings = importlib.import_module(f"{package}.settings").load_settings()
code = importlib.import_module(f"{package}.startup").run(settings, BinanceLiveExecClientFactory)
sys.stdout.flush()
os._exit(int(code))

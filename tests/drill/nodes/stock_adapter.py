"""A node without the mended adapter: nautilus_trader 1.231.0's own execution client factory.

Its argument is the name of the production package.
"""

import importlib
import os
import sys

from nautilus_trader.adapters.binance import BinanceLiveExecClientFactory

package = sys.argv[1]
settings, traded = importlib.import_module(f"{package}.commands.run").load()
engine = importlib.import_module(f"{package}.engine.v1.start").EngineV1(
    settings, BinanceLiveExecClientFactory
)
code = importlib.import_module(f"{package}.life.runner").run(settings, traded, engine)
sys.stdout.flush()
os._exit(int(code))

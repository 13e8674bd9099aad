"""A node with the stock adapter: nautilus_trader 1.231.0's own execution client factory.

Mend and audit are left out, which would put right what it does. Its argument is the name of the
production package.
"""

import os
import sys
import time
from pathlib import Path

# In the place of this folder, whose modules have names that anybody's could have.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drill.nodes.mutants.package import Package
from drill.nodes.mutants.start import stock_adapter

born = time.monotonic()
package = Package(sys.argv[1])
stock_adapter(package)
settings, traded = package.loaded
code = package.runner.run(settings, traded, package.start.EngineV1(settings), born)
sys.stdout.flush()
os._exit(int(code))

"""A node with the stock adapter: nautilus_trader 1.231.0's own execution client factory.

Mend and audit are left out, which would put right what it does. Its argument is the name of the
production package.
"""

import os
import sys
from pathlib import Path

# In the place of this folder, whose modules have names that anybody's could have.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from drill.nodes.mutants.package import Package
from drill.nodes.mutants.start import stock_adapter

package = Package(sys.argv[1])
stock_adapter(package)
settings, traded = package.loaded
code = package.runner.run(settings, traded, package.start.EngineV1(settings))
sys.stdout.flush()
os._exit(int(code))

"""A node that takes a store that has gone back for the one that it has written to.

Its argument is the name of the production package.
"""

import importlib
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
looks: Any = importlib.import_module(f"{package.name}.guards.store_looks")
looks.StoreLooks.judge = lambda *_: looks.Kept(has_gone_back=False, is_in_doubt=False)
settings, traded = package.loaded
code = package.runner.run(settings, traded, package.start.EngineV1(settings), born)
sys.stdout.flush()
os._exit(int(code))

"""Start the node with one bug: the arguments name the production package and the bug."""

import os
import sys
import time
from pathlib import Path

# In the place of this folder, whose modules have names that anybody's could have.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from drill.nodes.mutants.bugs import BUGS
from drill.nodes.mutants.package import Package

born = time.monotonic()
name, bug, *more = sys.argv[1:]
if bug not in BUGS:
    sys.exit(f"There is no bug {bug}; there are {', '.join(sorted(BUGS))}.")
package = Package(name)
BUGS[bug](package)
settings, traded = package.loaded
engine, stands_by = package.engine(settings), more == ["--standby"]
code = package.runner.run(settings, traded, engine, born, stands_by=stands_by)
sys.stdout.flush()
os._exit(int(code))

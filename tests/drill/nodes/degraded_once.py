"""The example's node, which says at its first start ever that it is degraded, as if by itself.

Its arguments are a file that is there once it has said so, and the production package's name.
"""

import json
import os
import sys
import time
from pathlib import Path

said, package = Path(sys.argv[1]), sys.argv[2]
if not said.exists():
    said.touch()
    stage = {"event": "stage", "stage": "degraded", "mono_ns": time.monotonic_ns()}
    print(json.dumps(stage), flush=True)
os.execv(sys.executable, [sys.executable, "-m", package, "run"])  # noqa: S606 - this very Python

"""Run the drill with ``python -m recovery_drill``."""

import sys

from recovery_drill.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""Start the exchange with ``python -m simulated_exchange``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())

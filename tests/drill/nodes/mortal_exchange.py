"""An exchange that dies by itself soon after a node has begun to trade on it."""

import os
import sys
import threading
import time
from pathlib import Path

from simulated_exchange.cli import main

journal = Path(sys.argv[sys.argv.index("--journal") + 1])


def die_after_the_first_fill() -> None:
    while not (journal.exists() and "order.filled" in journal.read_text()):
        time.sleep(0.05)
    os._exit(9)


threading.Thread(target=die_after_the_first_fill, daemon=True).start()
sys.exit(main())

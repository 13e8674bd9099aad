"""An exchange that dies by itself soon after a node has begun to trade on it."""

import os
import sys
import threading
import time
from pathlib import Path

from simulated_exchange.cli import main

# Without a journal it is only being tried out.
journal = Path(sys.argv[sys.argv.index("--journal") + 1]) if "--journal" in sys.argv else None


def die_after_the_first_fill() -> None:
    assert journal is not None
    while not (journal.exists() and "order.filled" in journal.read_text()):
        time.sleep(0.05)
    os._exit(9)


if journal is not None:
    threading.Thread(target=die_after_the_first_fill, daemon=True).start()
sys.exit(main())

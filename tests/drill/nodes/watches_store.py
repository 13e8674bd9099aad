"""The production node with a guard that it lacks: it ends with 75 when its store is away.

Its argument is the name of the production package.
"""

import os
import runpy
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

package = sys.argv[1]
store = urlsplit(os.environ["TRADER_STORE_URL"])
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 1.0


def watch() -> None:
    assert store.hostname is not None
    while True:
        try:
            socket.create_connection((store.hostname, store.port or 6379), PATIENCE_SECONDS).close()
        except OSError:
            print("The store is away.", file=sys.stderr, flush=True)
            os._exit(75)
        time.sleep(LOOK_SECONDS)


threading.Thread(target=watch, daemon=True).start()
sys.argv = [package, "run"]
runpy.run_module(package, run_name="__main__")

"""The production node with a long past, which it archives all the time while it is drilled.

Its arguments are the name of the production package and a file with stored events, which it puts
into its store once: orders that ended weeks before the market begins. It looks several times a
second whether something is due and takes little at once, so that each of its lives is archiving.
What is due, and when, is the production's own rule.
"""

import os
import runpy
import sys
from importlib import import_module
from pathlib import Path

import msgspec
import redis

package, past = sys.argv[1:]
watch = import_module(f"{package}.guards.archive.watch")
vars(watch).update(EVERY_SECONDS=0.05, PAUSE_SECONDS=0.05, BATCH=5)
prefix = f"trader-{os.environ['TRADER_ID']}:"

with redis.Redis.from_url(os.environ["TRADER_STORE_URL"]) as store:
    if not any(True for _ in store.scan_iter(f"{prefix}orders:*", count=1_000)):
        pipe = store.pipeline(transaction=True)
        rows: list[tuple[str, list[bytes]]] = msgspec.msgpack.decode(Path(past).read_bytes())
        for name, events in rows:
            pipe.rpush(f"{prefix}orders:{name}", *events)
        names = [name for name, _ in rows]
        for index in ("orders", "orders_closed", "order_ids"):
            pipe.sadd(f"{prefix}index:{index}", *names)
        pipe.execute()
sys.argv = [package, "run"]
runpy.run_module(package, run_name="__main__")

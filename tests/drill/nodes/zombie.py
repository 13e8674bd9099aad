"""A node that starts, says so, and then neither trades nor ends."""

import json
import time

print(
    json.dumps({"event": "stage", "stage": "connect", "mono_ns": time.monotonic_ns()}), flush=True
)
time.sleep(600)

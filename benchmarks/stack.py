"""The stack in containers: seconds to its first order, its weight, seconds from kill to trading.

Run after `make setup` where a container engine answers, with the template's environment:
``.venv/bin/python`` and this file. It builds the images first, which is not counted, and removes
its stack at the end. Compare within one run: times depend on the machine.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TEMPLATE / "tests"))

from baking import bake  # noqa: E402 - found on the path above
from engine import Stack, own_name  # noqa: E402 - as above

SERVICES = ("store", "exchange", "node")
KILLS = 5
IDLE_SECONDS = 30
# Longer than the engine waits before it forgets that a container has died before.
QUIET_SECONDS = 11
CPU = "cat /sys/fs/cgroup/cpu.stat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null || true"


def up(stack: Stack) -> None:
    """Start everything; tell the seconds to healthy, and to the first order."""
    began = time.monotonic()
    stack.compose("up", "--detach", "--wait")
    healthy = time.monotonic() - began
    while not stack.ledger()["orders"]:
        time.sleep(0.05)
    print(f"up: healthy after {healthy:.1f} s, first order after {time.monotonic() - began:.1f} s")


def sizes(stack: Stack) -> None:
    """Tell what the images weigh, and what is heavy in the node's."""
    for service in ("exchange", "node"):
        size = int(
            stack.run(
                "docker", "image", "inspect", "-f", "{{.Size}}", stack.inspect(service)["Image"]
            )
        )
        print(f"image {service}: {size / 1e6:.0f} MB")
    heavy = "cd /venv/lib/python3*/site-packages && du -sm * | sort -rn | head -8"
    found = stack.compose("exec", "-T", "node", "sh", "-c", heavy).splitlines()
    print("  of which " + ", ".join("{1} {0} MB".format(*line.split()) for line in found))


def cpu_seconds(stack: Stack, service: str) -> float:
    """Return the processor time that a container has used, by either version of control groups."""
    for line in stack.compose("exec", "-T", service, "sh", "-c", CPU).splitlines():
        name, _, value = line.rpartition(" ")
        if name == "usage_usec":
            return int(value) / 1e6
        if not name:
            return int(value) / 1e9
    return float("nan")


def idle(stack: Stack) -> None:
    """Tell memory and processor of each container while the market runs."""
    before = {service: cpu_seconds(stack, service) for service in SERVICES}
    began = time.monotonic()
    time.sleep(IDLE_SECONDS)
    for service in SERVICES:
        used = (cpu_seconds(stack, service) - before[service]) / (time.monotonic() - began)
        container = stack.inspect(service)["Id"]
        memory = stack.run("docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", container)
        print(f"idle {service}: {memory.split()[0]}, {used:.1%} of a processor with health checks")


def kill(stack: Stack) -> float:
    """Kill the node's process; return the seconds until it trades again."""
    started = stack.inspect("node")["State"]["StartedAt"]
    stack.kill_node()
    began = time.monotonic()
    while stack.inspect("node")["State"]["StartedAt"] == started:
        time.sleep(0.05)
    stack.until_stage("trading")
    return time.monotonic() - began


def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(bake(Path(folder), project_slug="my-trader").path, own_name("benchmark"))
        try:
            stack.compose("build", "--quiet")
            up(stack)
            sizes(stack)
            idle(stack)
            seconds = []
            for _ in range(KILLS):
                time.sleep(QUIET_SECONDS)
                seconds.append(kill(stack))
            print(
                f"kill -9 to trading, by restart policy: {statistics.median(seconds):.1f} s, of "
                + ", ".join(f"{each:.1f}" for each in seconds)
            )
        except subprocess.TimeoutExpired as error:
            sys.exit(f"The engine did not answer: {error}")
        finally:
            stack.remove()


if __name__ == "__main__":
    main()

"""How long node and exchange take to start, and what of it is importing NautilusTrader.

Run after `make setup`, with the template's environment: ``.venv/bin/python`` and this file.
Times depend on the machine and on what else it does; the ratios of one run are what to compare.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TEMPLATE / "tests"))

from processes import Process  # noqa: E402 - found on the path above

DRILL = TEMPLATE / "{{cookiecutter.project_slug}}" / "drill"
TIMES = 5
SECONDS = 60.0
IMPORT = "import nautilus_trader.live.node, nautilus_trader.adapters.binance"


def seconds(*command: str, ready: bool = False) -> float:
    """Return the median of the seconds until a command has ended, or has printed a line."""
    found = []
    for _ in range(TIMES):
        began = time.monotonic()
        process = Process(command, environment={"PYTHONPATH": str(DRILL)})
        if ready:
            process.next_line(SECONDS)
        else:
            process.wait(SECONDS)
        found.append(time.monotonic() - began)
        process.stop()
    return statistics.median(found)


def node_seconds(folder: Path) -> float:
    """Return the median of the seconds from a node's start to trading, over drilled restarts."""
    bake = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config"]
    answers = ["project_slug=my-trader", "package_name=my_trader"]
    subprocess.run([*bake, "-o", str(folder), str(TEMPLATE), *answers], check=True)
    project = folder / "my-trader"
    found = os.pathsep.join(str(project / name) for name in ("src", "drill"))
    drill = [sys.executable, "-m", "recovery_drill", "run", "--jobs", "1"]
    subprocess.run(
        [*drill, "trade-through", "--bars", "20", "--kills", str(TIMES)],
        cwd=project,
        env={**os.environ, "PYTHONPATH": found},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    history = project / "runs" / "latest" / "trade-through" / "history.jsonl"
    started: dict[int, int] = {}
    times: list[float] = []
    for record in map(json.loads, history.read_text().splitlines()):
        if record["kind"] == "node.started":
            started[record["data"]["number"]] = record["mono_ns"]
        if record["kind"] == "node.stage" and record["data"]["stage"] == "trading":
            times.append((record["mono_ns"] - started[record["data"]["number"]]) / 1e9)
    return statistics.median(times)


def main() -> None:
    """Measure and print a table."""
    floor = seconds(sys.executable, "-c", "pass")
    imported = seconds(sys.executable, "-c", IMPORT)
    exchange = seconds(sys.executable, "-m", "simulated_exchange", "--stepped", ready=True)
    rows = [
        ("interpreter alone", floor),
        ("interpreter and NautilusTrader's imports", imported),
        ("exchange, start to ready line", exchange),
    ]
    if bars := os.environ.get("RECORDED_BARS"):
        command = ("-m", "simulated_exchange", "--stepped", "--market", bars)
        rows.append(("exchange on recorded bars", seconds(sys.executable, *command, ready=True)))
    with tempfile.TemporaryDirectory() as folder:
        node = node_seconds(Path(folder))
    rows.append(("node, start to trading", node))
    for name, value in rows:
        print(f"{name:45} {value:6.2f} s  {value / node:5.0%} of a node's start")


if __name__ == "__main__":
    main()

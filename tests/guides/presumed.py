"""What a page presumes to be there when its reader begins: recorded bars, or a node that trades."""

import gzip
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from node.processes import Store
from processes import Process, free_port

BARS = 500
FIRST = datetime(2024, 1, 1)  # a file of bars says no zone: it is UTC
SECONDS_UNTIL_TRADING = 60.0


def make_bars(path: Path) -> None:
    """Write recorded bars as drill/exchange.md says, and beside them the same gzipped."""
    lines = ["timestamp,open,high,low,close,volume"]
    price = 60_000.0
    for number in range(BARS):
        # Swings of an hour's length: long enough to be followed, high enough to pay.
        close = price + (40.0 if number // 60 % 2 else -40.0)
        high, low = max(price, close) + 10, min(price, close) - 10
        prices = ",".join(f"{each:.2f}" for each in (price, high, low, close))
        stamp = (FIRST + timedelta(minutes=number)).isoformat()
        lines.append(f"{stamp},{prices},1000000")
        price = close
    text = "\n".join([*lines, ""])
    path.write_text(text, encoding="utf-8")
    with gzip.open(path.with_name(f"{path.name}.gz"), "wt", encoding="utf-8") as file:
        file.write(text)


def trading(
    project: Path, folder: Path, environment: Mapping[str, str], token: str
) -> dict[str, str]:
    """Start a store, an exchange and the node of a project; return the settings that it has."""
    store = Store(folder / "store")
    command = project / ".venv" / "bin"
    exchange = Process(
        [str(command / "simulated-exchange"), "--port", "0", "--speed", "60"],
        folder / "exchange",
        inherits=environment,
    )
    ready = exchange.next_line(SECONDS_UNTIL_TRADING)
    settings = {
        "TRADER_STORE_URL": store.url,
        "TRADER_EXCHANGE_HTTP_URL": ready["http"],
        "TRADER_EXCHANGE_WS_URL": ready["ws"],
        "TRADER_HTTP_PORT": str(free_port()),
        "TRADER_CONTROL_TOKEN": token,
    }
    node = Process(  # and what starts it again, as a supervisor does
        ["sh", "-c", f"while {command / project.name} run; test $? = 75; do :; done"],
        project,
        settings,
        inherits=environment,
    )
    while node.next_line(SECONDS_UNTIL_TRADING).get("stage") != "trading":
        pass  # it fails when there is none in time
    return settings

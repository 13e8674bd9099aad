"""A node with one recovery bug, named by its second argument; the first names the package."""

import importlib
import os
import signal
import sys
from dataclasses import replace
from typing import Any

package, bug = sys.argv[1:]
startup = importlib.import_module(f"{package}.startup")
strategy = importlib.import_module(f"{package}.strategy")
settings = importlib.import_module(f"{package}.settings").load_settings()
Runner, Strategy = startup.Runner, strategy.TargetStrategy
# The drill names the lives of a node: the first is not one that came back.
came_back = settings.instance_id != "drill-1"


def with_another_quantity(factor: int) -> None:
    stock = startup.EmaCross.target

    def target(self: Any, view: Any) -> Any:
        found = stock(self, view)
        return replace(found, quantity=found.quantity * factor)

    startup.EmaCross.target = target


def cancel_stops_when_it_stops() -> None:
    def on_stop(self: Any) -> None:
        self.cancel_all_orders(self.config.instrument_id)

    Strategy.on_stop = on_stop


def ignore_sigterm() -> None:
    stock = Runner._finish

    def finish(self: Any, end: Any) -> None:
        if end is not None:
            stock(self, end)

    Runner._finish = finish
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


match bug:
    case "doubles_after_restart":
        with_another_quantity(2 if came_back else 1)
    case "flattens_after_restart":
        with_another_quantity(0 if came_back else 1)
    case "busy_after_restart":
        if came_back:
            Strategy.pending_looks = property(lambda self: 1)
    case "ignores_sigterm":
        ignore_sigterm()
    case "cancels_stop_on_sigterm":
        cancel_stops_when_it_stops()
    case _:
        sys.exit(f"There is no bug {bug}.")

code = startup.run(settings)
sys.stdout.flush()
os._exit(int(code))

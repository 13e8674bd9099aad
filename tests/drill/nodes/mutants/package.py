"""The production package as a bug sees it: modules to patch, and which life this is."""

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import msgspec

ROOMS = {
    "bars": "plan",
    "order_ids": "plan",
    "planner": "plan",
    "situation": "plan",
    "ema_cross": "strategies",
    "orders": "venue.binance",
    "signing_clock": "venue.binance",
    "contradictions": "venue.binance",
    "adapter": "engine.v1",
    "deaf_stream": "engine.v1",
    "late_fills": "engine.v1",
    "mend_symbol": "engine.mending",
    "node": "engine.v1",
    "sending": "engine.v1",
    "shell": "engine.v1",
    "start": "engine.v1",
    "strategy_desk": "engine.v1",
    "telling": "engine.v1",
    "unknown_outcomes": "engine.v1",
    "account_watch": "guards",
    "store_marks": "guards",
    "conditions": "face",
    "endpoint": "face",
    "stages": "face",
    "lease": "guards.lease",
    "ending": "life",
    "hearing": "life",
    "keeper": "life",
    "past": "life",
    "refusals": "life",
    "runner": "life",
    "run": "commands",
}
"""The modules that bugs are seeded in, and where each is; those outside of ``engine.v1`` are the
same with either engine, and so are their bugs."""


@dataclass(frozen=True)
class Package:
    """The production package before the node starts.

    Parameters
    ----------
    name : str
        Its name, which the template's user chooses.

    """

    name: str

    def __getattr__(self, name: str) -> Any:
        """Return the module of this name, whatever room it is in."""
        return importlib.import_module(f"{self.name}.{ROOMS[name]}.{name}")

    @cached_property
    def exit_codes(self) -> Any:
        """The module that is in no room."""
        return importlib.import_module(f"{self.name}.exit_codes")

    @cached_property
    def loaded(self) -> tuple[Any, Any]:
        """The settings of this process, and what is traded by them."""
        return tuple(self.run.load())

    def engine(self, settings: Any) -> Any:
        """Return the engine; a bug may have put another one in the place of version 1's."""
        chosen = importlib.import_module(f"{self.name}.engine.chosen")
        return self.start.EngineV1(settings) if chosen.ROOM == "v1" else chosen.engine(settings)

    @property
    def came_back(self) -> bool:
        """Whether this is a later life; the drill names a node's first one drill-1."""
        return os.environ["TRADER_INSTANCE_ID"] != "drill-1"

    def without(self, *names: str) -> None:
        """Leave guards out of every start, and watches out of every life.

        Raises
        ------
        ValueError
            If there is none of that name: left out, it would change nothing.

        """
        runner = self.runner
        known = [each.name for each in (*runner.GUARDS, *runner.WATCHES)]
        if unknown := set(names) - set(known):
            raise ValueError(
                f"There is no guard {', '.join(sorted(unknown))}; there are {', '.join(known)}."
            )
        runner.GUARDS = tuple(guard for guard in runner.GUARDS if guard.name not in names)
        runner.WATCHES = tuple(watch for watch in runner.WATCHES if watch.name not in names)

    def change_config(self, builder: str, **changes: Any) -> None:
        """Let a builder of the engine's configuration return it with `changes`."""
        stock = getattr(self.node, builder)

        def changed(*arguments: Any) -> Any:
            return msgspec.structs.replace(stock(*arguments), **changes)

        setattr(self.node, builder, changed)

    def change_situation(self, change: Callable[[Any], Any]) -> None:
        """Let the plan be made from what `change` makes of the situation."""
        stock = self.planner.plan
        self.keeper.plan = lambda situation: stock(change(situation))

    def change_rule(self, **changes: Any) -> None:
        """Let the decision be made by the rule with other parameters."""
        settings, traded = self.loaded
        changed = [replace(each, rule=replace(each.rule, **changes)) for each in traded]
        vars(self)["loaded"] = (settings, changed)

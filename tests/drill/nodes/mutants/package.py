"""The production package as a bug sees it: modules to patch, and which life this is."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import msgspec


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
        """Return the module of this name."""
        return importlib.import_module(f"{self.name}.{name}")

    @cached_property
    def loaded_settings(self) -> Any:
        """The settings of this process."""
        return self.settings.load_settings()

    @property
    def came_back(self) -> bool:
        """Whether this is a later life; the drill names a node's first one drill-1."""
        return bool(self.loaded_settings.instance_id != "drill-1")

    def change_config(self, builder: str, **changes: Any) -> None:
        """Let a builder of the engine's configuration return it with `changes`."""
        stock = getattr(self.node, builder)

        def changed(*arguments: Any) -> Any:
            return msgspec.structs.replace(stock(*arguments), **changes)

        setattr(self.node, builder, changed)

    def change_situation(self, change: Callable[[Any], Any]) -> None:
        """Let the plan be made from what `change` makes of the situation."""
        stock = self.planner.plan
        self.strategy.plan = lambda situation: stock(change(situation))

    def change_rule(self, **changes: Any) -> None:
        """Let the decision be made by the rule with other parameters."""
        stock = self.startup.EmaCross
        self.startup.EmaCross = lambda **given: replace(stock(**given), **changes)

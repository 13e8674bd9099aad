"""The rule of `scripted`, imported by the node itself: it reads its answers from a file."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from trading_node.plan.target import Resting, Target


@dataclass(frozen=True)
class Scripted:
    """A rule that answers what stands in a file, and writes down what it has seen."""

    folder: Path
    name: str
    window: int = 3

    def target(self, view: Any) -> Any:
        """Return what the script says."""
        asked = json.loads((self.folder / f"{self.name}.json").read_text("utf-8"))
        self._note(view)
        if asked.get("fails"):
            raise RuntimeError(asked["fails"])
        return Target(
            quantity=view.position if asked["quantity"] == "held" else Decimal(asked["quantity"]),
            stop=_price(view, asked.get("stop")),
            take_profit=_price(view, asked.get("take_profit")),
            resting=tuple(
                Resting(slot, Decimal(quantity), _price(view, distance), post_only)
                for slot, quantity, distance, post_only in asked.get("resting", [])
            ),
            memory=self._remembered(view),
        )

    def _note(self, view: Any) -> None:
        seen = {
            "bar": view.bars[-1].close_ms,
            "bars": len(view.bars),
            "length": view.bars[-1].close_ms - view.bars[-2].close_ms,
            "position": str(view.position),
            "entry_price": None if view.entry_price is None else str(view.entry_price),
            "entry_ms": view.entry_ms,
            "exits": [(each.why, each.at_ms) for each in view.exits],
            "equity": str(view.equity),
            "lot": str(view.lot),
            "memory": view.memory,
        }
        with (self.folder / f"{self.name}.seen").open("a", encoding="utf-8") as file:
            file.write(json.dumps(seen) + "\n")

    def _remembered(self, view: Any) -> Any:
        return None


@dataclass(frozen=True)
class Remembering(Scripted):
    """One that counts bars, too."""

    memory_version: int = 1

    @property
    def first_memory(self) -> Any:
        """No bar yet."""
        return {"bars": 0}

    def _remembered(self, view: Any) -> Any:
        return {"bars": view.memory["bars"] + 1}


def _price(view: Any, percent: str | None) -> Decimal | None:
    """Return a price so many percent from the last close; rounding is the planner's."""
    if percent is None:
        return None
    return Decimal(view.bars[-1].close * (1 + Decimal(percent) / 100))

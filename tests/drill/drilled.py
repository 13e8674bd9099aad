"""Run the drill as a user does, and read what it left."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from baking import SECONDS_TO_RUN, BakedProject

NODES = Path(__file__).parent / "nodes"


def selected(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Yield the parameters of each test of the module that has been selected, in their order."""
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.module is request.module:
            yield item.callspec.params if hasattr(item, "callspec") else {}


class Drilled:
    """One call of the drill's command line and the folder that it left.

    Parameters
    ----------
    project : BakedProject
        What is drilled.
    root : Path
        Where its runs are kept.
    arguments : str
        What follows the command.
    command : str
        Which command of ``recovery-drill`` it is.
    seconds : float
        How long it may take.
    environment : Mapping[str, str], optional
        Added to the project's.

    """

    def __init__(
        self,
        project: BakedProject,
        root: Path,
        *arguments: str,
        command: str = "run",
        seconds: float = SECONDS_TO_RUN,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.ended = project.run(
            *(sys.executable, "-m", "recovery_drill", command, "--folder", str(root), *arguments),
            environment={**project.environment, **(environment or {})},
            seconds=seconds,
        )
        self.folder = root / "latest"
        self.output = self.ended.stdout + self.ended.stderr

    @property
    def verdict(self) -> dict[str, Any]:
        """The decoded ``verdict.json``."""
        value: dict[str, Any] = json.loads((self.folder / "verdict.json").read_text())
        return value

    def broken(self, scenario: str) -> dict[str, list[str]]:
        """Each broken check of a case with its sentences."""
        (found,) = [s for s in self.verdict["scenarios"] if s["name"] == scenario]
        return {c["name"]: c["broken"] for c in found["checks"] if c["broken"]}

    def journal(self, scenario: str, *kinds: str) -> list[dict[str, Any]]:
        """The exchange's records of some kinds."""
        lines = (self.folder / scenario / "exchange.jsonl").read_text().splitlines()
        return [r for r in map(json.loads, lines) if r["kind"] in kinds]

    def history(self, scenario: str, kind: str) -> list[dict[str, Any]]:
        """The data of the drill's own records of one kind."""
        lines = (self.folder / scenario / "history.jsonl").read_text().splitlines()
        return [r["data"] for r in map(json.loads, lines) if r["kind"] == kind]

    def ledger(self, scenario: str) -> list[list[Any]]:
        """What happened at the exchange: ids, sides, quantities, prices and fills, in order."""
        kinds = ("order.accepted", "order.closed", "conditional.accepted", "conditional.closed")
        names = ("client_order_id", "exchange_order_id", "side", "type", "quantity", "filled")
        more = ("status", "trigger_price", "average_price", "reduce_only")
        rows = self.journal(scenario, *kinds, "order.filled", "conditional.triggered")
        return [
            [
                r["kind"],
                r["market_ms"],
                *(r["data"][n] for n in names + more),
                r["data"].get("fill"),
            ]
            for r in rows
        ]

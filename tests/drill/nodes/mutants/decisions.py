"""Bugs in what is decided: twice, not at all, or something else."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from drill.nodes.mutants.package import Package


def doubles_after_restart(package: Package) -> None:
    """Holds twice as much after a restart."""
    if package.came_back:
        _with_another_quantity(package, 2)


def flattens_after_restart(package: Package) -> None:
    """Holds nothing after a restart."""
    if package.came_back:
        _with_another_quantity(package, 0)


def decision_repeated(package: Package) -> None:
    """Carries out the last decision once more after a restart, under the next attempt's id."""
    if not package.came_back:
        return
    done: set[int] = set()
    ended = package.situation.Phase.ENDED

    def change(situation: Any) -> Any:
        done.add(situation.close_ms)
        if len(done) > 1 or situation.last_exit_fill_ms > situation.close_ms:
            return situation
        if any("-E1" in name for name in situation.orders):
            return situation
        orders = {
            name: replace(order, filled=Decimal(0), phase=ended) if "-E" in name else order
            for name, order in situation.orders.items()
        }
        return replace(situation, orders=orders, position=Decimal(0))

    package.change_situation(change)


def decision_forgotten(package: Package) -> None:
    """Takes the last closed bar for decided after a restart, whether it was carried out or not."""
    if not package.came_back:
        return
    first: list[int] = []

    def change(situation: Any) -> Any:
        first.append(situation.close_ms)
        target = situation.target
        if situation.close_ms > first[0] or target is None or situation.position != 0:
            return situation
        return replace(situation, target=replace(target, quantity=Decimal(0)))

    package.change_situation(change)


def stop_out_forgotten(package: Package) -> None:
    """Does not learn after a restart that its stop has filled, and enters again in the same bar."""
    questions = package.orders.SymbolQuestions
    stock = questions.order_history

    async def order_history(self: Any, owner: str) -> Any:
        return replace(await stock(self, owner), exits={})

    questions.order_history = order_history


def _with_another_quantity(package: Package, factor: int) -> None:
    stock = package.ema_cross.EmaCross.target

    def target(self: Any, view: Any) -> Any:
        found = stock(self, view)
        return replace(found, quantity=found.quantity * factor)

    package.ema_cross.EmaCross.target = target

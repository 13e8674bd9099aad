"""Bugs in how a position is protected."""

from dataclasses import replace
from typing import Any

from drill.nodes.mutants.package import Package


def missing_stop_not_placed(package: Package) -> None:
    """Places a stop when it has entered, and none for a position that it comes back to."""
    if not package.came_back:
        return
    entered: list[bool] = []
    stock = package.planner._protect

    def protect(situation: Any) -> Any:
        if situation.position == 0:
            entered.append(True)
        has_stop = any("-S" in name for name in situation.orders)
        return stock(situation) if entered or has_stop else package.situation.Settled()

    package.planner._protect = protect


def stop_placed_twice(package: Package) -> None:
    """Places a stop after a restart without looking for the one that is there."""
    if not package.came_back:
        return
    stock = package.planner._protect
    placed: list[str] = []

    def protect(situation: Any) -> Any:
        working = package.situation.Phase.WORKING
        if placed:
            orders = {
                name: order
                for name, order in situation.orders.items()
                if name in placed or order.phase is not working
            }
            return stock(replace(situation, orders=orders))
        blind = {n: replace(o, quantity=o.quantity * 0) for n, o in situation.orders.items()}
        action = stock(replace(situation, orders=blind))
        if isinstance(action, package.situation.Submit):
            placed.append(action.client_order_id)
        return action

    package.planner._protect = protect


def old_stop_cancelled_first(package: Package) -> None:
    """Cancels the old stop before it places the new one."""
    planner, commands, stop = package.planner, package.situation, package.order_ids.Leg.STOP
    stock = planner._protect

    def protect(situation: Any) -> Any:
        action = stock(situation)
        if not isinstance(action, commands.Submit) or action.leg is not stop:
            return action
        cancel = planner._cancel_one(situation, planner._working(situation, stop))
        return cancel if isinstance(cancel, commands.Cancel) else action

    planner._protect = protect


def stop_of_wrong_size(package: Package) -> None:
    """Places stops for half of the position after a restart."""
    if package.came_back:
        stock = package.planner._protect
        package.planner._protect = lambda situation: stock(
            replace(situation, position=situation.position / 2)
        )


def stop_left_behind(package: Package) -> None:
    """Cancels the stop of a position that it has closed itself, and none that it comes back to."""
    if not package.came_back:
        return
    held: list[bool] = []
    stock = package.planner._protect

    def protect(situation: Any) -> Any:
        if situation.position != 0:
            held.append(True)
        return stock(situation) if held else package.situation.Settled()

    package.planner._protect = protect


def orders_cancelled_at_start(package: Package) -> None:
    """Cancels all orders at the start and places them anew."""
    strategy = package.shell.TargetStrategy
    stock = strategy.on_start

    def on_start(self: Any) -> None:
        self.cancel_all_orders(self.config.instrument_id)
        stock(self)

    strategy.on_start = on_start


def stop_cancelled_on_sigterm(package: Package) -> None:
    """Cancels the protective stop when it is asked to stop."""

    def on_stop(self: Any) -> None:
        self.cancel_all_orders(self.config.instrument_id)

    package.shell.TargetStrategy.on_stop = on_stop

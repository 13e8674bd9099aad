"""Bugs in what is written to the store, and when."""

import importlib
from decimal import Decimal
from typing import Any

from drill.nodes.mutants.package import Package


def no_database(package: Package) -> None:
    """Keeps orders and positions in memory only."""
    package.change_config("_cache_config", database=None)


def buffered_writes(package: Package) -> None:
    """Collects what it writes for a minute."""
    package.change_config("_cache_config", buffer_interval_ms=60_000)


def flush_on_start(package: Package) -> None:
    """Empties the store at each start."""
    package.change_config("_cache_config", flush_on_start=True)

    def renew_over_anything(lease: Any) -> None:
        """Keep the lease whose record it has emptied with the rest: else the node ends for that."""
        if lease._own is not None:
            renewed, written = lease._write(lambda found: lease._own.next_beat())
            lease._own, lease._until = renewed, written + package.lease.LEASE_SECONDS

    package.lease.Lease.renew = renew_over_anything


def keys_of_each_life(package: Package) -> None:
    """Writes under keys that no later life looks for."""
    package.change_config("_cache_config", use_instance_id=True)


def positions_not_stored(package: Package) -> None:
    """Writes orders to the store and no positions."""
    package.without("store")
    kernel = importlib.import_module("nautilus_trader.system.kernel")

    def write_nothing(self: Any, position: Any) -> None:
        pass

    # The adapter is compiled: its methods can be overridden, not replaced.
    methods = {"add_position": write_nothing, "update_position": write_nothing}
    vars(kernel)["CacheDatabaseAdapter"] = type(
        "OrdersOnly", (vars(kernel)["CacheDatabaseAdapter"],), methods
    )


def archived_too_early(package: Package) -> None:
    """Archives what has just ended, while the exchange still tells of it."""
    watch = importlib.import_module(f"{package.name}.guards.archive.watch")
    vars(watch).update(EVERY_SECONDS=0.1, PAUSE_SECONDS=0.0)
    vars(watch)["cutoff_ns"] = lambda now_ns, _days: now_ns + 1


def store_not_loaded(package: Package) -> None:
    """Writes to the store and does not read it at the start."""
    package.change_config("_exec_engine_config", load_cache=False)


def torn_write_believed(package: Package) -> None:
    """Believes a store whose last writes a kill has torn."""
    package.without("mend", "audit", "account")


def store_not_mended(package: Package) -> None:
    """Loads its store as a kill has left it, and puts all of it aside where it is wrong."""
    package.without("mend")


def state_only_on_stop(package: Package) -> None:
    """Counts its position itself, and saves the count only when it is stopped gracefully."""
    strategy = package.shell.TargetStrategy
    stock_start, stock_event = strategy.on_start, strategy.on_order_event
    desk = package.strategy_desk
    filled, row = desk.OrderFilled, desk.PositionRow

    def on_start(self: Any) -> None:
        saved = self.cache.get("counted_position")
        self.counted = Decimal(saved.decode()) if saved else Decimal(0)
        stock_start(self)

    def on_order_event(self: Any, event: Any) -> None:
        if isinstance(event, filled):
            sign = 1 if event.is_buy else -1
            self.counted += sign * event.last_qty.as_decimal()
        stock_event(self, event)

    def on_stop(self: Any) -> None:
        self.cache.add("counted_position", str(self.counted).encode())

    def position(self: Any) -> Any:
        return row("", self.counted, "") if self.counted else None

    strategy.on_start, strategy.on_order_event = on_start, on_order_event
    strategy.on_stop = on_stop
    strategy.position = position


def store_loss_not_noticed(package: Package) -> None:
    """Goes on trading when its store is gone."""
    watches = package.runner.WATCHES
    package.runner.WATCHES = tuple(watch for watch in watches if watch.name != "store")

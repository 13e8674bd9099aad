"""Bugs in what is done, and said, about what goes wrong at the exchange while the node trades."""

from typing import Any

from drill.nodes.mutants.package import Package


def refusals_forgotten(package: Package) -> None:
    """Enters again in the next bar when its stops were refused in this one."""
    package.refusals.Refusals.may_open = lambda self, close_ms: True


def refusals_not_said(package: Package) -> None:
    """Waits while the exchange refuses its orders, and does not say so."""
    package.refusals.Refusals.told = lambda self, close_ms: ""


def lockout_not_said(package: Package) -> None:
    """Does not notice that the exchange takes nothing that it signs."""
    package.without("account")


def symbols_not_watched(package: Package) -> None:
    """Looks at its start alone whether its symbol is traded."""
    package.without("symbols")


def strangers_cancelled(package: Package) -> None:
    """Cancels whatever works in its symbol and is not its own."""
    strategy = package.shell.TargetStrategy
    stock = strategy.on_bar

    def on_bar(self: Any, bar: Any) -> None:
        for order in self.cache.orders_open(instrument_id=self.config.instrument_id):
            name = order.client_order_id.value
            if package.order_ids.parse(name) is None:
                self.cancel(name)
        stock(self, bar)

    strategy.on_bar = on_bar

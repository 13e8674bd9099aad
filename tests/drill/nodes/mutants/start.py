"""Bugs on the way up: reconciliation, ownership, warm-up."""

from dataclasses import replace
from typing import Any

from drill.nodes.mutants.package import Package


def no_reconciliation(package: Package) -> None:
    """Believes its store and does not ask the exchange what has happened since."""
    package.without("mend", "audit", "account")
    package.change_config("_exec_engine_config", reconciliation=False)


def stock_adapter(package: Package) -> None:
    """Uses the execution client of nautilus_trader 1.231.0 as it is."""
    package.without("mend", "audit", "account")
    client, stock = package.adapter.BinanceLiveExecClientFactory, package.start.EngineV1
    package.start.EngineV1 = lambda settings: stock(settings, client)


def nothing_claimed(package: Package) -> None:
    """Claims nothing of what reconciliation finds at the exchange."""
    _change_strategy(package, external_order_claims=[])


def renamed_strategy(package: Package) -> None:
    """Trades under another tag after a restart, so that what is open belongs to a stranger."""
    if package.came_back:
        settings, traded = package.loaded
        vars(package)["loaded"] = (settings, [replace(each, tag="EMA002") for each in traded])


def trades_before_it_says_so(package: Package) -> None:
    """Sends orders while it is still warming up."""
    keeper = package.keeper.Keeper
    stock = keeper._warm_up

    async def warm_up(self: Any) -> None:
        await self._load_bars()
        self._is_ready = True
        self._look_soon()
        await stock(self)

    keeper._warm_up = warm_up


def short_warm_up(package: Package) -> None:
    """Asks for ten bars after a restart instead of sixty."""
    if package.came_back:
        package.change_rule(window=10)


def bars_ignored(package: Package) -> None:
    """Asks for all bars after a restart, and decides on those that have closed since."""
    if not package.came_back:
        return
    keeper, window = package.keeper.Keeper, package.bars.BarWindow
    stock = keeper._load_bars

    async def load_bars(self: Any) -> None:
        await stock(self)
        newest = self._window.last_close_ms
        self._window._bars = {newest: self._window._bars[newest]}

    keeper._load_bars = load_bars
    window.complete = lambda self: tuple(self._bars[close] for close in sorted(self._bars))


def failed_report_believed(package: Package) -> None:
    """Takes a request that has failed for an answer that there is nothing."""
    package.without("mend", "audit", "account")
    package.adapter._failing_loudly = lambda stock, request, tell: stock


def engine_believed(package: Package) -> None:
    """Believes what the engine has made of the exchange's answers."""
    package.without("audit", "account")


def lagging_history_believed(package: Package) -> None:
    """Believes a history that does not tell yet what has happened."""
    package.contradictions.COMPARISONS.clear()
    package.without("audit", "account")


def _change_strategy(package: Package, **changes: Any) -> None:
    stock = package.start.TargetStrategyConfig
    package.start.TargetStrategyConfig = lambda **given: stock(**{**given, **changes})

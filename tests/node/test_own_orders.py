"""Which orders in the cache a strategy takes for its own."""

import importlib
from types import SimpleNamespace


def test_only_orders_with_the_own_tag(importable: str) -> None:
    strategy = importlib.import_module(f"{importable}.strategy").TargetStrategy
    names = ["EMA001-1704085259-S0", "EMA002-1704085259-S0", "O-20240101-000000-1", "web_1"]
    orders = [SimpleNamespace(client_order_id=SimpleNamespace(value=name)) for name in names]
    holder: SimpleNamespace = SimpleNamespace(
        _tag="EMA001",
        _instrument=SimpleNamespace(id=None),
        _leg=lambda order: strategy._leg(holder, order),
        cache=SimpleNamespace(orders=lambda instrument_id: orders),
    )
    assert strategy._own_orders(holder) == orders[:1]

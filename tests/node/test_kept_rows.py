"""Rows of orders that have ended are made once, and are never older than what the engine has."""

from typing import Any

import pytest
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import StrategyId, TraderId, VenueOrderId
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.test_kit.stubs.component import TestComponentStubs
from nautilus_trader.test_kit.stubs.events import TestEventStubs

from node.baked import module

KEPT = module("engine.v1.kept_rows")
INSTRUMENT = TestInstrumentProvider.btcusdt_perp_binance()


class Engine:
    """The engine's own cache, with orders that are placed, cancelled and filled."""

    def __init__(self) -> None:
        self.cache = TestComponentStubs.cache()
        self.cache.add_instrument(INSTRUMENT)
        self._factory = OrderFactory(TraderId("T-1"), StrategyId("S-1"), TestClock())
        self.kept = KEPT.KeptRows(self.cache)

    def place(self) -> Any:
        """Return an order that rests."""
        quantity, price = INSTRUMENT.make_qty(1), INSTRUMENT.make_price(100)
        order = self._factory.limit(INSTRUMENT.id, OrderSide.BUY, quantity, price)
        self.cache.add_order(order, None)
        self.happens(order, TestEventStubs.order_submitted(order))
        number = VenueOrderId(order.client_order_id.value)
        self.happens(order, TestEventStubs.order_accepted(order, venue_order_id=number))
        return order

    def happens(self, order: Any, event: Any) -> None:
        """Let an event be applied and heard, as the engine does."""
        order.apply(event)
        self.cache.update_order(order)
        self.kept.hear(order.client_order_id)

    def statuses(self) -> dict[str, str]:
        """Return by name how each order stands."""
        return {row.client_order_id: row.status for row in self.kept.rows()}


@pytest.fixture
def engine() -> Engine:
    return Engine()


def test_an_order_that_has_ended_is_made_a_row_once(engine: Engine) -> None:
    order = engine.place()
    engine.happens(order, TestEventStubs.order_canceled(order))
    [first], [second] = engine.kept.rows(), engine.kept.rows()
    assert first.status == "CANCELED"
    assert first is second


def test_one_that_stands_is_told_as_it_is_now(engine: Engine) -> None:
    order, name = engine.place(), "ACCEPTED"
    assert list(engine.statuses().values()) == [name]
    # Not heard: what has not ended is looked at each time.
    order.apply(TestEventStubs.order_pending_cancel(order))
    assert list(engine.statuses().values()) == ["PENDING_CANCEL"]
    assert [row.status for row in engine.kept.standing()] == ["PENDING_CANCEL"]


def test_a_fill_that_comes_after_the_end_is_seen(engine: Engine) -> None:
    order = engine.place()
    engine.happens(order, TestEventStubs.order_canceled(order))
    assert list(engine.statuses().values()) == ["CANCELED"]
    engine.happens(order, TestEventStubs.order_filled(order, INSTRUMENT))
    assert list(engine.statuses().values()) == ["FILLED"]
    assert engine.kept.standing() == []


def test_what_the_cache_has_forgotten_is_told_no_more(engine: Engine) -> None:
    gone, stays = engine.place(), engine.place()
    for order in (gone, stays):
        engine.happens(order, TestEventStubs.order_canceled(order))
    assert len(engine.kept.rows()) == 2
    engine.cache.purge_order(gone.client_order_id)
    assert set(engine.statuses()) == {stays.client_order_id.value}

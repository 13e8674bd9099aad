"""Nodes that trade event-driven strategies of the tests, as code for a process of their own."""

BEGINNING = """
import os
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from trading_node import strategies
from trading_node.commands import main as cli
from trading_node.plan.traded import EventDriven


def said(*words):
    with Path(os.environ["TRADER_STATE_FOLDER"]).with_name("said.txt").open("a") as file:
        print(*words, file=file)


def traded(settings, own):
    def make():
        from nautilus_trader.model.enums import OrderSide
        from trading_node.engine.v1.event_driven import EventDrivenStrategy

        class Base(EventDrivenStrategy):
            def on_start(self):
                self.instrument = self.cache.instrument(self.instrument_id)
                self.subscribe_bars(self.bar_type)

            def on_stop(self):
                pass

            def on_order_denied(self, event):
                said("denied", event.client_order_id, event.reason)

            def market(self, side="BUY", **more):
                quantity = self.instrument.make_qty(Decimal("0.010"))
                return self.order_factory.market(
                    self.instrument_id, OrderSide[side], quantity, **more
                )

            def price(self, bar, factor):
                return self.instrument.make_price(bar.close.as_double() * factor)

            @property
            def is_flat(self):
                return not self.cache.positions_open(strategy_id=self.id)

            def bracket(self, bar):
                self.submit_order_list(
                    self.order_factory.bracket(
                        self.instrument_id,
                        OrderSide.BUY,
                        self.instrument.make_qty(Decimal("0.010")),
                        sl_trigger_price=self.price(bar, 0.9),
                        tp_price=self.price(bar, 1.1),
                    )
                )

        class Ordinary(Base):
"""

END = """
        return Ordinary()

    return [EventDriven(make=make, symbol=settings.symbol, bar="1m", tag="EVT001", window=5, MORE)]


strategies.traded = traded
sys.exit(cli.main(["run"]))
"""


def node(methods: str, more: str = "") -> str:
    """Return the code of a node whose strategy has these methods, and its line this besides."""
    lines = [f"            {line}".rstrip() for line in methods.strip("\n").splitlines()]
    return BEGINNING + "\n".join(lines) + "\n" + END.replace("MORE", more)

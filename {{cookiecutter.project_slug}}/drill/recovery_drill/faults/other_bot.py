"""Another bot on the same account: it trades the node's symbol, by orders of its own names."""

from decimal import Decimal

from recovery_drill.faults.exchange import MET, MORE_QUANTITY
from recovery_drill.faults.fault import Fault, Site
from recovery_drill.record.contract import ANOTHER_HAND
from recovery_drill.record.model import ExchangeOrder, Ledger

FAR: tuple[tuple[str, str, str, str], ...] = (
    ("BUY", "LIMIT", "price", "0.97"),
    ("SELL", "LIMIT", "price", "1.03"),
    ("BUY", "STOP_MARKET", "trigger_price", "1.04"),
    ("SELL", "STOP_MARKET", "trigger_price", "0.96"),
)
"""Its orders: side, type, and which price of it lies where, as a part of the last price."""


class OtherBot(Fault):
    """Another bot has orders of its own in the symbol, resting and conditional ones."""

    name = "exchange.second-bot"
    shows = MET

    async def begin(self, site: Site) -> None:
        """Place its orders."""
        exchange = site.runtime.exchange
        last = (await exchange.ledger()).prices[site.symbol]
        order = {"name": "order", "symbol": site.symbol, "quantity": MORE_QUANTITY}
        for side, kind, price, part in FAR:
            told = str((last * Decimal(part)).quantize(Decimal(1)))
            await exchange.arm({**order, "side": side, "type": kind, price: told})

    async def met(self, site: Site) -> bool:
        """Return whether one of them still works."""
        return bool(others_working(await site.runtime.exchange.ledger(), site.symbol))

    async def end(self, site: Site) -> None:
        """Cancel those that still work."""
        exchange = site.runtime.exchange
        for order in others_working(await exchange.ledger(), site.symbol):
            await exchange.arm({"name": "cancel", "client_order_id": order.client_order_id})


class OtherTrade(Fault):
    """Another bot trades a little in the symbol, at the market.

    Parameters
    ----------
    side : str
        Whether it buys or sells.
    quantity : str
        How much.

    """

    name = "exchange.second-bot-trade"

    def __init__(self, side: str, quantity: str = MORE_QUANTITY) -> None:
        self._side = side
        self._quantity = quantity

    async def begin(self, site: Site) -> None:
        """Trade."""
        order = {"symbol": site.symbol, "side": self._side, "quantity": self._quantity}
        await site.runtime.exchange.arm({"name": "order", **order})


def others_working(ledger: Ledger, symbol: str) -> list[ExchangeOrder]:
    """Return the working orders that another hand has placed."""
    return [o for o in ledger.working(symbol) if o.client_order_id.startswith(ANOTHER_HAND)]

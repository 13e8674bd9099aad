"""
What the exchange knows of the node's own orders.

The engine's cache is a memory; what makes a decision happen exactly once is asking before sending.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ...config.settings import Settings
from ...plan.bars import ClosedBar
from ...plan.order_ids import Leg, leg_of, parse
from ...plan.situation import OrderView, Phase
from ...plan.target import Exit, ExitReason
from ...plan.traded import Traded
from .public import closed_bars, exchange_now_ms
from .requests import NonsenseError, Requests

MOST_ROWS = 1_000
"""The most orders that one answer holds (USD-M Futures, All Orders, ``limit``)."""
NO_SUCH_ORDER = -2013
"""USD-M Futures, Error Codes: what is asked for does not exist."""
NO_SUCH_ORDER_TO_CANCEL = "-2011"
"""In a refusal to cancel: there is no such working order (USD-M Futures, Error Codes)."""
ENDED = frozenset({"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED", "FINISHED"})
EXITS = {
    Leg.STOP: ExitReason.STOP,
    Leg.TAKE_PROFIT: ExitReason.TAKE_PROFIT,
    Leg.EXIT: ExitReason.DECISION,
}


@dataclass(frozen=True, slots=True)
class OrderHistory:
    """
    What the exchange knows of one owner's recent orders.

    Parameters
    ----------
    orders : Mapping[str, OrderView]
        By client order id. Only the fate of each is told, not its quantity.
    exits : Mapping[str, Exit]
        Those that have made the position smaller, by client order id.
    slot_fills : Mapping[int, int]
        By slot: market time in milliseconds of the last fill of a resting order.

    """

    orders: Mapping[str, OrderView]
    exits: Mapping[str, Exit] = field(default_factory=dict)
    slot_fills: Mapping[int, int] = field(default_factory=dict)


class SymbolQuestions:
    """
    Questions about one line of what is traded.

    Parameters
    ----------
    settings : Settings
        Says what the exchange's now is.
    requests : Requests
        How to ask.
    traded : Traded
        The symbol, and the length of its bars.

    """

    def __init__(self, settings: Settings, requests: Requests, traded: Traded) -> None:
        self._settings = settings
        self._requests = requests
        self._symbol = traded.symbol
        self._bar_length = traded.bar_length

    async def closed_bars(self, count: int) -> list[ClosedBar]:
        """Return the last closed bars, about `count` of them, oldest first."""
        now_ms = await exchange_now_ms(self._settings)
        return await closed_bars(self._requests, self._symbol, self._bar_length, count, now_ms)

    async def order_history(self, owner: str) -> OrderHistory:
        """
        Return what the exchange knows of the recent orders of an owner.

        Raises
        ------
        ExchangeError
            If an answer is an error, or holds no orders.

        """
        query = {"symbol": self._symbol, "limit": MOST_ROWS}
        conditionals = await self._requests.get("/fapi/v1/allAlgoOrders", query)
        orders = await self._requests.get("/fapi/v1/allOrders", query)
        try:
            # One that was cancelled with a part filled tells of the cancelling, not of the fill.
            trades: Any = []
            if any(_is_cut_short(row) for row in orders):
                trades = await self._requests.get("/fapi/v1/userTrades", query)
            return read_history(conditionals, orders, owner, trades)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise NonsenseError("The exchange told orders that cannot be read.") from error


def read_history(conditionals: Any, orders: Any, owner: str, trades: Any = ()) -> OrderHistory:
    """Return the fate of an owner's orders, from the rows of the answers."""
    traded_ms: dict[int, int] = {}
    for row in trades:
        number = int(row["orderId"])
        traded_ms[number] = max(int(row["time"]), traded_ms.get(number, 0))
    found: dict[str, OrderView] = {}
    exits: dict[str, Exit] = {}
    slot_fills: dict[int, int] = {}
    for row in conditionals:
        name = row["clientAlgoId"]
        if leg_of(name, owner) is not None:
            found[name] = OrderView(name, _phase(row["algoStatus"]), filled=Decimal(0))
    # A conditional order that has triggered is an order with the same client id: it wins.
    for row in orders:
        name = row["clientOrderId"]
        parts = parse(name)
        if parts is None or parts.owner != owner:
            continue
        filled, at_ms = Decimal(row["executedQty"]), int(row["updateTime"])
        if _is_cut_short(row):
            at_ms = traded_ms.get(int(row["orderId"]), at_ms)
        found[name] = OrderView(name, _phase(row["status"]), filled=filled)
        if filled > 0 and parts.slot is not None:
            slot_fills[parts.slot] = max(at_ms, slot_fills.get(parts.slot, 0))
        elif filled > 0 and parts.leg in EXITS:
            exits[name] = Exit(EXITS[parts.leg], at_ms)
    return OrderHistory(found, exits, slot_fills)


def _is_cut_short(row: Any) -> bool:
    """Return whether an order has ended with a part of it filled."""
    return row["status"] in ENDED - {"FILLED"} and Decimal(row["executedQty"]) > 0


def _phase(status: str) -> Phase:
    return Phase.ENDED if status in ENDED else Phase.WORKING

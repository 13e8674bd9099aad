"""
What an account holds and has working, in every symbol and whoever made it, and how to end it.

Source: USD-M Futures: Position Information V3, Account Information V3, Current All Open Orders,
Current All Algo Open Orders, Cancel All Open Orders, Cancel All Algo Open Orders, New Order.
"""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .account import Held, read_account, read_positions
from .fields import Row, rows
from .requests import Requests
from .rules import SymbolRules, read_rules

MOST_OPEN = 10_000


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """
    An order, or a conditional one, that waits at the exchange.

    Parameters
    ----------
    symbol, name : str
        Its symbol and its client order id.
    is_conditional : bool
        Which of the two it is.
    words : str
        What it is, for people.

    """

    symbol: str
    name: str
    is_conditional: bool
    words: str


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What stands at the exchange.

    Parameters
    ----------
    orders : tuple[OpenOrder, ...]
        What waits there.
    positions : tuple[Held, ...]
        What is held, by either of two answers: flat is what both of them say.

    """

    orders: tuple[OpenOrder, ...] = ()
    positions: tuple[Held, ...] = ()

    @property
    def is_flat(self) -> bool:
        """Whether nothing is held and nothing waits."""
        return not self.orders and not self.positions

    @property
    def symbols(self) -> tuple[str, ...]:
        """Where anything stands."""
        found = {order.symbol for order in self.orders}
        return tuple(sorted(found | {held.position.symbol for held in self.positions}))

    def told(self) -> str:
        """Return what stands, in words."""
        held = [f"{each.position.quantity} {each.position.symbol}" for each in self.positions]
        parts = [f"a position of {each}" for each in held]
        if self.orders:
            several = "s" if len(self.orders) > 1 else ""
            parts.append(f"{len(self.orders)} open order{several}")
        return " and ".join(parts) or "nothing"


async def standing_of_all(requests: Requests, symbol: str | None) -> Standing:
    """
    Return what stands in one symbol, or in all of them.

    It counts 12 at the exchange for one symbol, and 90 for all.

    Raises
    ------
    ExchangeError
        If an answer is an error, or absurd, as it is of an account in hedge mode.
    OSError, TimeoutError, aiohttp.ClientError
        If there is no answer.

    """
    query = {} if symbol is None else {"symbol": symbol}
    risk, account, orders, conditionals = await asyncio.gather(
        requests.get("/fapi/v3/positionRisk", {}),
        requests.get("/fapi/v3/account", {}),
        requests.get("/fapi/v1/openOrders", query),
        requests.get("/fapi/v1/openAlgoOrders", query),
    )
    held = {**read_account(account)[0], **read_positions(risk)}
    return Standing(
        orders=(*_read(orders, "clientOrderId"), *_read(conditionals, "clientAlgoId")),
        positions=tuple(each for name, each in held.items() if symbol in (None, name)),
    )


def _read(answer: Any, name: str) -> list[OpenOrder]:
    is_conditional = name == "clientAlgoId"
    return [
        OpenOrder(row.text("symbol"), row.text(name), is_conditional, _words(row, is_conditional))
        for row in rows(answer, "an open order", MOST_OPEN)
    ]


def _words(row: Row, is_conditional: bool) -> str:
    kind = row.text("orderType" if is_conditional and row.has("orderType") else "type")
    size = "quantity" if is_conditional else "origQty"
    quantity = row.amount(size) if row.has(size) else "all"
    return f"{kind} {row.text('side')} {quantity} {row.text('symbol')}"


async def is_hedged(requests: Requests) -> bool:
    """Return whether the account has two position sides."""
    answer = await requests.get("/fapi/v1/positionSide/dual", {})
    return Row("a mode", answer).switch("dualSidePosition")


async def rules_of(requests: Requests, symbols: tuple[str, ...]) -> dict[str, SymbolRules]:
    """Return what the exchange allows of symbols, as far as it lists them."""
    return read_rules(await requests.get("/fapi/v1/exchangeInfo", {}, sign=False), symbols)


async def cancel_all(requests: Requests, symbol: str, *, is_conditional: bool) -> None:
    """Cancel all orders of a symbol, or all conditional ones; raises as `Requests.change`."""
    path = "algoOpenOrders" if is_conditional else "allOpenOrders"
    await requests.change("DELETE", f"/fapi/v1/{path}", {"symbol": symbol})


async def reduce_at_market(
    requests: Requests, symbol: str, side: str, quantity: Decimal, name: str
) -> None:
    """Send a market order that can only make a position smaller; raises as `Requests.change`."""
    order = {
        "symbol": symbol,
        "side": side,
        "type": "MARKET",
        "quantity": f"{quantity:f}",
        "reduceOnly": "true",
        "newClientOrderId": name,
        "newOrderRespType": "RESULT",
    }
    await requests.change("POST", "/fapi/v1/order", order)

"""Look at the account: whether this key may trade, in the modes that the node is made for."""

import asyncio
from collections.abc import Iterator

from ..exit_codes import ExitCode, NodeExit
from ..plan.order_ids import owner_of, parse
from ..venue.binance.account import (
    AccountModes,
    MarginSettings,
    read_margin_settings,
    read_modes,
    read_positions,
)
from ..venue.binance.fields import Row, rows
from ..venue.binance.requests import Requests
from ..venue.records import PositionRecord
from .asking import answer_to
from .guard import Start

MOST_OPEN = 10_000
MOST_NAMED = 5
"""How many of the orders that are left behind are named."""


async def check_account(start: Start, requests: Requests) -> None:
    """
    Ask how the account is set, and what it holds of what is not traded.

    Raises
    ------
    NodeExit
        With code 78 when the key is refused or may not trade, or the account is in hedge mode or
        has several assets for margin; 75 when there is no answer.

    """
    for sentence in await account_complaints(start, requests):
        raise NodeExit(ExitCode.CONFIGURATION, sentence)


async def account_complaints(start: Start, requests: Requests) -> list[str]:
    """
    Return what is wrong with how the account is set; note what it holds of what is not traded.

    Raises
    ------
    NodeExit
        With code 78 when the key is refused, 75 when there is no answer.

    """
    holdings = asyncio.gather(
        answer_to("what is held", lambda: _positions(requests)),
        answer_to("open orders", lambda: _open(requests, "openOrders")),
        answer_to("open conditional orders", lambda: _open(requests, "openAlgoOrders")),
    )
    holdings.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        complaints, margins = await _ask_modes(requests)
        if complaints:
            return complaints
        # After the modes: in hedge mode what is held cannot be read.
        held, orders, stops = await holdings
    finally:
        holdings.cancel()
    for symbol in start.symbols:
        if symbol in margins and margins[symbol].is_isolated:
            start.note(
                f"The margin of {symbol} is isolated: a loss is bounded by it, and its position is "
                "liquidated earlier than with cross margin."
            )
    for sentence in left_behind(start, held, [*orders, *stops]):
        start.note(sentence)
    return []


async def _ask_modes(requests: Requests) -> tuple[list[str], dict[str, MarginSettings]]:
    """Return what is wrong with the account's modes, and how symbols are margined."""
    modes, dual, assets, margins = await asyncio.gather(
        answer_to("how the account is set", lambda: _modes(requests)),
        answer_to("the position mode", lambda: _switch(requests, "positionSide/dual")),
        answer_to("the margin mode", lambda: _switch(requests, "multiAssetsMargin")),
        answer_to("how symbols are margined", lambda: _margins(requests)),
    )
    return list(mode_complaints(modes, is_hedged=dual, is_multi_asset=assets)), margins


def mode_complaints(modes: AccountModes, *, is_hedged: bool, is_multi_asset: bool) -> Iterator[str]:
    """Yield what is wrong with how the account is set; each of two answers counts."""
    if not modes.can_trade:
        yield (
            "The exchange does not let this account trade (canTrade is false); allow futures for "
            "the account and for its key."
        )
    if modes.is_hedged or is_hedged:
        yield (
            "The account is in hedge mode (two position sides), and this node trades in one-way "
            "mode: close its positions and change the position mode at the exchange."
        )
    if modes.is_multi_asset or is_multi_asset:
        yield (
            "The account is in multi-assets mode, in which positions share the margin of every "
            "asset, and this node is made for one asset: change the asset mode at the exchange."
        )


def left_behind(
    start: Start, positions: list[PositionRecord], orders: list[tuple[str, str]]
) -> Iterator[str]:
    """
    Yield what the account has of symbols that are not traded here.

    Parameters
    ----------
    start : Start
        What is traded.
    positions : list[PositionRecord]
        What is held.
    orders : list[tuple[str, str]]
        Symbol and client order id of each open order.

    """
    symbols = {position.symbol for position in positions} | {symbol for symbol, _ in orders}
    for symbol in sorted(symbols - set(start.symbols)):
        owners = {owner_of(start.settings.id, each.tag, symbol) for each in start.traded}
        names = [name for told, name in orders if told == symbol]
        own = [name for name in names if (p := parse(name)) is not None and p.owner in owners]
        found = [f"a position of {p.quantity}" for p in positions if p.symbol == symbol]
        if names:
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            found.append(f"the open orders {', '.join(names[:MOST_NAMED])}{more}")
        whose = "This node has made them, and nobody" if own else "Nobody here"
        yield (
            f"{symbol} is not traded by this node, and the account has {' and '.join(found)}: "
            f"Position and orders are left alone. {whose} moves or cancels them; trade {symbol} "
            "again, or close them yourself."
        )


async def _modes(requests: Requests) -> AccountModes:
    return read_modes(await requests.get("/fapi/v1/accountConfig", {}))


async def _margins(requests: Requests) -> dict[str, MarginSettings]:
    return read_margin_settings(await requests.get("/fapi/v1/symbolConfig", {}))


async def _switch(requests: Requests, path: str) -> bool:
    """Return the one switch that an answer has."""
    name = {"positionSide/dual": "dualSidePosition"}.get(path, path)
    return Row("a mode", await requests.get(f"/fapi/v1/{path}", {})).switch(name)


async def _positions(requests: Requests) -> list[PositionRecord]:
    answer = await requests.get("/fapi/v3/positionRisk", {})
    return [held.position for held in read_positions(answer).values()]


async def _open(requests: Requests, path: str) -> list[tuple[str, str]]:
    """Return symbol and client order id of each open order, whatever its symbol."""
    name = {"openOrders": "clientOrderId"}.get(path, "clientAlgoId")
    answer = await requests.get(f"/fapi/v1/{path}", {})
    found = rows(answer, "an open order", MOST_OPEN)
    return [(row.text("symbol"), row.text(name)) for row in found]

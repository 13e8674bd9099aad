"""What the exchange answers about account and positions. Pure functions.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures, "Account".
"""

from collections.abc import Iterable

from ..account import margin
from ..journal.orders import Fill
from ..journal.payments import FundingFee
from ..journal.state import Book, State
from ..market.symbols import rounded, text
from .market_payloads import Payload

MOST_NOTIONAL = str(margin.HIGHEST_NOTIONAL)
PERMISSIONS = {"canTrade": True, "canDeposit": True, "canWithdraw": True}
TIER = {"feeTier": 0, "multiAssetsMargin": False, "tradeGroupId": -1}


def account_v2(state: State) -> Payload:
    """Answer ``GET v2/account``: every symbol is among the positions."""
    settings = TIER | PERMISSIONS | {"feeBurn": False, "updateTime": state.market_ms}
    asset = {**_assets(state)[0], "marginAvailable": True}
    positions = [_position_v2(state, book) for book in state.books.values()]
    return settings | _totals(state) | {"assets": [asset], "positions": positions}


def account_v3(state: State) -> Payload:
    """Answer ``GET v3/account``: only symbols with a position or an open order."""
    positions = [_position_v3(state, state.books[name]) for name in symbols_in_use(state)]
    return _totals(state) | {"assets": _assets(state), "positions": positions}


def account_config(_state: State) -> Payload:
    """Answer ``GET accountConfig``."""
    return TIER | PERMISSIONS | {"dualSidePosition": False, "updateTime": 0}


def balance(state: State) -> list[Payload]:
    """Answer ``GET balance``, the same in versions 2 and 3: one row, of USDT."""
    asset = _assets(state)[0]
    names = ("crossWalletBalance", "crossUnPnl", "availableBalance", "maxWithdrawAmount")
    shared = {name: asset[name] for name in ("asset", *names, "updateTime")}
    told = {"accountAlias": "simulated", "balance": asset["walletBalance"], "marginAvailable": True}
    return [shared | told]


def symbols_in_use(state: State) -> list[str]:
    """Return the symbols with a position or an open order."""
    ordered = {order.symbol for order in state.open_orders("order")}
    return [name for name, book in state.books.items() if book.position or name in ordered]


def position_risk(state: State, symbol: str, version: int) -> Payload:
    """Describe one position, as ``GET positionRisk`` does in version 2 or 3."""
    book = state.books[symbol]
    liquidation = margin.liquidation_price(state, symbol)
    shared = {
        "symbol": symbol, "positionSide": "BOTH", "positionAmt": text(book.position),
        "entryPrice": text(book.entry_price), "breakEvenPrice": text(book.entry_price),
        "markPrice": text(book.mark_price), "unRealizedProfit": text(rounded(book.unrealized_pnl)),
        "liquidationPrice": text(book.rules.price(liquidation)) if liquidation else "0",
        "isolatedMargin": "0", "isolatedWallet": "0",
        "notional": text(rounded(book.notional)), "updateTime": book.position_ms,
    }  # fmt: skip
    if version == 2:
        return shared | {
            "leverage": str(book.leverage), "marginType": "cross", "isAutoAddMargin": "false",
            "maxNotionalValue": MOST_NOTIONAL,
        }  # fmt: skip
    ignored = {"adl": 0, "bidNotional": "0", "askNotional": "0"}
    return shared | _margins(state, symbol) | {"marginAsset": "USDT"} | ignored


def symbol_config(book: Book) -> Payload:
    """Describe the settings of one symbol, as ``GET symbolConfig`` does."""
    return {
        "symbol": book.rules.name, "marginType": "CROSSED", "isAutoAddMargin": False,
        "leverage": book.leverage, "maxNotionalValue": MOST_NOTIONAL,
    }  # fmt: skip


def leverage_bracket(symbol: str) -> Payload:
    """Describe the bounds of leverage of one symbol, as ``GET leverageBracket`` does."""
    bracket = {
        "bracket": 1, "initialLeverage": margin.HIGHEST_LEVERAGE, "notionalFloor": 0,
        "notionalCap": margin.HIGHEST_NOTIONAL, "cum": 0.0,
        "maintMarginRatio": float(margin.MAINTENANCE_RATE),
    }  # fmt: skip
    return {"symbol": symbol, "brackets": [bracket]}


def income(fills: Iterable[Fill], fees: Iterable[FundingFee]) -> list[Payload]:
    """Describe what fills and funding did to the wallet, as ``GET income`` does, by their time."""
    rows = _fills_income(fills) + [
        {
            "symbol": fee.symbol, "incomeType": "FUNDING_FEE", "income": text(fee.amount),
            "asset": "USDT", "info": "FUNDING_FEE", "time": fee.market_ms,
            "tranId": int(fee.payment_id), "tradeId": "",
        }
        for fee in fees
    ]  # fmt: skip
    return sorted(rows, key=lambda row: int(row["time"]))


def _fills_income(fills: Iterable[Fill]) -> list[Payload]:
    return [
        {
            "symbol": fill.symbol, "incomeType": kind, "income": text(amount), "asset": "USDT",
            "info": fill.trade_id, "time": fill.market_ms, "tranId": int(fill.trade_id),
            "tradeId": fill.trade_id,
        }
        for fill in fills
        for kind, amount in (("REALIZED_PNL", fill.realized_pnl), ("COMMISSION", -fill.commission))
        if amount
    ]  # fmt: skip


def _margins(state: State, symbol: str | None = None) -> Payload:
    """Tell what positions and orders bind: those of one symbol, or all."""
    positions = margin.position_margin(state, symbol)
    orders = margin.order_margin(state, symbol)
    return {
        "initialMargin": text(rounded(positions + orders)),
        "maintMargin": text(rounded(margin.maintenance_margin(state, symbol))),
        "positionInitialMargin": text(rounded(positions)),
        "openOrderInitialMargin": text(rounded(orders)),
    }


def _assets(state: State) -> list[Payload]:
    """Tell the one asset of the account."""
    pnl, free = rounded(margin.unrealized_pnl(state)), text(rounded(margin.available(state)))
    wallet = text(state.wallet)
    asset = {
        "asset": "USDT", "walletBalance": wallet, "unrealizedProfit": text(pnl),
        "marginBalance": text(rounded(state.wallet + pnl)), **_margins(state),
        "crossWalletBalance": wallet, "crossUnPnl": text(pnl), "availableBalance": free,
        "maxWithdrawAmount": free, "updateTime": state.market_ms,
    }  # fmt: skip
    return [asset]


def _totals(state: State) -> Payload:
    """Tell the sums over all assets, which are those of the one."""
    asset = _assets(state)[0]
    names = (
        "initialMargin", "maintMargin", "walletBalance", "unrealizedProfit", "marginBalance",
        "positionInitialMargin", "openOrderInitialMargin", "crossWalletBalance", "crossUnPnl",
    )  # fmt: skip
    totals = {f"total{name[0].upper()}{name[1:]}": asset[name] for name in names}
    return totals | {name: asset[name] for name in ("availableBalance", "maxWithdrawAmount")}


def _position_v2(state: State, book: Book) -> Payload:
    return {
        "symbol": book.rules.name, **_margins(state, book.rules.name),
        "unrealizedProfit": text(rounded(book.unrealized_pnl)), "leverage": str(book.leverage),
        "isolated": False, "entryPrice": text(book.entry_price), "maxNotional": MOST_NOTIONAL,
        "bidNotional": "0", "askNotional": "0", "positionSide": "BOTH",
        "positionAmt": text(book.position), "updateTime": book.position_ms,
    }  # fmt: skip


def _position_v3(state: State, book: Book) -> Payload:
    margins = _margins(state, book.rules.name)
    return {
        "symbol": book.rules.name, "positionSide": "BOTH", "positionAmt": text(book.position),
        "unrealizedProfit": text(rounded(book.unrealized_pnl)),
        "isolatedMargin": "0", "notional": text(rounded(book.notional)), "isolatedWallet": "0",
        "initialMargin": margins["initialMargin"], "maintMargin": margins["maintMargin"],
        "updateTime": book.position_ms,
    }  # fmt: skip

"""What the exchange answers about account and positions. Pure functions.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures, "Account".
"""

from ..account import margin
from ..journal.state import State
from ..market.symbols import rounded, text
from .market_payloads import Payload


def account_info(state: State) -> Payload:
    """Answer ``GET account``."""
    pnl, free = rounded(margin.unrealized_pnl(state)), text(rounded(margin.available(state)))
    positions, orders = margin.position_margin(state), margin.order_margin(state)
    wallet, equity = text(state.wallet), text(state.wallet + pnl)
    sums = {
        "InitialMargin": text(rounded(positions + orders)),
        "MaintMargin": text(rounded(positions / 2)),
        "WalletBalance": wallet, "UnrealizedProfit": text(pnl), "MarginBalance": equity,
        "PositionInitialMargin": text(rounded(positions)),
        "OpenOrderInitialMargin": text(rounded(orders)),
        "CrossWalletBalance": wallet, "CrossUnPnl": text(pnl),
    }  # fmt: skip
    shared = {"availableBalance": free, "maxWithdrawAmount": free, "updateTime": state.market_ms}
    asset = {name[0].lower() + name[1:]: value for name, value in sums.items()} | shared
    return shared | {f"total{name}": value for name, value in sums.items()} | {
        "feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": True,
        "multiAssetsMargin": False, "tradeGroupId": -1,
        "assets": [{"asset": "USDT", "marginAvailable": True, **asset}],
        "positions": [position_risk(state, name, 2) for name in state.books],
    }  # fmt: skip


def position_risk(state: State, symbol: str, version: int) -> Payload:
    """Describe one position, as ``GET positionRisk`` does in version 2 or 3."""
    book = state.books[symbol]
    notional = book.position * book.price
    initial = abs(notional) / book.leverage
    entry, pnl = text(book.entry_price), text(rounded(book.unrealized_pnl))
    shared = {
        "symbol": symbol, "positionSide": "BOTH", "positionAmt": text(book.position),
        "entryPrice": entry, "breakEvenPrice": entry, "markPrice": text(book.price),
        "unRealizedProfit": pnl, "liquidationPrice": "0", "isolatedMargin": "0",
        "notional": text(rounded(notional)), "isolatedWallet": "0", "updateTime": state.market_ms,
    }  # fmt: skip
    if version == 2:
        return shared | {
            "leverage": str(book.leverage), "marginType": "cross", "isAutoAddMargin": "false",
            "maxNotionalValue": "100000000",
        }  # fmt: skip
    shown = text(rounded(initial))
    return shared | {
        "marginAsset": "USDT", "initialMargin": shown, "maintMargin": text(rounded(initial / 2)),
        "positionInitialMargin": shown, "openOrderInitialMargin": "0", "adl": 0,
        "bidNotional": "0", "askNotional": "0",
    }  # fmt: skip

"""
What the exchange says of the account: positions, balances, modes. Pure functions of answers.

Source: USD-M Futures, Account: Position Information V3, Account Information V3, Futures Account
Configuration, Symbol Configuration.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..records import BalanceRecord, PositionRecord
from .fields import Row, rows
from .requests import NonsenseError

MOST_POSITIONS = 2_000
"""More rows than the exchange has symbols are not believed."""
MOST_ASSETS = 500


@dataclass(frozen=True, slots=True)
class Held:
    """
    One open position, and when the exchange has changed it last.

    Parameters
    ----------
    position : PositionRecord
        What is held; its entry price is 0 where the answer does not tell it.
    updated_ms : int
        In milliseconds of market time; 0 where the answer does not tell it.

    """

    position: PositionRecord
    updated_ms: int


def read_positions(answer: Any, what: str = "a position") -> dict[str, Held]:
    """
    Return the open positions by symbol, from ``positionRisk`` or the positions of ``account``.

    Raises
    ------
    NonsenseError
        If the answer cannot be read, or is that of an account with two position sides.

    """
    found: dict[str, Held] = {}
    seen: set[str] = set()
    for row in rows(answer, what, MOST_POSITIONS):
        symbol, quantity = row.text("symbol"), row.amount("positionAmt", signed=True)
        if row.text("positionSide") != "BOTH":
            if quantity:
                raise NonsenseError(f"The exchange told a position of {symbol} in hedge mode.")
            continue
        if symbol in seen:
            raise NonsenseError(f"The exchange told two positions of {symbol} in one answer.")
        seen.add(symbol)
        if quantity:
            price = row.amount("entryPrice") if row.has("entryPrice") else Decimal(0)
            updated = row.stamp("updateTime") if row.has("updateTime") else 0
            found[symbol] = Held(PositionRecord(symbol, quantity, price), updated)
    return found


def read_account(answer: Any) -> tuple[dict[str, Held], tuple[BalanceRecord, ...]]:
    """
    Return positions and balances as ``account`` tells them.

    Raises
    ------
    NonsenseError
        If the answer cannot be read.

    """
    account = Row("an account", answer)
    balances = []
    for row in account.rows("assets", "an asset", MOST_ASSETS):
        wallet = row.amount("walletBalance", signed=True)
        if wallet:
            free = row.amount("availableBalance", signed=True)
            balances.append(BalanceRecord(row.text("asset"), wallet, free))
    return read_positions(answer.get("positions"), "a position of the account"), tuple(balances)


@dataclass(frozen=True, slots=True)
class AccountModes:
    """How the account is set, as ``accountConfig`` tells it."""

    can_trade: bool
    is_hedged: bool
    is_multi_asset: bool


def read_modes(answer: Any) -> AccountModes:
    """Return how the account is set."""
    row = Row("the account's settings", answer)
    return AccountModes(
        can_trade=row.switch("canTrade"),
        is_hedged=row.switch("dualSidePosition"),
        is_multi_asset=row.switch("multiAssetsMargin"),
    )


@dataclass(frozen=True, slots=True)
class MarginSettings:
    """How one symbol is margined."""

    is_isolated: bool
    leverage: int


def read_margin_settings(answer: Any) -> dict[str, MarginSettings]:
    """Return by symbol how it is margined, as ``symbolConfig`` tells it."""
    found = {}
    for row in rows(answer, "a symbol's settings", MOST_POSITIONS):
        leverage = row.whole("leverage")
        if not leverage:
            raise row.wrong("leverage", "zero")
        isolated = row.text("marginType").upper() == "ISOLATED"
        found[row.text("symbol")] = MarginSettings(isolated, leverage)
    return found

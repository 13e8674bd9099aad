"""What an exchange says has happened, as plain values; every venue gives the same ones."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """
    One order, or one conditional order, as the exchange has it.

    A conditional order that has triggered is two records of one client order id: the conditional
    one, whose `triggered_order_id` is the other's number, and the order that it has become.

    Parameters
    ----------
    kind : str
        ``order`` or ``conditional``.
    exchange_order_id : str
        The exchange's number.
    client_order_id : str
        Whoever sent it named it so.
    symbol, type, side, status, time_in_force : str
        In the exchange's words: ``STOP_MARKET``, ``BUY``, ``NEW``, ``GTC``.
    quantity, filled : Decimal
        In coins, without a sign.
    reduce_only : bool
        Whether it may only make a position smaller.
    created_ms, updated_ms : int
        Market time in milliseconds.
    price, trigger_price : Decimal, optional
        Its limit and its trigger, where it has them.
    triggered_order_id : str, optional
        The number of the order that a conditional one has become.

    """

    kind: Literal["order", "conditional"]
    exchange_order_id: str
    client_order_id: str
    symbol: str
    type: str
    side: str
    status: str
    time_in_force: str
    quantity: Decimal
    filled: Decimal
    reduce_only: bool
    created_ms: int
    updated_ms: int
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    triggered_order_id: str | None = None


@dataclass(frozen=True, slots=True)
class TradeRecord:
    """One fill as the exchange has it; `quantity` has no sign, `commission` is what was paid."""

    trade_id: str
    exchange_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool
    at_ms: int


@dataclass(frozen=True, slots=True)
class IncomeRecord:
    """
    One row of an account's income, as the exchange has it; what was paid is negative.

    Parameters
    ----------
    number : str
        Told once of a kind, a symbol and an asset.
    kind : str
        In the exchange's words: ``REALIZED_PNL``, ``COMMISSION``, ``FUNDING_FEE``, ``TRANSFER``.
    symbol : str
        Empty for none.
    asset : str
        What `amount` counts.
    amount : Decimal
        Positive is gained.
    at_ms : int
        Market time in milliseconds.
    trade_id : str
        The number of the fill that it is of; empty for none.

    """

    number: str
    kind: str
    symbol: str
    asset: str
    amount: Decimal
    at_ms: int
    trade_id: str = ""


@dataclass(frozen=True, slots=True)
class PositionRecord:
    """One open position as the exchange has it; `quantity` is signed and never zero."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal


@dataclass(frozen=True, slots=True)
class BalanceRecord:
    """What the wallet holds of one asset, as the exchange has it."""

    asset: str
    wallet: Decimal
    available: Decimal


@dataclass(frozen=True, slots=True)
class ExchangeRecord:
    """
    What the exchange said when it was asked for everything that a restart needs.

    Parameters
    ----------
    at_ms : int
        The exchange's now at the first question, in milliseconds of market time.
    orders : tuple[OrderRecord, ...]
        Open ones, and past ones as far back as `since_ms`; oldest first.
    trades : tuple[TradeRecord, ...]
        As far back as the open position has its first fill, and at least to `since_ms`.
    positions : tuple[PositionRecord, ...]
        Every open position of the account.
    balances : tuple[BalanceRecord, ...]
        Every asset of the wallet that is not zero.
    since_ms : dict[str, int]
        By symbol: how far back orders and trades are complete.
    listed : Any
        What the exchange lists, as it tells it, where an engine needs that; ``None`` elsewhere.
    notes : tuple[str, ...]
        What a person should know of it: a bound that was met, a position older than all trades.
    asked, weight : int
        How many questions it took, and what they count at the exchange.

    """

    at_ms: int
    orders: tuple[OrderRecord, ...] = ()
    trades: tuple[TradeRecord, ...] = ()
    positions: tuple[PositionRecord, ...] = ()
    balances: tuple[BalanceRecord, ...] = ()
    since_ms: dict[str, int] = field(default_factory=dict)
    listed: Any = None
    notes: tuple[str, ...] = ()
    asked: int = 0
    weight: int = 0

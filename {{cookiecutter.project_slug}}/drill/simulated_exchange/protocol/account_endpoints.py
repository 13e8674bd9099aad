"""Endpoints of the account: from parameters to an answer. No network, no waiting."""

from typing import Any

from ..account.booking import MAKER_FEE, TAKER_FEE
from ..account.margin import HIGHEST_LEVERAGE
from ..errors import ExchangeError, invalid, missing
from ..exchange import Exchange
from ..journal.orders import Fill
from ..journal.payments import FundingFee
from ..market.symbols import text
from . import account_payloads as payloads
from .lookup import INCOME_DAYS, book_of, names_of, window
from .parameters import Parameters


def account_v2(exchange: Exchange, _p: Parameters) -> Any:
    """Answer ``GET v2/account``."""
    return payloads.account_v2(exchange.state)


def account_v3(exchange: Exchange, _p: Parameters) -> Any:
    """Answer ``GET v3/account``."""
    return payloads.account_v3(exchange.state)


def account_config(exchange: Exchange, _p: Parameters) -> Any:
    """Answer ``GET accountConfig``."""
    return payloads.account_config(exchange.state)


def balance(exchange: Exchange, _p: Parameters) -> Any:
    """Answer ``GET balance``."""
    return payloads.balance(exchange.state)


def positions_v2(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET v2/positionRisk``, with every symbol."""
    return [payloads.position_risk(exchange.state, name, 2) for name in names_of(exchange, p)]


def positions_v3(exchange: Exchange, p: Parameters) -> Any:
    """Return only symbols with a position or an open order, as version 3 does."""
    state, names = exchange.state, names_of(exchange, p)
    used = [name for name in payloads.symbols_in_use(state) if name in names]
    return [payloads.position_risk(state, name, 3) for name in used]


def position_mode(_exchange: Exchange, _p: Parameters) -> Any:
    """Answer ``GET positionSide/dual``: one-way mode."""
    return {"dualSidePosition": False}


def set_position_mode(_exchange: Exchange, p: Parameters) -> Any:
    """Refuse ``POST positionSide/dual``: there is one-way mode only."""
    p.required("dualSidePosition")
    raise ExchangeError(-1020 if p.flag("dualSidePosition") else -4059)


def assets_mode(_exchange: Exchange, _p: Parameters) -> Any:
    """Answer ``GET multiAssetsMargin``: one asset."""
    return {"multiAssetsMargin": False}


def set_assets_mode(_exchange: Exchange, p: Parameters) -> Any:
    """Refuse ``POST multiAssetsMargin``: there is one asset only."""
    p.required("multiAssetsMargin")
    raise ExchangeError(-1020 if p.flag("multiAssetsMargin") else -4171)


def set_margin_type(exchange: Exchange, p: Parameters) -> Any:
    """Refuse ``POST marginType``: there is cross margin only."""
    book_of(exchange, p)
    raise ExchangeError(-4046 if p.required("marginType") == "CROSSED" else -1020)


def change_margin(exchange: Exchange, p: Parameters) -> Any:
    """Refuse ``POST positionMargin``: there is cross margin only."""
    book_of(exchange, p)
    raise ExchangeError(-4049)


def symbol_config(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET symbolConfig``."""
    books = exchange.state.books
    return [payloads.symbol_config(books[name]) for name in names_of(exchange, p)]


def leverage_bracket(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET leverageBracket``: of one symbol, or a list."""
    if p.get("symbol"):
        return payloads.leverage_bracket(book_of(exchange, p).rules.name)
    return [payloads.leverage_bracket(name) for name in exchange.state.books]


def set_leverage(exchange: Exchange, p: Parameters) -> Any:
    """Do ``POST leverage``."""
    name, leverage = book_of(exchange, p).rules.name, p.integer("leverage")
    if leverage is None:
        raise missing("leverage")
    if not 1 <= leverage <= HIGHEST_LEVERAGE:
        raise ExchangeError(-4028, f"Leverage {leverage} is not valid")
    exchange.matching.set_leverage(name, leverage)
    return {"leverage": leverage, "maxNotionalValue": payloads.MOST_NOTIONAL, "symbol": name}


def commission_rate(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET commissionRate``."""
    fees = {"makerCommissionRate": text(MAKER_FEE), "takerCommissionRate": text(TAKER_FEE)}
    return {"symbol": book_of(exchange, p).rules.name, **fees}


def income(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET income``, one page of it."""
    names, (since, until) = names_of(exchange, p), window(exchange, p, INCOME_DAYS)
    wanted, limit, number = p.get("incomeType"), p.limit(100, 1000), p.integer("page")
    number = 1 if number is None else number
    if number < 1:
        raise invalid("page")

    def asked(one: Fill | FundingFee) -> bool:
        return since <= one.market_ms <= until and one.symbol in names

    fills, fees = exchange.state.fills, exchange.state.funding_fees
    rows = payloads.income(filter(asked, fills), filter(asked, fees))
    found = [row for row in rows if wanted in (None, row["incomeType"])]
    return found[(number - 1) * limit : number * limit]


def order_limits(exchange: Exchange, _p: Parameters) -> Any:
    """Answer ``GET rateLimit/order``."""
    return exchange.limits.rows()[1:]


def new_listen_key(exchange: Exchange, _p: Parameters) -> Any:
    """Do ``POST listenKey``."""
    return {"listenKey": exchange.listen_key.open()}


def keep_listen_key(exchange: Exchange, _p: Parameters) -> Any:
    """Do ``PUT listenKey``."""
    return {"listenKey": exchange.listen_key.keep()}


def close_listen_key(exchange: Exchange, _p: Parameters) -> Any:
    """Do ``DELETE listenKey``."""
    exchange.listen_key.close()
    return {}

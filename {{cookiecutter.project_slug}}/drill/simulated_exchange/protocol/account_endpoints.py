"""Endpoints of the account: from parameters to an answer. No network, no waiting."""

from typing import Any

from ..account.booking import MAKER_FEE, TAKER_FEE
from ..errors import ExchangeError
from ..exchange import Exchange
from ..market.symbols import text
from . import account_payloads as payloads
from .lookup import book_of, names_of
from .parameters import Parameters


def account_v2(exchange: Exchange, _p: Parameters) -> Any:
    """Answer ``GET v2/account``."""
    return payloads.account_v2(exchange.state)


def account_v3(exchange: Exchange, _p: Parameters) -> Any:
    """Answer ``GET v3/account``."""
    return payloads.account_v3(exchange.state)


def positions_v2(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET v2/positionRisk``, with every symbol."""
    return [payloads.position_risk(exchange.state, name, 2) for name in names_of(exchange, p)]


def positions_v3(exchange: Exchange, p: Parameters) -> Any:
    """Return only symbols with a position or an open order, as version 3 does."""
    state, names = exchange.state, names_of(exchange, p)
    used = (n for n in names if state.books[n].position or state.open_orders("order", n))
    return [payloads.position_risk(state, name, 3) for name in used]


def position_mode(_exchange: Exchange, _p: Parameters) -> Any:
    """Answer ``GET positionSide/dual``: one-way mode."""
    return {"dualSidePosition": False}


def set_position_mode(_exchange: Exchange, p: Parameters) -> Any:
    """Refuse ``POST positionSide/dual``: there is one-way mode only."""
    raise ExchangeError(-1020 if p.flag("dualSidePosition") else -4059)


def set_margin_type(_exchange: Exchange, p: Parameters) -> Any:
    """Refuse ``POST marginType``: there is cross margin only."""
    raise ExchangeError(-4046 if p.required("marginType") == "CROSSED" else -1020)


def symbol_config(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET symbolConfig``."""
    fixed = {"marginType": "CROSSED", "isAutoAddMargin": False, "maxNotionalValue": "100000000"}
    return [
        {"symbol": name, "leverage": book.leverage, **fixed}
        for name, book in exchange.state.books.items()
        if p.get("symbol") in (None, name)
    ]


def set_leverage(exchange: Exchange, p: Parameters) -> Any:
    """Do ``POST leverage``."""
    name, leverage = book_of(exchange, p).rules.name, p.integer("leverage")
    if leverage is None or not 1 <= leverage <= 125:
        raise ExchangeError(-4028, f"Leverage {leverage} is not valid")
    exchange.matching.set_leverage(name, leverage)
    return {"leverage": leverage, "maxNotionalValue": "100000000", "symbol": name}


def commission_rate(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET commissionRate``."""
    fees = {"makerCommissionRate": text(MAKER_FEE), "takerCommissionRate": text(TAKER_FEE)}
    return {"symbol": book_of(exchange, p).rules.name, **fees}


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

"""What the status page shows, as one document made from what the node knows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from ..plan.order_ids import Leg, parse
from ..plan.rows import BalanceRow, FillRow, OrderRow, PositionRow
from ..plan.traded import Traded
from .answers import Known, answers
from .protection import Protection, protections

SCHEMA = 1
MOST_POINTS = 200
"""Of the curve of a day's result."""
LEGS = {
    Leg.ENTRY: "entry",
    Leg.EXIT: "exit",
    Leg.STOP: "stop",
    Leg.TAKE_PROFIT: "take profit",
    Leg.RESTING: "resting",
}


@dataclass(frozen=True, slots=True)
class Trade:
    """A fill, and what it has realized before its commission, where that is known."""

    fill: FillRow
    profit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """
    What the page shows beside the answers.

    Parameters
    ----------
    known : Known
        What the answers are made of.
    pid, revision : int
        Of the process, and of its state.
    trader_id, instance_id, profile : str
        Whose node it is.
    traded : Sequence[Traded]
        What is traded.
    marks : Mapping[str, Decimal]
        By symbol the price that the exchange reckons with.
    trades : Sequence[Trade]
        The last fills, newest first.
    day_began_ms : int
        When the day has begun that `curve` is of, in milliseconds of market time.
    curve : Sequence[tuple[int, Decimal]], optional
        The result of the day: when, and how much from then on; ``None`` when it is not known.
    lease_epoch : int, optional
        The number of its holding of the lease; ``None`` without.
    lease_seconds : float
        For how long it may send.
    is_halted : bool
        Whether a person has halted anything.
    halt : str
        What is halted, in a sentence.
    found : Mapping[str, str]
        By guard: what it has found on the way up.
    notes : Sequence[str]
        What a person should know.
    versions : Mapping[str, str]
        By name.
    takes_commands : bool
        Whether a token is set.
    notifications : str
        How they fare, in a sentence.

    """

    known: Known
    pid: int = 0
    revision: int = 0
    trader_id: str = ""
    instance_id: str = ""
    profile: str = ""
    traded: Sequence[Traded] = ()
    marks: Mapping[str, Decimal] = field(default_factory=dict)
    trades: Sequence[Trade] = ()
    day_began_ms: int = 0
    curve: Sequence[tuple[int, Decimal]] | None = None
    lease_epoch: int | None = None
    lease_seconds: float = 0.0
    is_halted: bool = False
    halt: str = ""
    found: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    takes_commands: bool = False
    notifications: str = ""


def document(status: Status) -> dict[str, Any]:
    """Return the answer to ``GET /status``."""
    known, rows = status.known, status.known.rows
    shelter = {each.symbol: each for each in protections(rows)}
    orders = [row for row in rows.orders if not row.is_closed]
    return {
        "schema": SCHEMA,
        "revision": status.revision,
        "pid": status.pid,
        "trader_id": status.trader_id,
        "instance_id": status.instance_id,
        "profile": status.profile,
        "stage": known.stage.value,
        "reason": known.reason,
        "answers": [asdict(each) for each in answers(known)],
        "positions": [
            _position(row, status.marks.get(row.symbol), shelter.get(row.symbol))
            for row in rows.positions
        ],
        "orders": [_order(row) for row in sorted(orders, key=lambda row: row.client_order_id)],
        "trades": [_trade(each) for each in status.trades],
        "day": None if status.curve is None else _day(status.day_began_ms, status.curve),
        "balances": [_balance(row) for row in rows.balances],
        "traded": [_traded(each) for each in status.traded],
        "conditions": [asdict(each) for each in known.conditions],
        "lease": {"epoch": status.lease_epoch, "seconds": round(status.lease_seconds, 1)},
        "halt": {"is_halted": status.is_halted, "sentence": status.halt},
        "found": dict(status.found),
        "notes": list(status.notes),
        "notifications": status.notifications,
        "versions": dict(status.versions),
        "takes_commands": status.takes_commands,
    }


def leg_in_words(client_order_id: str) -> str:
    """Return what an order is for; "other" when it is not in its name."""
    parts = parse(client_order_id)
    return "other" if parts is None else LEGS[parts.leg]


def thinned(
    curve: Sequence[tuple[int, Decimal]], most: int = MOST_POINTS
) -> list[tuple[int, Decimal]]:
    """Return so many points of a curve at most; lowest, highest and last are among them."""
    if len(curve) <= most:
        return list(curve)
    parts = (most - 1) // 2
    kept = {len(curve) - 1}
    for part in range(parts):
        span = range(part * len(curve) // parts, (part + 1) * len(curve) // parts)
        kept |= {min(span, key=lambda i: curve[i][1]), max(span, key=lambda i: curve[i][1])}
    return [curve[i] for i in sorted(kept)]


def _day(began_ms: int, curve: Sequence[tuple[int, Decimal]]) -> dict[str, Any]:
    return {
        "began_ms": began_ms,
        "result": _plain(curve[-1][1] if curve else Decimal(0)),
        "points": [[at_ms, _plain(result)] for at_ms, result in thinned(curve)],
    }


def _position(row: PositionRow, mark: Decimal | None, shelter: Protection | None) -> dict[str, Any]:
    open_result = None
    if mark is not None and row.entry_price is not None:
        open_result = (mark - row.entry_price) * row.quantity
    return {
        "symbol": row.symbol,
        "quantity": str(row.quantity),
        "strategy_id": row.strategy_id,
        "entry_price": None if row.entry_price is None else _plain(round(row.entry_price, 4)),
        "mark": None if mark is None else _plain(mark),
        "open_result": None if open_result is None else _plain(open_result),
        "stops": [_plain(each) for each in shelter.triggers] if shelter else [],
        "covered": str(shelter.covered) if shelter else "0",
    }


def _order(row: OrderRow) -> dict[str, Any]:
    return {
        "client_order_id": row.client_order_id,
        "symbol": row.symbol,
        "leg": leg_in_words(row.client_order_id),
        "type": row.type,
        "side": row.side,
        "quantity": str(row.quantity),
        "filled": str(row.filled),
        "status": row.status,
        "reduce_only": row.reduce_only,
        "price": None if row.price is None else _plain(row.price),
        "trigger_price": None if row.trigger_price is None else _plain(row.trigger_price),
    }


def _trade(trade: Trade) -> dict[str, Any]:
    fill = trade.fill
    return {
        "at_ms": fill.at_ms,
        "symbol": fill.symbol,
        "trade_id": fill.trade_id,
        "client_order_id": fill.client_order_id,
        "leg": leg_in_words(fill.client_order_id),
        "side": fill.side,
        "quantity": str(fill.quantity),
        "price": _plain(fill.price),
        "commission": _plain(fill.commission),
        "currency": fill.currency,
        "profit": None if trade.profit is None else _plain(trade.profit),
    }


def _traded(each: Traded) -> dict[str, Any]:
    return {"tag": each.tag, "symbol": each.symbol, "bar": str(each.bar)}


def _balance(row: BalanceRow) -> dict[str, str]:
    return {"currency": row.currency, "total": _plain(row.total), "free": _plain(row.free)}


def _plain(number: Decimal) -> str:
    """Return a number without an exponent, to eight decimals at most."""
    text = f"{round(number, 8):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

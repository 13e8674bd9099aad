"""Ask node, store and exchange what they have; a place that is away says so, and no other waits."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from ...config.settings import Settings
from ...engine.mending.store_format import WATCH_MARK
from ...engine.mending.stored_rows import stored_rows
from ...exit_codes import ExitCode, NodeExit, one_line
from ...guards.asking import answer_to
from ...guards.clock import wrong_clock
from ...guards.exchange import check_hosts
from ...guards.lease.processes import has_ended
from ...guards.questions import check_there
from ...plan.order_ids import OrderId, parse
from ...plan.rows import BalanceRow, OrderRow, PositionRow, Rows
from ...venue.binance.account import read_account
from ...venue.binance.requests import Requests
from ...venue.binance.standing import standing
from ...venue.records import BalanceRecord, ExchangeRecord
from ..doctor.lease import holder_of
from ..doctor.patient import Quiet
from ..node import NodeAnswer, ask_node
from ..trader_keys import TraderKeys, counted, read_trader
from .beside import Column, column_of_exchange, column_of_rows

HAS_ITS_ROWS = frozenset({"warmup", "trading", "degraded"})
"""Stages in which the node has all that it will know: before, its engine is still loading."""
MOST_DECIDED = 10
MOST_SHOWN = 200
"""Of a value that a strategy remembers, so many letters are shown."""
MOST_BYTES = 16
"""Of one that is no text, so many bytes."""
GENERAL = "general:"


@dataclass(frozen=True, slots=True)
class Place:
    """
    One place that was asked.

    Parameters
    ----------
    sentence : str
        How it is.
    column : Column, optional
        What it holds; ``None`` when that cannot be compared.
    end : ExitCode
        How this command ends for it, when nothing is worse.
    more : Mapping[str, Any]
        What else it tells, ready to be printed as JSON.

    """

    sentence: str
    column: Column | None = None
    end: ExitCode = ExitCode.STOPPED
    more: Mapping[str, Any] = field(default_factory=dict)


async def ask_places(start: Quiet) -> dict[str, Place]:
    """Return what node, store and exchange have, asked at once."""
    node, store, exchange = await asyncio.gather(
        _node(start), asyncio.to_thread(_store, start.settings), _exchange(start)
    )
    return {"node": node, "store": store, "exchange": exchange}


# -- The node ------------------------------------------------------------------------------------


async def _node(start: Quiet) -> Place:
    settings = start.settings
    answer, halt = await asyncio.gather(
        ask_node(settings.http_host, settings.http_port), asyncio.to_thread(start.halts.glance)
    )
    more: dict[str, Any] = {
        "alive": answer.is_node,
        "health": answer.health,
        "state": answer.state,
        "halt": halt.told(),
    }
    if not answer.is_node:
        dead = f"dead: nothing of it answers at {answer.place} ({answer.trouble})"
        return Place(f"{dead}.", more=more)
    if answer.trader not in ("", settings.id):
        stranger = f"dead: at {answer.place} the node of {answer.trader} answers, which is another"
        more |= {"alive": False, "health": None, "state": None}
        return Place(f"{stranger}.", more=more)
    reason = f": {answer.reason.rstrip('.')}" if answer.reason else ""
    alive = f"alive, pid {(answer.state or {}).get('pid')}, at {answer.stage}{reason}"
    if answer.stage not in HAS_ITS_ROWS:
        return Place(f"{alive}; what it has is not compared yet.", more=more)
    try:
        return Place(f"{alive}.", column_of_rows(node_rows(answer)), more=more)
    except (ArithmeticError, KeyError, TypeError):
        return Place(f"{alive}; what it has cannot be read.", end=ExitCode.REFUSED, more=more)


def node_rows(answer: NodeAnswer) -> Rows:
    """Return what ``GET /state`` tells, as rows."""
    state = answer.state or {}
    return Rows(
        orders=tuple(
            OrderRow(
                client_order_id=each["client_order_id"],
                exchange_order_id=each["exchange_order_id"],
                symbol=each["symbol"],
                type=each["type"],
                side=each["side"],
                status=each["status"],
                quantity=Decimal(each["quantity"]),
                filled=Decimal(each["filled"]),
                reduce_only=each["reduce_only"],
                price=_amount(each["price"]),
                trigger_price=_amount(each["trigger_price"]),
                trade_ids=tuple(each["trade_ids"]),
            )
            for each in state["orders"]
        ),
        positions=tuple(
            PositionRow(each["symbol"], Decimal(each["quantity"]), each["strategy_id"])
            for each in state["positions"]
        ),
        balances=tuple(
            BalanceRow(each["currency"], *(Decimal(each[n]) for n in ("total", "locked", "free")))
            for each in state["balances"]
        ),
    )


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


# -- The store -----------------------------------------------------------------------------------


def _store(settings: Settings) -> Place:
    try:
        found = read_trader(settings)
    except NodeExit as end:
        return Place(end.sentence, end=end.code)
    rows = stored_rows(found.stored)
    closed = sum(order.is_closed for order in rows.orders)
    broken = len(found.stored.put_aside)
    told = f"{counted(len(found.keys), 'key')}, {counted(len(rows.orders), 'order')}"
    told += f" ({closed} closed)"
    unread = f", {counted(broken, 'key')} that cannot be read" if broken else ""
    more = {
        "keys": len(found.keys),
        "format": found.format_name,
        "lease": _lease(settings),
        "memory": memory_of(found),
        "decided": decided(rows.orders),
        "quarantine": [
            {"at": each.stamp, "by": each.by, "keys": len(each.keys), "reasons": list(each.reasons)}
            for each in found.quarantined
        ],
        "unreadable": [each.reason for each in found.stored.put_aside],
    }
    return Place(f"{told}{unread}.", column_of_rows(rows), more=more)


def _lease(settings: Settings) -> dict[str, Any] | None:
    try:
        holder = holder_of(settings)
    except (NodeExit, ValueError) as error:
        return {"trouble": one_line(error)}
    if holder is None:
        return None
    told = {**asdict(holder), "has_ended": has_ended(holder.process), "told": holder.told()}
    del told["process"]
    return told


def memory_of(found: TraderKeys) -> dict[str, str]:
    """Return what strategies remember beyond bars and orders, by name, as far as it is text."""
    values = {}
    for key, raw in found.keys.items():
        name = key.removeprefix(GENERAL)
        is_watch = name.startswith(WATCH_MARK)
        if key.startswith(GENERAL) and not is_watch and isinstance(raw.value, bytes):
            values[name] = shown(raw.value)
    return dict(sorted(values.items()))


def shown(value: bytes) -> str:
    """Return a remembered value as text; where it is none, how long it is and how it begins."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if not text.isprintable():
        more = "…" if len(value) > MOST_BYTES else ""
        return f"{len(value):,} bytes, {value[:MOST_BYTES].hex()}{more}"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def decided(orders: Sequence[OrderRow]) -> list[dict[str, Any]]:
    """Return the newest decisions that left an order, newest first."""
    found: list[tuple[OrderId, OrderRow]] = [
        (parts, order) for order in orders if (parts := parse(order.client_order_id)) is not None
    ]
    found.sort(key=lambda pair: (pair[0].close_seconds, pair[1].born_ns), reverse=True)
    return [
        {
            "client_order_id": order.client_order_id,
            "symbol": order.symbol,
            "bar_close_s": parts.close_seconds,
            "leg": parts.leg.name.lower(),
            "attempt": parts.attempt,
            "status": order.status,
        }
        for parts, order in found[:MOST_DECIDED]
    ]


# -- The exchange --------------------------------------------------------------------------------


async def _exchange(start: Quiet) -> Place:
    requests, symbols = start.requests, start.symbols
    try:
        await check_hosts(start)
        await check_there(start)
        # So that requests carry the exchange's time, whatever this machine's clock says.
        clock = await wrong_clock(requests)
        stands, balances = await asyncio.gather(
            answer_to("what stands there", lambda: standing(requests, symbols)),
            answer_to("the wallet", lambda: _wallet(requests)),
        )
    except NodeExit as end:
        return Place(end.sentence, end=end.code)
    record = ExchangeRecord(0, stands.orders, (), stands.positions, balances)
    column = column_of_exchange(record, start.owners, symbols)
    told = counted(len(record.positions), "position")
    told += f", {counted(len(record.orders), 'working order')}"
    return Place(f"{told}.{f' {clock}.' if clock else ''}", column)


async def _wallet(requests: Requests) -> tuple[BalanceRecord, ...]:
    return read_account(await requests.get("/fapi/v3/account", {}))[1]

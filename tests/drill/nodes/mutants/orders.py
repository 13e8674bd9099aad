"""Bugs in the ids of orders, and in what becomes of those whose fate a kill has left open."""

import secrets
from typing import Any

from drill.nodes.mutants.package import Package

SET_BACK_SECONDS = 480
"""As many bars as a case has before its first order after the restart."""


def random_order_ids(package: Package) -> None:
    """Draws the ids of its orders at random after a restart."""
    if not package.came_back:
        return
    ids = package.order_ids

    def make(owner: str, close_ms: int, leg: Any, attempt: int, slot: int | None = None) -> str:
        drawn = 10**9 + secrets.randbelow(9 * 10**9)
        return str(ids.OrderId(owner, drawn, leg, attempt, slot))

    ids.make = make


def unsent_never_forgotten(package: Package) -> None:
    """Waits for ever for an order that was stored before a kill and never sent."""
    mend = package.mend_symbol.SymbolMend
    stock = mend._mend_unknown

    def mend_unknown(self: Any, name: str, order: Any) -> None:
        if order.is_closed or order.number is not None:
            stock(self, name, order)

    mend._mend_unknown = mend_unknown
    package.without("audit", "account")
    package.unknown_outcomes.UnknownOutcomes._waiting = lambda self: []


def cancelled_never_learned(package: Package) -> None:
    """Never asks what became of an order whose cancelling a kill has cut off."""
    package.without("mend", "audit", "account")
    package.unknown_outcomes.UnknownOutcomes._waiting = lambda self: []
    package.past.Past.has_ended_unheard = lambda self, row: False


def ids_used_again(package: Package) -> None:
    """Names its decisions after a clock that a restart sets back, and asks for no earlier order."""
    if not package.came_back:
        return
    ids, orders = package.order_ids, package.orders

    def make(owner: str, close_ms: int, leg: Any, attempt: int, slot: int | None = None) -> str:
        return str(ids.OrderId(owner, close_ms // 1000 - SET_BACK_SECONDS, leg, attempt, slot))

    async def order_history(self: Any, owner: str) -> Any:
        return orders.OrderHistory({})

    ids.make = make
    orders.SymbolQuestions.order_history = order_history


def sent_again_unasked(package: Package) -> None:
    """Sends an order again when its fate is unknown, without asking what became of it."""
    package.sending.is_unknown = lambda error: False
    package.change_config("_exec_client_config", max_retries=3, retry_delay_initial_ms=10)


def unknown_taken_for_refused(package: Package) -> None:
    """Takes an order whose fate is unknown for refused, and sends its next attempt."""
    package.sending.is_unknown = lambda error: False


def end_believed_before_fill(package: Package) -> None:
    """Invents the fill of a stop that is said to be finished before its fill has come."""
    package.adapter.PatientFinish = lambda client, account, decode, stock, give_up: stock


def lost_fill_not_asked_for(package: Package) -> None:
    """Waits for the lost fill of a stop that has finished, and trades on when it does not come."""

    async def ask_nothing(self: Any, order: Any, end: Any) -> None:
        pass

    package.without("account")
    package.late_fills.PatientFinish._ask = ask_nothing
    package.start.EngineV1._on_missed_fill = lambda self, sentence: None

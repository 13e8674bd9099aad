"""
Puts `unknown_outcomes` in the place of what the adapter and the engine make of unknown outcomes.

The adapter of nautilus_trader 1.231.0 takes a request whose outcome is unknown for one that was
refused. Where adapter and engine ask for an order, or find that a fill is missing, they make the
fill up, without commission and under a number of their own.
"""

from collections.abc import Callable
from typing import Any

from nautilus_trader.adapters.binance import BINANCE
from nautilus_trader.adapters.binance.http.endpoint import BinanceHttpEndpoint
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.identifiers import ClientId

from ...exit_codes import ExitCode, NodeExit
from ...venue.binance.requests import Requests
from .adapter import ACCOUNT, HTTP, LOST_TOPIC, USER_EVENTS, USER_STREAM, existing
from .deaf_stream import DeafStream
from .sending import OutcomeUnknown, careful, stamped
from .unknown_outcomes import UnknownOutcomes

SENDS = ("new_order", "new_algo_order")
SIGN = "sign_request"
HOW_ASKED = "_method_request"
"""By the kind of a request, the client's method that sends it."""
CANCELS = ("cancel_order", "cancel_algo_order")
NEVER_ARRIVED_TOPIC = "orders.never_arrived"
"""Where the client order id of an order is published that was forgotten."""


def hook(
    node: TradingNode,
    requests: Requests,
    say: Callable[[str], None],
    may_infer: Callable[[], bool],
) -> UnknownOutcomes:
    """
    Return what finds out what has become of orders, hooked into a node that has been built.

    Parameters
    ----------
    node : TradingNode
        The node.
    requests : Requests
        How to ask the exchange.
    say : Callable[[str], None]
        As of `UnknownOutcomes`.
    may_infer : Callable[[], bool]
        Whether the engine may make fills up: as long as its reconciliation is not over.

    Raises
    ------
    NodeExit
        With code 1 if adapter or engine no longer have a method that is replaced here.

    """
    client = existing(node.kernel.exec_engine, "_clients")[ClientId(BINANCE)]
    bus = node.kernel.msgbus
    stream = _hook_stream(client, lambda sentence: bus.publish(LOST_TOPIC, sentence))
    outcomes = UnknownOutcomes(
        client,
        requests,
        lambda order: bus.publish(NEVER_ARRIVED_TOPIC, order.client_order_id),
        stream.missed,
        say,
    )
    _hook_requests(client, requests)
    _hook_commands(client, outcomes)
    _hook_inference(node.kernel.exec_engine, outcomes, may_infer)
    return outcomes


def _hook_stream(client: Any, give_up: Callable[[str], None]) -> DeafStream:
    user_stream = existing(client, USER_STREAM)
    existing(user_stream, "_resubscribe")
    stream = DeafStream(user_stream, give_up)
    handlers = existing(client, USER_EVENTS)
    for kind, handler in list(handlers.items()):
        handlers[kind] = stream.hearing(handler)
    return stream


def _hook_requests(client: Any, requests: Requests) -> None:
    account = existing(client, ACCOUNT)
    http = existing(client, HTTP)
    _stamp_all(account, existing(http, SIGN), requests)
    for method in SENDS:
        setattr(account, method, careful(existing(account, method)))
    for method in CANCELS:
        setattr(account, method, careful(existing(account, method), is_cancel=True))


def _stamp_all(account: Any, sign: Any, requests: Requests) -> None:
    """
    Let whatever an account signs carry the time and the window that `requests` knows.

    Raises
    ------
    NodeExit
        With code 1 if the adapter does not sign in the way that is known.

    """
    # Each endpoint has kept the client's method when it was made: another one at the client itself
    # would never be called.
    endpoints = [each for each in vars(account).values() if isinstance(each, BinanceHttpEndpoint)]
    found = False
    for table in (existing(endpoint, HOW_ASKED) for endpoint in endpoints):
        for kind in [kind for kind, ask in table.items() if ask == sign]:
            table[kind] = stamped(sign, requests.clock)
            found = True
    if not found:
        raise NodeExit(
            ExitCode.DEFECT,
            "The exchange adapter signs in another way than before; this package mends version "
            "1.231.0 of nautilus_trader: install that version or review outcome_hooks.py.",
        )


def _hook_commands(client: Any, outcomes: UnknownOutcomes) -> None:
    stock_submit = existing(client, "_submit_order")
    stock_cancel = existing(client, "_cancel_order")
    existing(client, "_query_order")

    async def submit(command: Any) -> None:
        try:
            await stock_submit(command)
        except OutcomeUnknown as error:
            outcomes.failed(command.order, error)

    async def cancel(command: Any) -> None:
        order = client._cache.order(command.client_order_id)
        try:
            await stock_cancel(command)
        except OutcomeUnknown as error:
            outcomes.failed(order, error)

    async def query(command: Any) -> None:
        order = client._cache.order(command.client_order_id)
        if order is not None:
            outcomes.find_out(order)

    client._submit_order, client._cancel_order = submit, cancel
    client._query_order = query


def _hook_inference(engine: Any, outcomes: UnknownOutcomes, may_infer: Callable[[], bool]) -> None:
    stock = existing(engine, "_generate_inferred_fill")

    def ask_instead(order: Any, *more: Any) -> Any:
        if may_infer():
            return stock(order, *more)
        outcomes.find_out(order)
        raise ValueError("it is asked for by its own number")

    engine._generate_inferred_fill = ask_instead

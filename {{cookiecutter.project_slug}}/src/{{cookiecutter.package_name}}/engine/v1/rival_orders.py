"""Hear of orders under this node's ids that this node has not sent; `plan.rivals` says why."""

import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from nautilus_trader.adapters.binance import BINANCE
from nautilus_trader.adapters.binance.futures.enums import BinanceFuturesEventType
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.identifiers import ClientId, ClientOrderId

from ...exit_codes import NodeExit
from ...plan.order_ids import parse
from ...plan.rivals import Rival, Rivals
from ...venue.binance.requests import LATE_SECONDS
from ...venue.binance.signing_clock import SigningClock
from ..rival_end import rival_end
from .adapter import ACCOUNT, ALGO_DECODER, USER_EVENTS, existing

ORDER, CONDITIONAL = "order", "conditional"
ORDER_DECODER = "_decoder_futures_order_update"
QUIET_SECONDS = 2 * LATE_SECONDS
"""What an earlier life of this node has sent may still arrive for so long."""

type Send = Callable[..., Awaitable[Any]]
type Tell = Callable[[NodeExit], None]


def hear_rivals(
    node: TradingNode, owners: Collection[str], clock: SigningClock, tell: Tell
) -> None:
    """
    End the node when another one sends orders under its ids.

    Parameters
    ----------
    node : TradingNode
        The engine, built and not started.
    owners : Collection[str]
        What the ids of this node begin with.
    clock : SigningClock
        Knows whether this node may trade. One whose lease has ended hears of the orders of the one
        that has taken over, from the same store, and the lease says so.
    tell : Callable[[NodeExit], None]
        Takes how the node ends.

    Raises
    ------
    NodeExit
        With code 1 if the adapter no longer has a method that is heard here.

    """
    client = existing(node.kernel.exec_engine, "_clients")[ClientId(BINANCE)]
    _Hearing(client, owners, clock, tell).begin()


class _Hearing:
    """The requests and events of one client."""

    def __init__(
        self, client: Any, owners: Collection[str], clock: SigningClock, tell: Tell
    ) -> None:
        self._client = client
        self._clock = clock
        self._owners = frozenset(owners)
        self._tell = tell
        self._quiet_until = time.monotonic() + QUIET_SECONDS
        self._rivals = Rivals(self._is_own, self._knows)

    def begin(self) -> None:
        account, handlers = existing(self._client, ACCOUNT), existing(self._client, USER_EVENTS)
        account.new_order = self._sending(
            ORDER, "new_client_order_id", "orderId", existing(account, "new_order")
        )
        account.new_algo_order = self._sending(
            CONDITIONAL, "client_algo_id", "algoId", existing(account, "new_algo_order")
        )
        order, algo = (
            existing(self._client, decoder).decode for decoder in (ORDER_DECODER, ALGO_DECODER)
        )
        kinds = BinanceFuturesEventType
        stock_order, stock_algo = (
            handlers[kind] for kind in (kinds.ORDER_TRADE_UPDATE, kinds.ALGO_UPDATE)
        )

        def hear_order(raw: bytes) -> None:
            told = order(raw).o
            if self._heard(ORDER, told.c, told.i):
                stock_order(raw)

        def hear_algo(raw: bytes) -> None:
            told = algo(raw).o
            if self._heard(CONDITIONAL, told.caid, told.aid):
                stock_algo(raw)

        handlers[kinds.ORDER_TRADE_UPDATE] = hear_order
        handlers[kinds.ALGO_UPDATE] = hear_algo

    def _sending(self, kind: str, names: str, numbers: str, send: Send) -> Send:
        """Return `send`, which takes up what is sent, and the number in the answer."""

        async def noting(*args: Any, **kwargs: Any) -> Any:
            name = kwargs.get(names) or ""
            self._rivals.sends(kind, name)
            answer = await send(*args, **kwargs)
            number = getattr(answer, numbers, None)
            if number is not None:
                self._end(self._rivals.answered(kind, name, int(number)), name)
            return answer

        return noting

    def _heard(self, kind: str, name: str, number: int) -> bool:
        """Return whether an event is this node's to take up."""
        rival = self._rivals.heard(kind, name, number)
        if rival is Rival.NONE:
            return True
        return self._end(rival, name)

    def _end(self, rival: Rival, name: str) -> bool:
        """End the node if another one was heard; return whether none was."""
        is_quiet = time.monotonic() < self._quiet_until or self._clock.allowed() <= 0
        if rival is Rival.NONE or is_quiet:
            return True
        self._tell(rival_end(rival, name))
        return False

    def _is_own(self, name: str) -> bool:
        parts = parse(name)
        return parts is not None and parts.owner in self._owners

    def _knows(self, name: str) -> bool:
        return self._client._cache.order(ClientOrderId(name)) is not None

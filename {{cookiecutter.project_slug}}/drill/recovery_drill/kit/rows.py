"""The engine's cache as the document that the drill reads at ``/state``."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from nautilus_trader.live.node import TradingNode
    from nautilus_trader.model.data import BarType
    from nautilus_trader.model.identifiers import InstrumentId
    from nautilus_trader.model.orders import Order

PERPETUAL = "-PERP"
BARS = "data.bars."
AWAITING = frozenset({"INITIALIZED", "SUBMITTED", "RELEASED", "PENDING_UPDATE", "PENDING_CANCEL"})
"""The statuses of orders of which something is on its way."""


def symbol_of(instrument_id: "InstrumentId") -> str:
    """Return a perpetual contract's symbol as the exchange writes it."""
    return str(instrument_id.symbol.value).removesuffix(PERPETUAL)


class Rows:
    """What a node's engine has, asked of its cache alone.

    Parameters
    ----------
    node : TradingNode
        Built, and perhaps not started.

    """

    def __init__(self, node: "TradingNode") -> None:
        self._node = node
        self._kept: dict[str, tuple[int, dict[str, Any]]] = {}

    def orders(self) -> list[dict[str, Any]]:
        """Return a row for each order, open or closed."""
        return [self._order(order) for order in self._node.cache.orders()]

    def _order(self, order: "Order") -> dict[str, Any]:
        # An order changes with an event only, and there are many that have ended.
        name, events = order.client_order_id.value, order.event_count
        kept = self._kept.get(name)
        if kept is None or kept[0] != events:
            kept = self._kept[name] = (events, _order_row(order))
        return kept[1]

    def positions(self) -> list[dict[str, Any]]:
        """Return a row for each open position."""
        return [
            {
                "symbol": symbol_of(position.instrument_id),
                "quantity": str(position.signed_decimal_qty()),
                "strategy_id": position.strategy_id.value,
            }
            for position in self._node.cache.positions_open()
        ]

    def bars(self) -> "list[tuple[str, BarType]]":
        """Return which bars are heard, each with the tag of who hears them."""
        from nautilus_trader.model.data import BarType

        heard = []
        for row in self._node.kernel.msgbus.subscriptions(f"{BARS}*"):
            owner = getattr(row.handler, "__self__", None)
            if owner is None or not row.topic.startswith(BARS) or "*" in row.topic:
                continue
            tag = str(getattr(owner, "order_id_tag", "") or getattr(owner, "id", ""))
            heard.append((tag, BarType.from_str(row.topic.removeprefix(BARS))))
        return heard

    def traded(self) -> list[dict[str, Any]]:
        """Return what is traded, as far as bars that are heard tell it."""
        return [
            {
                "tag": tag,
                "symbol": symbol_of(bar_type.instrument_id),
                "bar_seconds": int(bar_type.spec.timedelta.total_seconds()),
                # How many bars a strategy needs, nobody but its author knows: the policy says it.
                "window": 0,
            }
            for tag, bar_type in self.bars()
        ]

    def pending(self) -> int:
        """Count questions for history that have had no answer."""
        trader = self._node.kernel.trader
        askers = [*trader.strategies(), *trader.actors()]
        return sum(len(asker.pending_requests()) for asker in askers)

    def queued(self) -> int:
        """Count what waits in the engine's own queues."""
        kernel = self._node.kernel
        data, risk, orders = kernel.data_engine, kernel.risk_engine, kernel.exec_engine
        waiting = (
            *(data.cmd_qsize(), data.req_qsize(), data.res_qsize(), data.data_qsize()),
            *(risk.cmd_qsize(), risk.evt_qsize(), orders.cmd_qsize(), orders.evt_qsize()),
        )
        return sum(cast("Iterable[int]", waiting))


def _order_row(order: "Order") -> dict[str, Any]:
    return {
        "client_order_id": order.client_order_id.value,
        "exchange_order_id": order.venue_order_id.value if order.venue_order_id else None,
        "symbol": symbol_of(order.instrument_id),
        "type": order.order_type.name,
        "side": order.side.name,
        "quantity": str(order.quantity),
        "filled": str(order.filled_qty),
        "status": order.status.name,
        "reduce_only": order.is_reduce_only,
        "price": str(order.price) if order.has_price else None,
        "trigger_price": str(order.trigger_price) if order.has_trigger_price else None,
        "trade_ids": [trade_id.value for trade_id in order.trade_ids],
        "reason": str(getattr(order.last_event, "reason", "")),
    }

"""Brings the orders and the position of one traded symbol to what the exchange has."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import uuid4

import msgspec

from ...plan.order_ids import leg_of
from ...venue.records import ExchangeRecord, TradeRecord
from ..known import Fate, KnownOrder, Share, in_order, known_orders, since_flat
from .event_pen import Maker
from .events import BadEvent, OrderFilled
from .fills import is_fill_of, told, trade_of
from .mended_orders import agrees, gone, is_same, mended
from .plan_writes import PlanWriter
from .stored import Stored, StoredPosition
from .stored_orders import StoredOrder

NS_PER_MS = 1_000_000
CENT = Decimal("0.00000001")


class SymbolMend:
    """
    One symbol's mend.

    Parameters
    ----------
    stored : Stored
        What the store holds.
    record : ExchangeRecord
        What the exchange says.
    symbol : str
        As the exchange writes it.
    maker : Maker
        Makes the events of its owner.
    pen : PlanWriter
        Takes what is to be written.

    """

    def __init__(
        self, stored: Stored, record: ExchangeRecord, symbol: str, maker: Maker, pen: PlanWriter
    ) -> None:
        self._stored = stored
        self._record = record
        self._symbol = symbol
        self._maker = maker
        self._pen = pen
        self._known = known_orders(record, symbol)
        self._trades = in_order(each for each in record.trades if each.symbol == symbol)
        self._trade_ids = {trade.trade_id for trade in self._trades}
        self._held = sum(
            (each.quantity for each in record.positions if each.symbol == symbol), Decimal(0)
        )
        self._orders = {
            name: order
            for name, order in stored.orders.items()
            if order.init.instrument_id == maker.instrument_id
        }
        self._fills: dict[str, OrderFilled] = {}

    def mend(self) -> None:
        """Mend the orders, then the position that their fills make."""
        if self._maker.instrument is None and not self._has_anything():
            return  # new to the store: the engine begins with what the exchange has
        self._mend_orders()
        self._mend_position()

    def _has_anything(self) -> bool:
        broken = self._stored.broken_orders
        is_held = self._maker.position_id in self._stored.positions
        return bool(self._orders) or is_held or any(name in broken for name in self._known)

    # -- Orders --------------------------------------------------------------------------------

    def _mend_orders(self) -> None:
        for name, order in sorted(self._orders.items()):
            known = self._known.get(name)
            if known is None:
                self._mend_unknown(name, order)
            elif order.init.strategy_id != self._maker.strategy:
                self._mend_stranger(name, order, known)
            else:
                self._mend_known(name, order, known)
        for name, known in self._known.items():
            if name not in self._orders and self._belongs(known):
                self._adopt(name, known)
        for order in self._orders.values():
            self._fills |= {fill.trade_id: fill for fill in order.fills}

    def _belongs(self, known: KnownOrder) -> bool:
        """
        Return whether an order has to be in the store.

        One that works or has filled has to be, whoever sent it. One that has ended without a fill
        has to be when it is the node's own: it is something that the node has done.
        """
        if known.trades or known.is_open:
            return True
        is_own = leg_of(known.name, self._maker.owner) is not None
        return is_own and known.fate is not Fate.FILLED and known.told_filled == 0

    def _mend_unknown(self, name: str, order: StoredOrder) -> None:
        """Mend an order that the exchange does not know, or not any more."""
        if order.is_closed:
            if _is_invented(order):
                self._remove(name, f"The order {name} was invented by the engine")
            return
        self._pen.unknown[name] = order.number is None
        if order.number is None:
            del self._orders[name]
            self._pen.forget_order(name)
            self._pen.mended.append(f"The order {name} was stored and never sent: forgotten.")
            return
        if _is_invented(order):
            self._remove(name, f"The order {name} was invented by the engine")
            return
        numbers = {getattr(event, "venue_order_id", None) for event in order.events}
        own = [trade for trade in self._trades if trade.exchange_order_id in numbers]
        before = [trade_of(fill, self._symbol) for fill in order.fills if self._is_past(fill)]
        trades = in_order([*before, *own])
        known = gone(order, self._symbol, trades, self._record.at_ms)
        self._rewrite(name, order, known, "; the exchange has it no more")

    def _mend_stranger(self, name: str, order: StoredOrder, known: KnownOrder) -> None:
        """Take over what works, or has made the position, under the name of another strategy."""
        makes = {share.trade.trade_id for share in self._shares() or ()} if self._held else set()
        if known.is_open or any(trade.trade_id in makes for trade in known.trades):
            self._pen.set_aside(
                f"orders:{name}",
                f"The order {name} was {order.init.strategy_id}'s; what it does on "
                f"{self._symbol} is {self._maker.strategy}'s now",
            )
            del self._orders[name]
            self._adopt(name, known)

    def _mend_known(self, name: str, order: StoredOrder, known: KnownOrder) -> None:
        whole = self._with_all_trades(order, known)
        if whole is None:
            if not (order.is_closed and order.filled == known.told_filled):
                self._contradiction(name, known)
        elif not is_same(order, whole, self._maker):
            self._pen.set_aside(
                f"orders:{name}", f"The order {name} is another one at the exchange"
            )
            self._rewrite(name, None, whole, "")
        elif not agrees(order, whole):
            self._rewrite(name, order, whole, "")

    def _adopt(self, name: str, known: KnownOrder) -> None:
        whole = self._with_all_trades(None, known)
        if whole is None:
            self._contradiction(name, known)
            return
        self._rewrite(name, self._stored.broken_orders.get(name), whole, "")

    def _rewrite(
        self, name: str, order: StoredOrder | None, known: KnownOrder, because: str
    ) -> None:
        try:
            now = mended(order, known, self._maker)
        except BadEvent as fault:
            self._pen.left.append(f"The order {name} {fault}; it is left to the engine.")
            return
        self._orders[name] = now
        self._pen.order(now, self._maker.position_id)
        was = "not there" if order is None else f"{order.status} with {order.filled} filled"
        self._pen.mended.append(
            f"The order {name} was {was} in the store and is {now.status} with {now.filled} "
            f"filled{because}."
        )

    def _remove(self, name: str, reason: str) -> None:
        del self._orders[name]
        self._pen.set_aside(f"orders:{name}", reason)
        self._pen.forget_indexes(name)

    def _contradiction(self, name: str, known: KnownOrder) -> None:
        """Note an order whose fills do not add up to what the exchange says of it."""
        told = known.first.quantity if known.fate is Fate.FILLED else known.told_filled
        since_ms = self._record.since_ms.get(self._symbol)
        if since_ms is None or known.first.created_ms < since_ms:
            self._pen.left.append(
                f"The order {name} is older than what the exchange tells of; it is left to the "
                "engine."
            )
            return
        self._pen.unexplained.append(
            f"The exchange says that the order {name} has filled {told}, and tells of fills of "
            f"{known.filled}."
        )

    def _with_all_trades(self, order: StoredOrder | None, known: KnownOrder) -> KnownOrder | None:
        """Return what is known with every fill of it; the store may have those of long ago."""
        told = known.told_filled
        if known.last.kind == "conditional":
            told = max(told, known.filled)
        if known.fate is Fate.FILLED:
            told = max(told, known.first.quantity)
        if known.filled == told:
            return known
        has = {trade.trade_id for trade in known.trades}
        fills = order.fills if order is not None else []
        past = [
            trade_of(fill, self._symbol)
            for fill in fills
            if fill.trade_id not in has and self._is_past(fill)
        ]
        whole = replace(known, trades=tuple(in_order([*past, *known.trades])))
        return whole if whole.filled == told else None

    def _is_past(self, fill: OrderFilled) -> bool:
        """Return whether a fill is older than what the exchange has told of, and real."""
        since_ms = self._record.since_ms.get(self._symbol)
        at_ms = round(int(fill.ts_event) / NS_PER_MS)
        return fill.trade_id.isdigit() and since_ms is not None and at_ms < since_ms

    # -- The position --------------------------------------------------------------------------

    def _shares(self) -> list[Share] | None:
        return since_flat(self._all_trades(), self._held)

    def _all_trades(self) -> list[TradeRecord]:
        """Return the exchange's trades, after those that only the store still has."""
        position = self._position()
        fills = {
            fill.trade_id: fill
            for source in (*(order.fills for order in self._orders.values()), position.fills)
            for fill in source
            if fill.trade_id not in self._trade_ids and self._is_past(fill)
        }
        return in_order([*(trade_of(each, self._symbol) for each in fills.values()), *self._trades])

    def _position(self) -> StoredPosition:
        return self._stored.positions.get(self._maker.position_id) or StoredPosition([], [])

    def _mend_position(self) -> None:
        self._put_aside_others()
        name, position = self._maker.position_id, self._position()
        if not self._held and not position.quantity:
            return
        shares = self._shares()
        events = None if shares is None else self._events(shares, position)
        if events is None and self._held:
            if position.quantity == self._held and self._is_explained(position):
                return
            self._pen.cold.append(
                f"The exchange holds {self._held} of {self._symbol}, and neither its trades nor "
                "the store say how that came about"
            )
            return
        if self._maker.instrument is None:
            # The engine drops a position whose instrument it has not; one that is closed may go.
            events = None
        if events is None and self._held:
            self._pen.cold.append(
                f"The store has no readable instrument for {self._symbol}, and the engine drops a "
                "position whose instrument is not stored"
            )
            self._pen.is_cold_for_good = True
            return
        events = events or []
        for fill, _ in events:
            if self._stored.hashes.get("order_position", {}).get(fill.client_order_id) != name:
                self._pen.place(fill.client_order_id, name)
        if [told(fill) for fill, _ in events] == [told(fill) for fill in position.fills]:
            return
        self._pen.position(name, [raw for _, raw in events], is_open=bool(self._held))
        self._pen.mended.append(
            f"The position in {self._symbol} was {position.quantity} in the store by "
            f"{len(position.fills)} fills and is {self._held} by {len(events)}."
        )

    def _is_explained(self, position: StoredPosition) -> bool:
        """Return whether every trade that the exchange tells of is in the position or before it."""
        if not position.fills:
            return False
        has = {fill.trade_id for fill in position.fills}
        first_ms = min(int(fill.ts_event) for fill in position.fills) // NS_PER_MS
        return all(t.trade_id in has or t.at_ms < first_ms for t in self._trades)

    def _put_aside_others(self) -> None:
        """Put aside open positions in the symbol that are stored under other names."""
        for name, position in self._stored.positions.items():
            first = position.fills[0]
            is_here = first.instrument_id == self._maker.instrument_id
            if is_here and name != self._maker.position_id and position.quantity:
                self._pen.set_aside(
                    f"positions:{name}",
                    f"The position {name} is {first.strategy_id}'s; what is held of "
                    f"{self._symbol} is {self._maker.strategy}'s now",
                )

    def _events(
        self, shares: Sequence[Share], position: StoredPosition
    ) -> list[tuple[OrderFilled, bytes]] | None:
        """Return the fills that a position consists of; ``None`` when one of them is not known."""
        has = {
            fill.trade_id: (fill, raw)
            for fill, raw in zip(position.fills, position.raw, strict=True)
        }
        found = []
        for share in shares:
            trade = share.trade
            whole = self._fills.get(trade.trade_id)
            stored = has.get(trade.trade_id)
            if stored is not None and (
                Decimal(stored[0].last_qty) == share.quantity
                and Decimal(stored[0].last_px) == trade.price
                and stored[0].order_side == trade.side
                and (not share.is_whole or is_fill_of(stored[0], trade))
                and (whole is None or stored[0].client_order_id == whole.client_order_id)
            ):
                found.append(stored)
            elif whole is None:
                return None
            else:
                fill = whole if share.is_whole else self._split(whole, share)
                fill = msgspec.structs.replace(fill, position_id=self._maker.position_id)
                found.append((fill, self._maker.codec.encoded_fill(fill)))
        return found

    def _split(self, fill: OrderFilled, share: Share) -> OrderFilled:
        """Return the part of a fill that has opened the position, as the engine splits it."""
        paid, _, asset = fill.commission.partition(" ")
        part = (Decimal(paid) * share.quantity / share.trade.quantity).quantize(
            CENT, ROUND_HALF_EVEN
        )
        return msgspec.structs.replace(
            fill,
            last_qty=self._maker.quantity(share.quantity),
            commission=f"{part} {asset}",
            event_id=str(uuid4()),
        )


def _is_invented(order: StoredOrder) -> bool:
    """Return whether the engine made an order up: the exchange's own numbers are digits."""
    return order.number is not None and not order.number.isdigit()

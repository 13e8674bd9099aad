"""
What the engine has, as far as its thread has told: what everybody but the engine itself looks at.

An order that has been handed to the engine stands here at once, so that nobody sends it twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from ...plan.rows import BalanceRow, FillRow, OrderRow, PositionRow, Rows
from ...plan.situation import Submit
from .heard import InstrumentSeen, OrderSeen, PositionSeen, Seen


class Mirror:
    """A copy of the engine's cache, in rows."""

    def __init__(self) -> None:
        self.orders: dict[str, OrderSeen] = {}
        self.positions: dict[str, PositionSeen] = {}
        self.instruments: dict[str, InstrumentSeen] = {}
        self.last_fills: list[FillRow] = []
        self._balances: Sequence[BalanceRow] = ()
        self._standing: set[str] = set()
        self._hidden: set[str] = set()
        self._handed: dict[str, OrderRow] = {}
        self._numbers: dict[str, str] = {}

    def take(self, seen: Seen) -> None:
        """Take up what is new."""
        self.instruments.update(seen.instruments)
        if seen.last_fills:
            self.last_fills = list(seen.last_fills)
        for name, order in seen.orders.items():
            self._handed.pop(name, None)
            if order is None:
                self.drop(name)
                continue
            self.orders[name] = order
            if order.row.exchange_order_id is not None:
                self._numbers[order.row.exchange_order_id] = name
            if order.row.is_closed:
                self._standing.discard(name)
            else:
                self._standing.add(name)
        if seen.positions is not None:
            self.positions = {each.name: each for each in seen.positions}
        if seen.balances is not None:
            self._balances = seen.balances

    def drop(self, name: str) -> None:
        """Take up that the engine does not have an order any more."""
        order = self.orders.pop(name, None)
        if order is not None and order.row.exchange_order_id is not None:
            self._numbers.pop(order.row.exchange_order_id, None)
        self._standing.discard(name)
        self._hidden.discard(name)

    def hand(self, order: Submit, symbol: str, born_ns: int) -> None:
        """Take up that an order has been handed to the engine."""
        name, kind = order.client_order_id, "MARKET"
        if order.trigger_price is not None:
            kind = "STOP_MARKET"
        elif order.price is not None:
            kind = "LIMIT"
        self._hidden.discard(name)
        self._handed[name] = OrderRow(
            client_order_id=name,
            exchange_order_id=None,
            symbol=symbol,
            type=kind,
            side="BUY" if order.quantity > 0 else "SELL",
            status="INITIALIZED",
            quantity=abs(order.quantity),
            filled=Decimal(0),
            reduce_only=order.reduce_only,
            price=order.price,
            trigger_price=order.trigger_price,
            born_ns=born_ns,
        )

    def hide(self, name: str) -> None:
        """Take up that an order never arrived: it is none, whatever the engine makes of it."""
        self._hidden.add(name)
        self._handed.pop(name, None)

    # -- What there is -----------------------------------------------------------------------------

    def is_hidden(self, name: str) -> bool:
        """Return whether an order never arrived."""
        return name in self._hidden

    def order(self, name: str) -> OrderRow | None:
        """Return an order, closed ones included; ``None`` when there is none."""
        if name in self._hidden:
            return None
        if name in self._handed:
            return self._handed[name]
        found = self.orders.get(name)
        return None if found is None else found.row

    def name_of(self, number: str) -> str | None:
        """Return the client order id of an exchange's number."""
        return self._numbers.get(number)

    def standing(self) -> list[OrderRow]:
        """Return the orders that have not ended."""
        rows = (self.orders[n].row for n in sorted(self._standing) if n not in self._hidden)
        kept = [row for row in rows if row.client_order_id not in self._handed]
        return [*kept, *self._handed.values()]

    def standing_rows(self) -> Rows:
        """Return everything but the orders that have ended."""
        return self._rows(self.standing())

    def rows(self) -> Rows:
        """Return everything."""
        if not (self._handed or self._hidden):
            return self._rows(each.row for each in self.orders.values())
        skipped = self._handed.keys() | self._hidden
        kept = [each.row for name, each in self.orders.items() if name not in skipped]
        return self._rows([*kept, *self._handed.values()])

    def _rows(self, orders: Iterable[OrderRow]) -> Rows:
        positions = tuple(each.row for each in self.positions.values())
        return Rows(orders=tuple(orders), positions=positions, balances=tuple(self._balances))

    def position(self, symbol: str) -> PositionRow | None:
        """Return what is held of a symbol; ``None`` when nothing is."""
        rows = [each.row for each in self.positions.values() if each.row.symbol == symbol]
        # The exchange has one a symbol; where the engine has split it, the sum is what is held.
        quantity = sum((row.quantity for row in rows), Decimal(0))
        return replace(rows[0], quantity=quantity) if quantity else None

    def balance(self, currency: str) -> Decimal | None:
        """Return what the wallet holds of a currency; ``None`` if not told yet."""
        return next((each.total for each in self._balances if each.currency == currency), None)

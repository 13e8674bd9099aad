"""
Put what node, store and exchange have side by side. Pure functions.

Each place is a `Column`: what it holds under a name, and in which form that is compared. A place
that could not be asked has no column; a name that a column does not have is nothing there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ...plan.order_ids import parse
from ...plan.rows import OrderRow, Rows
from ...venue.binance.rows import WORKING
from ...venue.records import ExchangeRecord, OrderRecord

PLACES = ("node", "store", "exchange")
NOTHING = "-"
MONEY = Decimal("0.00000001")
"""Money is kept to eight decimals."""

type Key = tuple[str, str]
"""What it is, and its name: ``("position", "BTCUSDT")``."""
type Compared = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """
    What one place holds under a name.

    Parameters
    ----------
    text : str
        For people.
    compared : Compared
        What must be the same everywhere; ``None`` in it is not told, and is compared with nothing.
    is_own : bool
        Whether it is the node's own; what is not is shown and not compared.

    """

    text: str
    compared: Compared
    is_own: bool = True


type Column = Mapping[Key, Cell]


@dataclass(frozen=True, slots=True)
class Line:
    """
    One thing at every place.

    Parameters
    ----------
    what, name : str
        ``position``, ``order`` or ``wallet``, and which one.
    cells : Mapping[str, str]
        By place what it holds, for people; only places that could be asked.
    differs : bool
        Whether they do not agree.
    is_own : bool
        Whether it is the node's own.

    """

    what: str
    name: str
    cells: Mapping[str, str] = field(default_factory=dict)
    differs: bool = False
    is_own: bool = True

    @property
    def sentence(self) -> str:
        """What every place holds, in a sentence."""
        told = ", ".join(f"{text if text != NOTHING else 'nothing'} {_at(place)}"
                         for place, text in self.cells.items())  # fmt: skip
        return f"The {self.what} {self.name} is not the same everywhere: {told}."


def _at(place: str) -> str:
    return {"node": "in the node", "store": "in the store"}.get(place, "at the exchange")


def lines(columns: Mapping[str, Column]) -> list[Line]:
    """Return everything that any place holds, and where they differ."""
    keys = sorted({key for column in columns.values() for key in column}, key=_order)
    return [_line(key, columns) for key in keys]


def _order(key: Key) -> tuple[int, str]:
    return ("position", "order", "wallet").index(key[0]), key[1]


def _line(key: Key, columns: Mapping[str, Column]) -> Line:
    found = {place: columns[place].get(key) for place in PLACES if place in columns}
    is_own = all(cell.is_own for cell in found.values() if cell is not None)
    cells = {place: NOTHING if cell is None else cell.text for place, cell in found.items()}
    return Line(*key, cells, is_own and _differ(list(found.values())), is_own)


def _differ(cells: Sequence[Cell | None]) -> bool:
    there = [cell.compared for cell in cells if cell is not None]
    if len(there) < len(cells):
        return True
    return any(len({value for value in values if value is not None}) > 1
               for values in zip(*there, strict=True))  # fmt: skip


def column_of_rows(rows: Rows) -> Column:
    """Return what node or store has, as rows: open positions, unfinished orders, the wallet."""
    found: dict[Key, Cell] = {}
    held: dict[str, Decimal] = {}
    for position in rows.positions:
        held[position.symbol] = held.get(position.symbol, Decimal(0)) + position.quantity
    for symbol, quantity in held.items():
        if quantity:
            found["position", symbol] = Cell(f"{quantity:+}", (quantity,))
    for order in rows.orders:
        if not order.is_closed:
            found["order", order.client_order_id] = _row_cell(order)
    for balance in rows.balances:
        if balance.total:
            found["wallet", balance.currency] = _wallet(balance.total)
    return found


def column_of_exchange(
    record: ExchangeRecord, owners: Collection[str], symbols: Collection[str]
) -> Column:
    """Return what the exchange has, and of each thing whether it is the node's own."""
    found: dict[Key, Cell] = {}
    for position in record.positions:
        is_own = position.symbol in symbols
        cell = Cell(f"{position.quantity:+}", (position.quantity,), is_own)
        found["position", position.symbol] = cell
    for order in record.orders:
        if order.status in WORKING:
            found["order", order.client_order_id] = _record_cell(order, owners)
    for balance in record.balances:
        found["wallet", balance.asset] = _wallet(balance.wallet)
    return found


def _row_cell(order: OrderRow) -> Cell:
    text = _told(order.side, order.quantity, order.price, order.trigger_price)
    return Cell(f"{text} {order.status}", _compared(order))


def _record_cell(order: OrderRecord, owners: Collection[str]) -> Cell:
    parts = parse(order.client_order_id)
    text = _told(order.side, order.quantity, order.price, order.trigger_price)
    is_own = parts is not None and parts.owner in owners
    return Cell(f"{text} {order.status}", _compared(order), is_own)


def _told(side: str, quantity: Decimal, price: Decimal | None, trigger: Decimal | None) -> str:
    at = "".join(f" {word} {value}" for word, value in (("at", price), ("stop", trigger)) if value)
    return f"{side} {quantity}{at}"


def _compared(order: OrderRow | OrderRecord) -> Compared:
    """Return what must agree; a quantity of zero is that of an order that closes all."""
    return (order.side, order.quantity or None, order.filled, order.price, order.trigger_price,
            order.reduce_only)  # fmt: skip


def _wallet(amount: Decimal) -> Cell:
    amount = amount.quantize(MONEY)
    return Cell(f"{amount.normalize():f}", (amount,))

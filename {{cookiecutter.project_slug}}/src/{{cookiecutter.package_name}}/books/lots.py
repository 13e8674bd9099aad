"""
What is held and what it has cost, by two ways of matching. Pure functions.

By average cost, as the exchange itself counts, all that is held of a symbol is one lot. First in,
first out, each fill that opens is a lot, and what closes takes the oldest. A lot carries what was
paid for it since: its commission, and its share of each funding.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from ..venue.records import IncomeRecord
from .fills import UNIT, ZERO, Fill, Part, in_order, split
from .trades import add

MOST_NAMED = 20
"""A position that is never flat for a year would name a hundred thousand fills in each row."""


class Method(StrEnum):
    """How what closes is matched with what has opened."""

    AVERAGE = "average"
    FIFO = "fifo"


@dataclass(slots=True)
class Lot:
    """
    A part of a position.

    Parameters
    ----------
    symbol : str
        Of what.
    quantity : Decimal
        What is left of it; negative is short.
    price : Decimal, optional
        Of one coin; ``None`` when its opening is told by nobody.
    opened_ms : int, optional
        When its first coin was.
    who : str
        Whose fill that was.
    fees, funding : dict[str, Decimal]
        By asset, what was booked for what is left; what was paid is negative.
    orders, trades : list[str]
        Client order ids and numbers of the fills that have opened it; the first `MOST_NAMED`.
    unnamed : int
        How many fills more there were.

    """

    symbol: str
    quantity: Decimal
    price: Decimal | None
    opened_ms: int | None
    who: str
    fees: dict[str, Decimal] = field(default_factory=dict)
    funding: dict[str, Decimal] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)
    trades: list[str] = field(default_factory=list)
    unnamed: int = 0

    def copy(self) -> "Lot":
        """Return it as it is now."""
        return Lot(
            self.symbol, self.quantity, self.price, self.opened_ms, self.who, dict(self.fees),
            dict(self.funding), list(self.orders), list(self.trades), self.unnamed,
        )  # fmt: skip

    @property
    def basis(self) -> Decimal:
        """What it has cost; of a short one what it has brought, negative."""
        return self.quantity * (self.price or ZERO)

    def take(self, quantity: Decimal) -> "Lot":
        """Take a part out, with its share of what was booked, and return it."""
        part = self.copy()
        part.quantity = quantity
        is_all = quantity == self.quantity
        for mine, its in ((self.fees, part.fees), (self.funding, part.funding)):
            for asset, amount in mine.items():
                share = amount if is_all else (amount * quantity / self.quantity).quantize(UNIT)
                its[asset], mine[asset] = share, amount - share
        self.quantity -= quantity
        return part


@dataclass(frozen=True, slots=True)
class Closed:
    """
    A part of a position that was closed.

    Parameters
    ----------
    lot : Lot
        What it was, with what was booked until then.
    fill : Fill
        What has closed it.
    realized : Decimal
        What it has won before costs, by the method.
    fees : dict[str, Decimal]
        By asset, its share of the commission of the fill that has closed it; paid is negative.

    """

    lot: Lot
    fill: Fill
    realized: Decimal
    fees: dict[str, Decimal]

    @property
    def entry(self) -> Decimal:
        """The price at which it was opened: what the result was counted from."""
        return self.fill.price - self.realized / self.lot.quantity


class Ledger:
    """
    The lots of one symbol.

    Parameters
    ----------
    method : Method
        How what closes is matched.
    symbol : str
        Of what.
    held : Decimal
        What was held before everything that is told.

    """

    def __init__(self, method: Method, symbol: str, held: Decimal = ZERO) -> None:
        self._method = method
        self._symbol = symbol
        self.lots: deque[Lot] = deque()
        self.is_whole = not held
        """Whether the opening of everything is told."""
        if held:
            self.lots.append(Lot(symbol, held, None, None, ""))

    @property
    def held(self) -> Decimal:
        """What is held now."""
        return sum((lot.quantity for lot in self.lots), ZERO)

    @property
    def basis(self) -> Decimal:
        """What all of it has cost."""
        return sum((lot.basis for lot in self.lots), ZERO)

    def snapshot(self) -> list[Lot]:
        """Return the lots as they are now."""
        return [lot.copy() for lot in self.lots]

    def fill(self, fill: Fill) -> list[Closed]:
        """Take up a fill; return what it has closed."""
        closes, opens = split(self.held, fill)
        closed = [] if closes is None else list(self._close(fill, closes))
        if opens is not None:
            self._open(fill, opens)
        return closed

    def _close(self, fill: Fill, part: Part) -> Iterable[Closed]:
        left, realized, paid = -part.quantity, part.realized, -part.commission
        while left:
            lot = self.lots[0]
            quantity = lot.quantity if abs(lot.quantity) <= abs(left) else left
            is_last = quantity == left
            # What rounding leaves is in the last one, so that nothing is lost.
            won = realized if is_last else (realized * quantity / left).quantize(UNIT)
            fee = paid if is_last else (paid * quantity / left).quantize(UNIT)
            left, realized, paid = left - quantity, realized - won, paid - fee
            taken = lot.take(quantity)
            if self._method is Method.FIFO and taken.price is not None:
                won = quantity * (fill.price - taken.price)
            if not lot.quantity:
                self.lots.popleft()
            yield Closed(taken, fill, won, {fill.commission_asset: fee})

    def _open(self, fill: Fill, part: Part) -> None:
        new = Lot(
            self._symbol, part.quantity, fill.price, fill.at_ms, fill.who,
            {fill.commission_asset: -part.commission}, {}, [fill.client_order_id],
            [fill.trade_id],
        )  # fmt: skip
        if self._method is Method.FIFO or not self.lots:
            self.lots.append(new)
            return
        lot = self.lots[0]
        if lot.price is not None:
            lot.price = (lot.basis + new.basis) / (lot.quantity + new.quantity)
        lot.quantity += new.quantity
        add(lot.fees, fill.commission_asset, -part.commission)
        if len(lot.trades) >= MOST_NAMED:
            lot.unnamed += 1
            return
        if fill.client_order_id not in lot.orders:
            lot.orders.append(fill.client_order_id)
        lot.trades.append(fill.trade_id)

    def fund(self, row: IncomeRecord) -> bool:
        """Share a funding among what is held; return whether there is anything."""
        left, held = row.amount, self.held
        if not held:
            return False
        for lot in list(self.lots)[:-1]:
            share = (row.amount * lot.quantity / held).quantize(UNIT)
            add(lot.funding, row.asset, share)
            left -= share
        add(self.lots[-1].funding, row.asset, left)
        return True


def in_time(fills: Sequence[Fill], funding: Iterable[IncomeRecord]) -> list[Fill | IncomeRecord]:
    """Return fills and funding as they came; a funding is of what was held before its moment."""
    found: list[Fill | IncomeRecord] = []
    rows = deque(sorted(funding, key=lambda row: row.at_ms))
    for fill in in_order(fills):
        while rows and rows[0].at_ms <= fill.at_ms:
            found.append(rows.popleft())
        found.append(fill)
    return [*found, *rows]

"""Trades: from the fill that opens a position to the one that leaves it flat. Pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ..venue.records import IncomeRecord
from .fills import ZERO, Fill, Part, in_order, settled_in, split
from .owners import FORGOTTEN


@dataclass(slots=True)
class Trade:
    """
    One trade. A fill that turns a position ends one trade and opens the next.

    Parameters
    ----------
    symbol : str
        Of what.
    who : str
        Whose fill has opened it.
    is_long : bool
        Whether it was bought first.
    opened_ms, closed_ms : int, optional
        When, in milliseconds of market time; ``None`` when the opening is not told, and while it
        is open.
    quantity : Decimal
        The most that it held, in coins, without a sign.
    bought, sold : Decimal
        In coins.
    paid, got : Decimal
        What was bought and sold, at its prices.
    fills : int
        How many, each part of one counted.
    realized : Decimal
        What it has won before costs, in what the symbol is settled in.
    commission, funding : dict[str, Decimal]
        By asset; what was paid is negative.
    hands : list[str]
        Whose fills are in it, in order.

    """

    symbol: str
    who: str
    is_long: bool
    opened_ms: int | None
    closed_ms: int | None = None
    quantity: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    paid: Decimal = ZERO
    got: Decimal = ZERO
    fills: int = 0
    realized: Decimal = ZERO
    commission: dict[str, Decimal] = field(default_factory=dict)
    funding: dict[str, Decimal] = field(default_factory=dict)
    hands: list[str] = field(default_factory=list)
    last_ms: int = 0

    @property
    def entry(self) -> Decimal | None:
        """The mean price at which it was opened, as far as that is told."""
        if self.opened_ms is None:
            return None
        return _mean(self.paid, self.bought) if self.is_long else _mean(self.got, self.sold)

    @property
    def exit(self) -> Decimal | None:
        """The mean price at which it was closed so far."""
        return _mean(self.got, self.sold) if self.is_long else _mean(self.paid, self.bought)

    @property
    def result(self) -> dict[str, Decimal]:
        """What it has brought, all costs counted, by asset."""
        found = {settled_in(self.symbol): self.realized}
        for amounts in (self.commission, self.funding):
            for asset, amount in amounts.items():
                add(found, asset, amount)
        return found

    def take(self, fill: Fill, part: Part, held: Decimal) -> None:
        """Take up a part of a fill that leaves `held`."""
        if part.quantity > 0:
            self.bought += part.quantity
            self.paid += part.quantity * fill.price
        else:
            self.sold -= part.quantity
            self.got -= part.quantity * fill.price
        self.quantity = max(self.quantity, abs(held))
        self.fills += 1
        self.realized += part.realized
        add(self.commission, fill.commission_asset, -part.commission)
        if fill.who not in self.hands:
            self.hands.append(fill.who)
        self.last_ms = fill.at_ms
        if not held:
            self.closed_ms = fill.at_ms


def add(amounts: dict[str, Decimal], asset: str, amount: Decimal) -> None:
    """Add an amount of an asset."""
    amounts[asset] = amounts.get(asset, ZERO) + amount


def _mean(value: Decimal, quantity: Decimal) -> Decimal | None:
    return value / quantity if quantity else None


def trades_of(symbol: str, fills: Sequence[Fill], held: Decimal = ZERO) -> list[Trade]:
    """
    Return the trades of one symbol, oldest first.

    Parameters
    ----------
    symbol : str
        Of what.
    fills : Sequence[Fill]
        All of its fills over a time, in any order.
    held : Decimal
        The position before the first of them; whose it was is not told.

    """
    found = [Trade(symbol, FORGOTTEN, held > 0, None, quantity=abs(held))] if held else []
    for fill in in_order(fills):
        closes, opens = split(held, fill)
        if closes is not None:
            held += closes.quantity
            found[-1].take(fill, closes, held)
        if opens is not None:
            if not held:
                found.append(Trade(symbol, fill.who, opens.quantity > 0, fill.at_ms))
            held += opens.quantity
            found[-1].take(fill, opens, held)
    return found


def holder(trades: Iterable[Trade], at_ms: int) -> Trade | None:
    """
    Return the trade that was open at a moment; when none was, the last one before it.

    Funding is booked some seconds after it was measured, and a position may be closed meanwhile.
    """
    found = None
    for trade in trades:  # oldest first
        if trade.opened_ms is not None and trade.opened_ms > at_ms:
            break
        found = trade
    return found


def add_funding(trades: Sequence[Trade], rows: Iterable[IncomeRecord]) -> None:
    """Give each funding of a symbol to the trade that was open then."""
    for row in rows:
        trade = holder(trades, row.at_ms)
        if trade is not None:
            add(trade.funding, row.asset, row.amount)

"""A fill as books need it, and how one that closes and opens is split."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

UNIT = Decimal("0.00000001")
"""The exchange keeps money to eight decimals."""
ZERO = Decimal(0)
SETTLED_IN = ("USDT", "USDC", "FDUSD", "BUSD", "BTC")
"""What contracts are settled in: the end of their names (USD-M Futures, Exchange Information)."""


@dataclass(frozen=True, slots=True)
class Fill:
    """
    A fill.

    Parameters
    ----------
    symbol, trade_id, order_id : str
        Which one, by the exchange's numbers.
    who : str
        Whose: a tag, or words for somebody else.
    quantity : Decimal
        In coins; what was sold is negative.
    price : Decimal
        Of one coin.
    realized : Decimal
        What it has won before its commission, as the exchange says.
    commission : Decimal
        What was paid for it; negative where the exchange has paid.
    commission_asset : str
        In what.
    at_ms : int
        Market time in milliseconds.
    client_order_id : str
        Of its order; empty when that is not told.

    """

    symbol: str
    trade_id: str
    order_id: str
    who: str
    quantity: Decimal
    price: Decimal
    realized: Decimal
    commission: Decimal
    commission_asset: str
    at_ms: int
    client_order_id: str = ""

    @property
    def settled_in(self) -> str:
        """What `realized` counts."""
        return settled_in(self.symbol)


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a fill that closes, or the one that opens; both together are the fill."""

    quantity: Decimal
    realized: Decimal
    commission: Decimal


def settled_in(symbol: str) -> str:
    """Return the asset in which a contract is settled."""
    pair = symbol.partition("_")[0]  # what follows is the date of one that ends
    return next((asset for asset in SETTLED_IN if pair.endswith(asset)), SETTLED_IN[0])


def split(held: Decimal, fill: Fill) -> tuple[Part | None, Part | None]:
    """
    Return the part of a fill that closes what is held, and the part that opens.

    The commission is shared by quantity, and what rounding leaves is in the part that opens, so
    that nothing is lost. What was realized belongs to what closes.
    """
    if held * fill.quantity >= 0:
        return None, Part(fill.quantity, fill.realized, fill.commission)
    if abs(fill.quantity) <= abs(held):
        return Part(fill.quantity, fill.realized, fill.commission), None
    share = (fill.commission * -held / fill.quantity).quantize(UNIT)
    return (
        Part(-held, fill.realized, share),
        Part(fill.quantity + held, ZERO, fill.commission - share),
    )


def in_order(fills: Sequence[Fill]) -> list[Fill]:
    """Return fills as they happened: the numbers of a symbol only grow."""
    return sorted(fills, key=lambda fill: (int(fill.trade_id), int(fill.order_id)))


def held_before(position: Decimal, fills: Sequence[Fill]) -> Decimal:
    """Return what was held before `fills`, when `position` is what they have left."""
    return position - sum((fill.quantity for fill in fills), ZERO)


def plain(amount: Decimal) -> str:
    """Return an amount with the decimals that it needs, and none of another form."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text

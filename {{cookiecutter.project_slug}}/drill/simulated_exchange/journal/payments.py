"""Funding: what it cost everybody, and what this account has paid or got."""

from dataclasses import dataclass
from decimal import Decimal

from .orders import Told


@dataclass(frozen=True, kw_only=True)
class FundingRate(Told):
    """A rate that was due in a symbol, and the mark price that it was taken from."""

    symbol: str
    rate: Decimal
    price: Decimal
    market_ms: int


@dataclass(frozen=True, kw_only=True)
class FundingFee(Told):
    """What a funding did to the wallet: a positive amount was got, a negative one paid."""

    payment_id: str
    symbol: str
    quantity: Decimal
    rate: Decimal
    price: Decimal
    amount: Decimal
    market_ms: int

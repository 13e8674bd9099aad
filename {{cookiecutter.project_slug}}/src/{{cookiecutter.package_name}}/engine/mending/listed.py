"""
A perpetual contract as an engine would store it, made from what the exchange lists.

An engine that learns nothing of past orders by itself needs it before its first start: it drops a
position whose instrument is not stored.

Source: USD-M Futures, Exchange Information.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from .events import BadEvent
from .stored import Currency, Instrument

MARGIN = "0.1"
"""What the engine's adapter writes where the exchange does not tell it without a key."""


def listed_instrument(answer: Any, symbol: str, instrument_id: str) -> Instrument | None:
    """Return the contract of a symbol; ``None`` when it is not listed, or cannot be read."""
    listed = answer.get("symbols") if isinstance(answer, Mapping) else None
    for row in listed if isinstance(listed, list) else ():
        if isinstance(row, Mapping) and row.get("symbol") == symbol:
            try:
                return _instrument(row, instrument_id)
            except (BadEvent, InvalidOperation, KeyError, TypeError, ValueError):
                return None
    return None


def _instrument(row: Mapping[str, Any], instrument_id: str) -> Instrument:
    filters = {each["filterType"]: each for each in row["filters"]}
    prices, sizes = filters["PRICE_FILTER"], filters["LOT_SIZE"]
    price_digits, size_digits = int(row["pricePrecision"]), int(row["quantityPrecision"])
    least = filters.get("MIN_NOTIONAL", {}).get("notional")
    settled = str(row["marginAsset"])
    return Instrument(
        id=instrument_id,
        raw_symbol=str(row["symbol"]),
        base_currency=str(row["baseAsset"]),
        quote_currency=str(row["quoteAsset"]),
        settlement_currency=settled,
        is_inverse=False,
        price_precision=price_digits,
        price_increment=_digits(prices["tickSize"], price_digits),
        size_precision=size_digits,
        size_increment=_digits(sizes["stepSize"], size_digits),
        multiplier="1",
        lot_size=_digits(sizes["stepSize"], size_digits),
        max_quantity=_digits(sizes["maxQty"], size_digits),
        min_quantity=_digits(sizes["minQty"], size_digits),
        max_notional=None,
        min_notional=None if least is None else f"{Decimal(least):.8f} {settled}",
        max_price=_digits(prices["maxPrice"], price_digits),
        min_price=_digits(prices["minPrice"], price_digits),
        margin_init=MARGIN,
        margin_maint=MARGIN,
        maker_fee="0",
        taker_fee="0",
        ts_event="0",
        ts_init="0",
        tick_scheme_name=None,
        info=None,
    )


def _digits(text: str, digits: int) -> str:
    value = Decimal(text)
    plain = f"{value:.{digits}f}"
    if Decimal(plain) != value:
        raise BadEvent("has a step that its digits do not show")
    return plain


def currency_of(code: str) -> Currency:
    """Return a coin of which nothing is known but its name."""
    return Currency(precision=8, iso4217=0, name=code, currency_type="CRYPTO")

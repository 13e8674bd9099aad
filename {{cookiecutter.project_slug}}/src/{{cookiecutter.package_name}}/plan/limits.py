"""
The hard limits: whether an order may be sent, whatever a strategy wants. Pure.

An order that can only make a position smaller is never kept back, except by a generous bound on how
many of them are sent a minute, so that an order loop ends. Of every other order it is asked what
would be held if it, and all that works beside it, filled: what may be sent keeps every limit even
then. What is not known (a mark price, the day's result) keeps an order back as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from .day import DayTotal

KEPT_BACK = "LIMIT: "
"""What the reason of a refused order begins with that a limit has kept back."""
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What no order may pass; each is the setting of the same name. Money is in US dollars.

    Parameters
    ----------
    max_order_quantity : Decimal
        Of one order, in coins.
    max_order_notional : Decimal
        What one order may be worth.
    max_orders_a_minute : int
        Of orders that may open something.
    max_reducing_orders_a_minute : int
        Of orders that can only make a position smaller: stops, exits, take-profits.
    max_position_notional : Decimal
        What the position of one symbol may be worth.
    max_leverage : Decimal
        What all positions together may be worth, over the wallet's equity.
    max_daily_loss : Decimal
        Realized since 00:00 UTC, with commission and funding.
    max_daily_fees : Decimal
        Commission since 00:00 UTC.
    max_price_distance : Decimal
        Of a price from the mark price, as a part of the latter.
    halts_for_the_day : bool
        Whether a day's loss or fees that have passed their limit once count until the day is over.

    """

    max_order_quantity: Decimal
    max_order_notional: Decimal
    max_orders_a_minute: int
    max_reducing_orders_a_minute: int
    max_position_notional: Decimal
    max_leverage: Decimal
    max_daily_loss: Decimal
    max_daily_fees: Decimal
    max_price_distance: Decimal
    halts_for_the_day: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    An order that somebody wants to be sent.

    Parameters
    ----------
    symbol : str
        As the exchange writes it.
    quantity : Decimal
        In coins: positive buys, negative sells.
    prices : tuple[Decimal, ...]
        Its limit and its trigger; a market order has none.
    reduce_only : bool
        Whether the exchange lets it only make a position smaller.
    fee_rate : Decimal
        What its fill costs at most, as a part of its worth.
    asset : str
        In what its symbol is settled.

    """

    symbol: str
    quantity: Decimal
    prices: tuple[Decimal, ...] = ()
    reduce_only: bool = False
    fee_rate: Decimal = ZERO
    asset: str = "USDT"


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What one symbol has: its position, and what still works.

    Orders that only make a position smaller are not among the latter.

    Parameters
    ----------
    position : Decimal
        The signed position in coins.
    buys, sells : Decimal
        What may still fill, without a sign.

    """

    position: Decimal = ZERO
    buys: Decimal = ZERO
    sells: Decimal = ZERO

    def after(self, quantity: Decimal) -> Decimal:
        """
        Return the largest position in an order's own direction that it can lead to.

        A position the other way is not set against it: its stop may fill before the order does.
        """
        held = max(self.position if quantity > 0 else -self.position, ZERO)
        return held + (self.buys if quantity > 0 else self.sells) + abs(quantity)

    def is_reduced_by(self, quantity: Decimal) -> bool:
        """Return whether an order, with what works beside it, leaves a position or none."""
        held = self.position if quantity > 0 else -self.position
        return held + (self.buys if quantity > 0 else self.sells) + abs(quantity) <= 0

    @property
    def most(self) -> Decimal:
        """The largest position, without a sign, that what works can lead to."""
        return max(max(self.position, ZERO) + self.buys, max(-self.position, ZERO) + self.sells)


@dataclass(frozen=True, slots=True)
class AtEngine:
    """
    What the engine knows at the moment at which an order is to be sent.

    Parameters
    ----------
    standing : Mapping[str, Standing]
        By symbol, wherever there is something.
    orders, reducing_orders : int
        How many of each kind were sent within the last minute.

    """

    standing: Mapping[str, Standing] = field(default_factory=dict)
    orders: int = 0
    reducing_orders: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """
    What the exchange has told lately; ``None``, or nothing, stands for what it has not.

    Parameters
    ----------
    marks : Mapping[str, Decimal]
        By symbol: the mark price.
    equity : Mapping[str, Decimal], optional
        By asset: wallet and unrealized result.
    others : Decimal
        What the positions of symbols are worth that the engine knows nothing of.
    day : DayTotal, optional
        The day's result.

    """

    marks: Mapping[str, Decimal]
    equity: Mapping[str, Decimal] | None
    others: Decimal = ZERO
    day: DayTotal | None = None


@dataclass(frozen=True, slots=True)
class Breach:
    """
    Why an order is kept back.

    Parameters
    ----------
    limit : str
        The field of `Limits`; empty where something is not known.
    what : str
        What passes it, or what is not known.
    value, allowed : Decimal
        What it would be, and what it may be at most.

    """

    limit: str
    what: str
    value: Decimal = ZERO
    allowed: Decimal = ZERO


def breach(wanted: Wanted, engine: AtEngine, told: Told, limits: Limits) -> Breach | None:
    """Return why an order is kept back; ``None`` when it may be sent."""
    standing = engine.standing.get(wanted.symbol, Standing())
    if is_reducing(wanted, standing):
        return _over(
            "max_reducing_orders_a_minute",
            "the number of stops and exits within a minute",
            Decimal(engine.reducing_orders + 1),
            Decimal(limits.max_reducing_orders_a_minute),
        )
    for symbol in (wanted.symbol, *(s for s, each in engine.standing.items() if each.most)):
        if not told.marks.get(symbol):
            return Breach("", f"the mark price of {symbol} is not known")
    mark = told.marks[wanted.symbol]
    if told.day is None:
        return Breach("", "the day's profit and loss is not known")
    equity = (told.equity or {}).get(wanted.asset, ZERO)
    if equity <= 0:
        return Breach("", f"there is no equity in {wanted.asset}, or it is not known")
    after = standing.after(wanted.quantity)
    price = max((mark, *wanted.prices))
    notional = abs(wanted.quantity) * price
    fee = notional * wanted.fee_rate
    most = max(after, standing.most) * price
    return (
        _over(
            "max_orders_a_minute",
            "the number of orders within a minute",
            Decimal(engine.orders + 1),
            Decimal(limits.max_orders_a_minute),
        )
        or _over(
            "max_order_quantity", "its quantity", abs(wanted.quantity), limits.max_order_quantity
        )
        or _over("max_order_notional", "its worth", notional, limits.max_order_notional)
        or _over(
            "max_position_notional",
            f"the worth of the position in {wanted.symbol}",
            after * price,
            limits.max_position_notional,
        )
        or _over(
            "max_leverage",
            "the worth of all positions over the equity",
            (most + _elsewhere(wanted.symbol, engine, told)) / equity,
            limits.max_leverage,
        )
        or _too_far(wanted, mark, limits)
        or day_breach(told.day, limits, fee)
    )


def own_breach(wanted: Wanted, engine: AtEngine, most: Decimal | None) -> Breach | None:
    """Return why an order passes the bound of its own line; ``None`` when it does not."""
    standing = engine.standing.get(wanted.symbol, Standing())
    after = standing.after(wanted.quantity)
    if most is None or after <= most or is_reducing(wanted, standing):
        return None
    return Breach(
        "",
        f"the position in {wanted.symbol} would be {after}, and the max_quantity of its line in "
        f"strategies/ allows {most}",
        after,
        most,
    )


def is_reducing(wanted: Wanted, standing: Standing) -> bool:
    """Return whether an order is to make the position of its symbol smaller, and no more."""
    return wanted.reduce_only or standing.is_reduced_by(wanted.quantity)


def day_breach(day: DayTotal, limits: Limits, cost: Decimal = ZERO) -> Breach | None:
    """Return whether a day's loss or fees pass their limit when so much is added."""
    halts = limits.halts_for_the_day
    loss = day.most_lost if halts else day.lost
    paid = day.most_paid if halts else day.paid
    return _over(
        "max_daily_loss",
        "the day's loss",
        max(loss, day.lost + cost),
        limits.max_daily_loss,
        itself=cost == 0,
    ) or _over(
        "max_daily_fees",
        "the day's fees",
        max(paid, day.paid + cost),
        limits.max_daily_fees,
        itself=cost == 0,
    )


def _elsewhere(symbol: str, engine: AtEngine, told: Told) -> Decimal:
    """Return what all other symbols may be worth."""
    there = ((other, each.most) for other, each in engine.standing.items() if other != symbol)
    return told.others + sum((most * told.marks[other] for other, most in there if most), ZERO)


def _too_far(wanted: Wanted, mark: Decimal, limits: Limits) -> Breach | None:
    # A market order names no price; whether its bar can be believed, others have asked.
    what = "the distance of its price from the mark price"
    distance = max((abs(price - mark) / mark for price in wanted.prices), default=ZERO)
    return _over("max_price_distance", what, distance, limits.max_price_distance)


def _over(
    limit: str, what: str, value: Decimal, allowed: Decimal, *, itself: bool = False
) -> Breach | None:
    """Return a breach when a value is over what is allowed, or is just that and counts as well."""
    if value > allowed or (itself and value == allowed):
        return Breach(limit, what, value, allowed)
    return None

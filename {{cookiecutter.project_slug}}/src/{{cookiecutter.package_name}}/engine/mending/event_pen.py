"""Writes the events that a stored order lacks, as the engine's adapter would."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from ...venue.records import TradeRecord
from ..known import Fate, KnownOrder
from .codec import Codec
from .events import (
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderModifyRejected,
    OrderRejected,
    OrderSubmitted,
    OrderUpdated,
)
from .stored import Instrument
from .stored_orders import StoredOrder

UNANSWERED = "The answer to this request was lost with the process that had sent it"


@dataclass(frozen=True, slots=True)
class Maker:
    """
    Makes events of one symbol's orders.

    Parameters
    ----------
    trader, strategy, instrument_id : str
        Whose orders they are, and on what.
    owner : str
        What the ids of those orders begin with, as long as nobody else has sent them.
    instrument : Instrument | None
        Says how many digits prices and quantities have, where it is stored.
    account : str
        The account's name.
    now_ns : int
        Stamped on what is made.
    codec : Codec
        How the engine writes.

    """

    trader: str
    strategy: str
    instrument_id: str
    owner: str
    instrument: Instrument | None
    account: str
    now_ns: int
    codec: Codec

    @property
    def position_id(self) -> str:
        """The engine's name of the one position that the strategy has on the symbol."""
        return f"{self.instrument_id}-{self.strategy}"

    def price(self, value: Decimal) -> str:
        """Return a price with the instrument's digits."""
        return _digits(value, None if self.instrument is None else self.instrument.price_precision)

    def quantity(self, value: Decimal) -> str:
        """Return a quantity with the instrument's digits."""
        return _digits(value, None if self.instrument is None else self.instrument.size_precision)


def _digits(value: Decimal, precision: int | None) -> str:
    plain = f"{value:f}" if precision is None else f"{value:.{precision}f}"
    # A step that has become smaller meanwhile: nothing is rounded away.
    return plain if Decimal(plain) == value else f"{value:f}"


class Pen:
    """
    Writes events to the end of an order.

    Parameters
    ----------
    order : StoredOrder
        What is written to.
    maker : Maker
        Whose order it is.

    """

    def __init__(self, order: StoredOrder, maker: Maker) -> None:
        self._order = order
        self._maker = maker

    def _write(self, event: OrderEvent) -> None:
        raw = self._maker.codec.encoded(event)
        self._order.apply(event, raw)

    def _who(self, at_ns: str) -> dict[str, str]:
        init = self._order.init
        return {
            "trader_id": init.trader_id,
            "strategy_id": init.strategy_id,
            "instrument_id": init.instrument_id,
            "client_order_id": init.client_order_id,
            "event_id": str(uuid4()),
            "ts_event": at_ns,
            "ts_init": str(self._maker.now_ns),
        }

    @property
    def _account(self) -> str:
        return self._order.account or self._maker.account

    def _heard(self, at_ns: str) -> dict[str, str | bool | None]:
        number = {"venue_order_id": self._order.number, "account_id": self._account}
        return {**self._who(at_ns), **number, "reconciliation": True}

    def submitted(self, at_ms: int) -> None:
        """Write that it was sent."""
        self._write(
            OrderSubmitted(
                **self._who(self._maker.codec.adapter_ns(at_ms)), account_id=self._account
            )
        )

    def accepted(self, number: str, at_ms: int) -> None:
        """Write that the exchange has it, under a number."""
        heard = {**self._heard(self._maker.codec.adapter_ns(at_ms)), "venue_order_id": number}
        self._write(OrderAccepted(**heard))  # type: ignore[arg-type]  # one dict of all fields

    def rejected(self, at_ms: int) -> None:
        """Write that the exchange has refused it."""
        self._write(
            OrderRejected(
                **self._who(self._maker.codec.adapter_ns(at_ms)),
                account_id=self._account,
                reason="REJECTED",
                reconciliation=True,
                due_post_only=False,
            )
        )

    def updated(self, known: KnownOrder, at_ms: int) -> None:
        """Write that it has changed at the exchange: its number, its quantity or a price."""
        row, maker = known.last, self._maker
        trigger = known.first.trigger_price
        is_limit = self._order.init.order_type in ("LIMIT", "STOP_LIMIT", "LIMIT_IF_TOUCHED")
        heard = {**self._heard(self._maker.codec.adapter_ns(at_ms)), "venue_order_id": known.number}
        self._write(
            OrderUpdated(
                **heard,  # type: ignore[arg-type]  # one dict of all fields
                quantity=maker.quantity(max(row.quantity, self._order.filled)),
                price=maker.price(row.price) if row.price and is_limit else None,
                trigger_price=maker.price(trigger) if trigger else None,
                is_quote_quantity=False,
            )
        )

    def filled(self, trade: TradeRecord) -> None:
        """Write a fill."""
        maker = self._maker
        instrument = maker.instrument
        # A triggered order executes as a market order, and the adapter says so.
        kind = self._order.init.order_type
        self._write(
            OrderFilled(
                **self._who(self._maker.codec.adapter_ns(trade.at_ms)),
                venue_order_id=self._order.number or trade.exchange_order_id,
                account_id=self._account,
                trade_id=trade.trade_id,
                position_id=maker.position_id,
                order_side=self._order.init.order_side,
                order_type="MARKET" if kind == "STOP_MARKET" else kind,
                last_qty=maker.quantity(trade.quantity),
                last_px=maker.price(trade.price),
                currency=instrument.quote_currency if instrument else trade.commission_asset,
                commission=f"{trade.commission:.8f} {trade.commission_asset}",
                liquidity_side="MAKER" if trade.is_maker else "TAKER",
                info={},
                reconciliation=True,
            )
        )

    def ended(self, known: KnownOrder) -> None:
        """Write how it has ended."""
        heard = self._heard(self._maker.codec.adapter_ns(known.ended_ms))
        kind = OrderExpired if known.fate is Fate.EXPIRED else OrderCanceled
        self._write(kind(**heard))  # type: ignore[arg-type]  # one dict of all fields

    def unanswered(self) -> None:
        """Write that what was asked for last has not been heard."""
        now = str(self._maker.now_ns)
        kind = {"PENDING_CANCEL": OrderCancelRejected, "PENDING_UPDATE": OrderModifyRejected}.get(
            self._order.status
        )
        if kind is not None:
            self._write(kind(**self._heard(now), reason=UNANSWERED))  # type: ignore[arg-type]  # as its fields say

"""
The engine's strategies: they tell what happens, and do what they are asked. None thinks.

All of it runs on the engine's thread. Whatever is told is plain, and whatever is asked comes as a
piece of work in a queue, which a timer of the engine's looks at.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from queue import SimpleQueue
from typing import Any

from nautilus_trader.adapters.binance import BINANCE
from nautilus_trader.model import (
    AccountId,
    BarType,
    ClientId,
    ClientOrderId,
    InstrumentId,
    OmsType,
    OrderSide,
    PositionId,
    Price,
    Quantity,
    StrategyId,
    Venue,
)
from nautilus_trader.trading import Strategy, StrategyConfig

from ...books.archive_plan import KEPT_STATES, MOST_STATES
from ...exit_codes import one_line
from ...plan.bars import BarLength, ClosedBar
from ...plan.situation import Submit
from ..mending.encoding_v2 import CODEC
from ..mending.store_format import STRATEGY, WATCH_MARK
from .heard import EventSeen, InstrumentSeen, OrderSeen, PositionSeen, Seen
from .views import (
    balance_rows,
    closed_bar,
    fill_row,
    instrument_id_of,
    milliseconds,
    order_row,
    position_row,
)

BEAT = timedelta(milliseconds=5)
"""How long a piece of work waits at most."""
BEATS_OF_BALANCES = 20
"""A change of the balances is told by nobody: they are looked at every so many beats."""
UNITS = {"m": "MINUTE", "h": "HOUR", "d": "DAY"}
TAKER_FEE = Decimal("0.0005")
"""What the exchange takes of who has traded nothing yet; this engine's instruments do not say."""
MOST_FILLS = 100
MOST_SNAPSHOTS = 100
NS_PER_SECOND = 1_000_000_000

type Work = Callable[["EngineSide"], None]


class EngineSide:
    """
    What the engine's thread has: its strategies, work to do, and what it has not told yet.

    Parameters
    ----------
    tell : Callable[[Seen], None]
        Takes what is new, on this thread.
    fail : Callable[[str], None]
        Takes in a sentence what a handler has raised: the engine would log it and trade on. The
        error itself holds on to what belongs to this thread.

    """

    def __init__(self, tell: Callable[[Seen], None], fail: Callable[[str], None]) -> None:
        self._tell = tell
        self._fail = fail
        self.work: SimpleQueue[Work] = SimpleQueue()
        self.strategies: dict[str, TargetStrategy] = {}
        self._begun: set[str] = set()
        self._events: list[EventSeen] = []
        self._changed: set[str] = set()
        self._closed: dict[str, tuple[int, str]] = {}
        self._bars: list[tuple[str, ClosedBar]] = []
        self._has_moved = False
        self._account_events = -1
        self._beats = 0

    @property
    def _any(self) -> "TargetStrategy":
        return next(iter(self.strategies.values()))

    def guarded(self, work: Callable[[], None]) -> None:
        """Do something that the engine calls for; what it raises ends the node."""
        try:
            work()
        except BaseException as error:
            self._fail(f"The engine failed: {type(error).__name__}: {one_line(error)}.")

    # -- What is told ------------------------------------------------------------------------------

    def started(self, symbol: str) -> None:
        """Take up that a strategy has started; when all have, tell everything that there is."""
        self._begun.add(symbol)
        if self._begun != set(self.strategies):
            return
        first, cache = self._any, self._any.cache
        # In the order in which they are told: whoever sorts them finds them sorted.
        orders = sorted(cache.orders(), key=lambda order: order.ts_init)
        fills = [each for order in orders if order.trade_ids for each in _fills_of(order)]
        self._tell(
            Seen(
                orders={each.client_order_id.value: _order_seen(each) for each in orders},
                positions=self._positions(),
                balances=self._balances(),
                instruments={
                    symbol: _instrument_seen(cache.instrument(instrument_id_of(symbol)))
                    for symbol in self.strategies
                },
                last_fills=sorted(map(fill_row, fills), key=lambda each: each.at_ms)[-MOST_FILLS:],
            )
        )
        first.clock.set_timer("beat", BEAT, callback=self._beat)

    def note(self, event: Any) -> None:
        """Take note of what has happened to an order, and tell it if the cache can be read."""
        kind, name = type(event).__name__, event.client_order_id.value
        self._changed.add(name)
        self._has_moved = True
        self._events.append(
            EventSeen(
                kind=kind,
                client_order_id=name,
                at_ms=milliseconds(event.ts_event),
                reason=getattr(event, "reason", None) or "",
                is_past=getattr(event, "reconciliation", False),
                fill=fill_row(event) if kind == "OrderFilled" else None,
            )
        )
        self.flush()

    def note_position(self, event: Any) -> None:
        """Take note that a position has changed."""
        self._has_moved = True
        if type(event).__name__ == "PositionClosed":
            try:
                found = self._any.cache.position(event.position_id)
            except RuntimeError:
                found = None
            if found is not None:
                self._closed[event.position_id.value] = (found.event_count, _since(found))
        self.flush()

    def note_bar(self, symbol: str, bar: Any) -> None:
        """Take note of a closed bar."""
        self._bars.append((symbol, closed_bar(bar)))
        self.flush()

    def flush(self) -> None:
        """Tell what is new, unless the engine is just writing it: then the next beat does."""
        if not (self._changed or self._has_moved or self._bars):
            return
        try:
            cache = self._any.cache
            orders = {name: cache.order(ClientOrderId(name)) for name in self._changed}
            positions = self._positions() if self._has_moved else None
            balances = self._balances() if self._has_moved else None
        except RuntimeError:  # already mutably borrowed
            return
        seen = Seen(
            orders={n: None if o is None else _order_seen(o) for n, o in orders.items()},
            events=tuple(self._events),
            positions=positions,
            balances=balances,
            bars=tuple(self._bars),
            closed_positions=dict(self._closed),
        )
        self._events.clear()
        self._changed.clear()
        self._closed.clear()
        self._bars.clear()
        self._has_moved = False
        self._tell(seen)

    def _positions(self) -> list[PositionSeen]:
        return [
            PositionSeen(each.id.value, position_row(each), each.event_count, _since(each))
            for each in self._any.cache.positions_open()
        ]

    def _account(self) -> Any:
        return self._any.cache.account_for_venue(Venue(BINANCE))

    def _balances(self) -> list[Any]:
        account = self._account()
        return [] if account is None else balance_rows(account)

    # -- What is asked -----------------------------------------------------------------------------

    def _beat(self, _: Any) -> None:
        self.guarded(self._do_work)

    def _do_work(self) -> None:
        while not self.work.empty():
            self.work.get()(self)
        self.flush()
        self._beats += 1
        if self._beats % BEATS_OF_BALANCES == 0:
            account = self._account()
            if account is not None and account.event_count != self._account_events:
                self._account_events = account.event_count
                self._tell(Seen(balances=balance_rows(account)))

    def mark(self, mark: bytes) -> None:
        """Write a mark into the store, after everything that has been written before."""
        self._any.cache.add(WATCH_MARK, mark)

    def ask_for_account(self) -> None:
        """Let the engine ask the exchange for the account's balances."""
        self._any.query_account(AccountId(CODEC.account), client_id=ClientId(BINANCE))

    def forget_orders(self, names: list[str]) -> None:
        """Forget ended orders."""
        for name in names:
            order = self._any.cache.order(ClientOrderId(name))
            if order is not None and order.is_closed:
                self._any.cache.purge_order(order.client_order_id)

    def forget_positions(self, names: list[str]) -> None:
        """Forget closed positions."""
        for name in names:
            position = self._any.cache.position(PositionId(name))
            if position is not None and position.is_closed:
                self._any.cache.purge_position(position.id)

    def tidy(self) -> None:
        """Forget what the store has anyway: states and snapshots of long ago."""
        cache, now_ns = self._any.cache, self._any.clock.timestamp_ns()
        account = self._account()
        if account is not None and account.event_count > MOST_STATES:
            kept_from = account.events[-KEPT_STATES].ts_event
            cache.purge_account_events(now_ns, (now_ns - kept_from) // NS_PER_SECOND + 1)
        for position in cache.positions_closed():
            if len(cache.position_snapshot_bytes(position.id) or ()) >= MOST_SNAPSHOTS:
                cache.purge_position(position.id)


class TargetStrategy(Strategy):
    """
    One line of what is traded, in the engine.

    The class name is part of every stored order's owner: renaming it orphans open positions.

    Parameters
    ----------
    symbol, tag : str
        What is traded, and the tag of its line.
    length : BarLength
        Of its bars.
    side : EngineSide
        Told of everything.

    """

    def __new__(cls, *_: Any) -> "TargetStrategy":
        """Return the engine's part of it, which takes none of these parameters."""
        return super().__new__(cls)

    def __init__(self, symbol: str, tag: str, length: BarLength, side: EngineSide) -> None:
        self._symbol, self._side = symbol, side
        self._instrument_id: InstrumentId = instrument_id_of(symbol)
        self._bars = BarType.from_str(
            f"{self._instrument_id}-{length.units}-{UNITS[length.unit]}-LAST-EXTERNAL"
        )
        super().__init__(
            StrategyConfig(
                strategy_id=StrategyId(f"{STRATEGY}-{tag}"),
                order_id_tag=tag,
                oms_type=OmsType.NETTING,
                # What reconciliation finds at the exchange belongs to this strategy; unclaimed, it
                # goes to a stranger and the strategy believes itself flat.
                external_order_instrument_ids=[self._instrument_id],
            )
        )

    def on_start(self) -> None:
        """Subscribe to bars and begin."""
        self._side.guarded(self._begin)

    def _begin(self) -> None:
        self.subscribe_bars(self._bars)
        self._side.started(self._symbol)

    def on_bar(self, bar: Any) -> None:
        """Pass a closed bar on."""
        self._side.guarded(lambda: self._side.note_bar(self._symbol, bar))

    def on_order_event(self, event: Any) -> None:
        """Pass on what has happened to an order."""
        self._side.guarded(lambda: self._side.note(event))

    def on_position_event(self, event: Any) -> None:
        """Pass on that the position has changed."""
        self._side.guarded(lambda: self._side.note_position(event))

    # -- What is asked -----------------------------------------------------------------------------

    def send(self, order: Submit) -> None:
        """Send an order."""
        name = ClientOrderId(order.client_order_id)
        before = self.cache.order(name)
        if before is not None and before.is_closed:
            # It never arrived, and goes out once more under its name.
            self.cache.purge_order(name)
        self.submit_order(self._made(order), client_id=ClientId(BINANCE))

    def take_back(self, name: str) -> None:
        """Ask for an order to be cancelled."""
        self.cancel_order(ClientOrderId(name), client_id=ClientId(BINANCE))

    def _made(self, order: Submit) -> Any:
        instrument: Any = self.cache.instrument(self._instrument_id)
        factory: Any = self.order_factory
        side = OrderSide.BUY if order.quantity > 0 else OrderSide.SELL
        quantity = Quantity.from_str(f"{abs(order.quantity):.{instrument.size_precision}f}")
        common = {
            "reduce_only": order.reduce_only,
            "client_order_id": ClientOrderId(order.client_order_id),
        }
        if order.trigger_price is not None:
            trigger = Price.from_str(f"{order.trigger_price:.{instrument.price_precision}f}")
            return factory.stop_market(
                self._instrument_id, side, quantity, trigger_price=trigger, **common
            )
        if order.price is not None:
            price = Price.from_str(f"{order.price:.{instrument.price_precision}f}")
            return factory.limit(
                self._instrument_id, side, quantity, price=price, post_only=order.post_only,
                **common,
            )  # fmt: skip
        return factory.market(self._instrument_id, side, quantity, **common)


def _order_seen(order: Any) -> OrderSeen:
    return OrderSeen(
        row=order_row(order),
        events=order.event_count,
        begun=str(order.init_id),
        post_only=bool(getattr(order, "is_post_only", False)),
    )


def _fills_of(order: Any) -> list[Any]:
    return [each for each in order.events() if type(each).__name__ == "OrderFilled"]


def _since(position: Any) -> str:
    return f"{position.opening_order_id} {position.ts_opened}"


def _instrument_seen(instrument: Any) -> InstrumentSeen:
    return InstrumentSeen(
        tick_size=instrument.price_increment.as_decimal(),
        lot=instrument.size_increment.as_decimal(),
        taker_fee=TAKER_FEE,
        currency=instrument.settlement_currency.code,
    )

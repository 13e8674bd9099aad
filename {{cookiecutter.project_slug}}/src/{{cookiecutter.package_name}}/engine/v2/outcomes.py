"""
Orders whose outcome nobody has told: asked for by their client order ids until it is known.

A request to place or to cancel an order may fail in a way that does not say whether the exchange
carried it out; the events of one that it has taken may be lost. The exchange is asked, and what it
has done is told to the engine as its user stream would have; fills by their own numbers. Where it
says twice that there is no such order, the second time when a late request can no longer be
accepted, the order never arrived: the adapter is told that it was refused, the mirror forgets it,
and the same decision sends it again under the same id.
"""

import asyncio
import time
from collections.abc import Callable, Iterable

from ...plan.rows import OrderRow
from ...venue.binance.one_order import OneOrder, ask_for_order
from ...venue.binance.requests import FAILURES, LATE_SECONDS, OK, ExchangeError, Requests
from ...venue.records import ExchangeRecord, OrderRecord
from ..known import KnownOrder, known_orders
from .door import Said, said
from .mirror import Mirror
from .stream import UserStream
from .told import canceled, events_of

QUIET_SECONDS = 2.0
"""How long an order may be in flight with nothing heard of it before it is asked for."""
LOOK_SECONDS = 0.25
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.5
LIMITED_PAUSE_SECONDS = 5.0
ANSWER_SECONDS = 3.0
TAKEN_UP_SECONDS = 1.0
"""How long the engine may take to take up what it was told."""
AGAIN_SECONDS = 1.0
"""Within so long the adapter asks a second time, for the other kind of order."""
UNKNOWN_SECONDS = 6.0
"""How long an outcome may stay unknown before that is a condition."""
LIMITED = (418, 429)
CANCEL_NEVER_ARRIVED = "The request to cancel never arrived"
"""The reason of a refusal to cancel which is none."""
NEVER_ARRIVED = "The order never arrived"
REFUSED = 400
OTHER_ERROR = -4000
"""A code that says nothing to the engine besides that the request was refused."""
UNHEARD = frozenset({"INITIALIZED", "SUBMITTED"})


class Outcomes:
    """
    Find out what has become of orders.

    Parameters
    ----------
    mirror : Mirror
        What the engine has.
    requests : Requests
        How to ask.
    never_arrived : Callable[[str], None]
        Told of an order that is none.
    learned : Callable[[bool], None]
        Told that something was learned by asking that an event should have told, and whether it
        was a fill.
    say : Callable[[str], None]
        Told, in a sentence, what has been unknown for too long; an empty one when nothing is.
    warn : Callable[[str], None]
        Told what is done, in a sentence.

    """

    def __init__(
        self,
        mirror: Mirror,
        requests: Requests,
        never_arrived: Callable[[str], None],
        learned: Callable[[bool], None],
        say: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self._mirror = mirror
        self._requests = requests
        self._never_arrived = never_arrived
        self._learned = learned
        self._say = say
        self._warn = warn
        self.stream: UserStream
        self._asking: dict[str, asyncio.Task[Said]] = {}
        self._overdue: dict[str, str] = {}
        self._seen: dict[str, tuple[int, float]] = {}
        self._waited: list[str] = []
        self._refused: dict[str, tuple[float, Said]] = {}
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Take up that the mirror has."""
        self._changed.set()

    # -- What the door asks ------------------------------------------------------------------------

    async def sent(self, kind: str, symbol: str, name: str, why: str) -> Said:
        """Find out what has become of an order whose sending nobody has answered."""
        self._warn(f"The outcome of {name} is unknown: {why}")
        return await self._asked(name, kind == "conditional", symbol)

    async def canceled(self, kind: str, symbol: str, name: str, why: str) -> Said:
        """Find out the same of a request to cancel."""
        at, answer = self._refused.pop(name, (0.0, None))
        if answer is not None and time.monotonic() - at < AGAIN_SECONDS:
            return answer  # the adapter has just been told, and has tried the other kind of order
        self._warn(f"The outcome of {name} is unknown: {why}")
        return await self._asked(name, kind == "conditional", symbol)

    async def _asked(self, name: str, is_conditional: bool, symbol: str) -> Said:
        if name not in self._asking:
            # A request to cancel need not say of which symbol, and the adapter looks for a
            # conditional order among the others, too: what is known of the order counts.
            row = self._mirror.order(name)
            if row is not None:
                is_conditional, symbol = _is_conditional(row), row.symbol
            self._begin(name, is_conditional, symbol, time.monotonic())
        self._waited.append(name)
        try:
            return await asyncio.shield(self._asking[name])
        finally:
            self._waited.remove(name)

    def _begin(self, name: str, is_conditional: bool, symbol: str, since: float) -> None:
        task = asyncio.get_running_loop().create_task(
            self._find_out(name, is_conditional, symbol, since)
        )
        self._asking[name] = task
        task.add_done_callback(lambda _: self._over(name))

    def _over(self, name: str) -> None:
        self._asking.pop(name, None)
        if self._overdue.pop(name, None) is not None:
            self._tell_overdue()

    # -- What is noticed ---------------------------------------------------------------------------

    def find_out(self, name: str, since: float | None = None) -> None:
        """Begin to ask for an order of which nothing is heard since then, unless that has begun."""
        row = self._mirror.order(name)
        if row is not None and not row.is_closed and name not in self._asking:
            self._begin(name, _is_conditional(row), row.symbol, since or time.monotonic())

    async def keep_looking(self) -> None:
        """Ask for orders of which nothing is heard, for as long as this is not cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for name, since in self._quiet(time.monotonic()):
                self.find_out(name, since)

    def _waiting(self) -> list[OrderRow]:
        """Return the orders that wait for the exchange, by all that the engine has told."""
        return [row for row in self._mirror.standing() if row.is_in_flight]

    def _quiet(self, now: float) -> list[tuple[str, float]]:
        """Return the waiting orders of which nothing was heard for some time, and since when."""
        seen, quiet = {}, []
        for row in self._waiting():
            name = row.client_order_id
            found = self._mirror.orders.get(name)
            count, since = 0 if found is None else found.events, now
            before = self._seen.get(name)
            if before is not None and before[0] == count:
                since = before[1]
            if now - since >= QUIET_SECONDS:
                quiet.append((name, since))
                since = now
            seen[name] = (count, since)
        self._seen = seen
        return quiet

    def ask_for_differing(self, standing: Iterable[OrderRecord]) -> None:
        """Find out what has become of each order that does not work at the exchange as here."""
        there = {order.client_order_id: order for order in standing}
        for row in self._mirror.standing():
            found = there.get(row.client_order_id)
            if row.status not in UNHEARD and (found is None or found.filled != row.filled):
                self.find_out(row.client_order_id)

    def ask_for_waiting(self) -> None:
        """Find out at once what has become of each order that waits for the exchange."""
        for row in self._waiting():
            self.find_out(row.client_order_id)

    def never_was(self, name: str) -> None:
        """Take up that an order is none."""
        self._mirror.hide(name)
        self._never_arrived(name)

    def end(self) -> None:
        """Ask no more."""
        for task in self._asking.values():
            task.cancel()

    # -- One order ---------------------------------------------------------------------------------

    async def _find_out(self, name: str, is_conditional: bool, symbol: str, since: float) -> Said:
        """Ask until it is known; return what the adapter's request is answered."""
        denials, pause = 0, FIRST_PAUSE_SECONDS
        while True:
            await asyncio.sleep(pause)
            asked = time.monotonic()
            is_late = asked - since >= LATE_SECONDS
            why, pause = "the exchange says that there is no such order", _longer(pause)
            try:
                found = await self._ask(symbol, name, is_conditional)
            except FAILURES as error:
                why = f"the exchange does not say ({_reason(error)})"
                if isinstance(error, ExchangeError) and error.status in LIMITED:
                    pause = LIMITED_PAUSE_SECONDS
            else:
                denials += found is None
                if found is not None:
                    why = "what the exchange says of it does not fit together yet"
                    answer = await self._told(name, found, is_late=is_late)
                elif is_late and denials > 1:
                    answer = await self._gone(name)
                else:
                    answer = None
                if answer is not None:
                    return answer
            if time.monotonic() - since > UNKNOWN_SECONDS:
                self._overdue[name] = why
                self._tell_overdue()

    async def _told(self, name: str, found: OneOrder, *, is_late: bool) -> Said | None:
        """Tell the engine what the exchange says; return the answer once nothing is left to ask."""
        record = ExchangeRecord(0, orders=found.orders, trades=found.trades)
        known = known_orders(record, found.orders[0].symbol).get(name)
        row = self._mirror.order(name)
        if known is None or not found.is_whole:
            return None
        if row is not None and (events := events_of(row, known)):
            self._warn(f"What has become of {name} was learned by asking for it.")
            self._learned(any(e["o"].get("x") == "TRADE" for e in events))
            for event in events:
                await self.stream.put_in(event)
            await self._taken_up(name, known)
            row = self._mirror.order(name)
        if row is not None and row.status == "PENDING_CANCEL" and known.is_open:
            if not is_late:
                return None
            answer = said(
                REFUSED,
                {"code": OTHER_ERROR, "msg": f"{CANCEL_NEVER_ARRIVED}; the order works."},
            )
            self._refused[name] = time.monotonic(), answer
            return answer
        return said(OK, _answer(known))

    async def _taken_up(self, name: str, known: KnownOrder) -> None:
        """Wait until the engine has taken up what it was told, within a bound."""
        try:
            async with asyncio.timeout(TAKEN_UP_SECONDS):
                while (row := self._mirror.order(name)) is not None and events_of(row, known):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return

    async def _gone(self, name: str) -> Said | None:
        """Take up that there is no such order; ``None`` when that cannot be."""
        row = self._mirror.order(name)
        if row is None or row.status in UNHEARD:
            # The exchange has never known it: its id is free, and the same decision sends it again.
            self._warn(f"{name} never arrived: forgotten")
            if name not in self._waited:
                self.never_was(name)
            # Else the engine says so, once it has taken up the refusal: only then is the id free.
            return said(REFUSED, {"code": OTHER_ERROR, "msg": f"{NEVER_ARRIVED}."})
        if row.type == "MARKET":
            return None  # the exchange has taken it, and must know what became of it
        # It has worked, and works no more; the exchange forgets one that had no fill.
        await self.stream.put_in(canceled(row, time.time_ns() // 1_000_000))
        return said(OK, {"status": "CANCELED", "clientOrderId": name})

    async def _ask(self, symbol: str, name: str, is_conditional: bool) -> OneOrder | None:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await ask_for_order(self._requests, symbol, name, is_conditional=is_conditional)

    def _tell_overdue(self) -> None:
        self._say(
            " ".join(
                f"What has become of order {name} is unknown: {why}."
                for name, why in self._overdue.items()
            )
        )


def _answer(known: KnownOrder) -> dict[str, object]:
    """Return what the exchange would have answered to the request."""
    row = known.first
    common: dict[str, object] = {
        "symbol": row.symbol, "side": row.side, "positionSide": "BOTH",
        "timeInForce": row.time_in_force, "reduceOnly": row.reduce_only, "closePosition": False,
        "price": f"{row.price or 0:f}", "workingType": "CONTRACT_PRICE", "priceProtect": False,
        "updateTime": row.updated_ms,
    }  # fmt: skip
    if row.kind == "conditional":
        return common | {
            "algoId": int(row.exchange_order_id), "clientAlgoId": row.client_order_id,
            "algoType": "CONDITIONAL", "orderType": row.type, "algoStatus": row.status,
            "quantity": f"{row.quantity:f}", "triggerPrice": f"{row.trigger_price or 0:f}",
            "createTime": row.created_ms, "code": "200", "msg": "success",
        }  # fmt: skip
    return common | {
        "orderId": int(row.exchange_order_id), "clientOrderId": row.client_order_id,
        "status": row.status, "type": row.type, "origType": row.type, "avgPrice": "0",
        "origQty": f"{row.quantity:f}", "executedQty": f"{row.filled:f}", "cumQty": "0",
        "cumQuote": "0", "stopPrice": "0", "time": row.created_ms,
    }  # fmt: skip


def _is_conditional(row: OrderRow) -> bool:
    return row.trigger_price is not None


def _longer(pause: float) -> float:
    return min(2 * pause, LONGEST_PAUSE_SECONDS)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer in time"
    return " ".join(str(error).split()) or type(error).__name__

"""A small world around an event keeper, without engine and processes: it can end at each step.

Exchange and store outlive the keeper. Everything that leaves it is a place where it may be killed.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from node.baked import module

EVENTS = module("life.event_keeper")
SENDING = module("life.event_sending")
MEMORY = module("life.memory")
STORE = module("life.memory_store")
IDS = module("plan.order_ids")
RECORD = module("plan.event_record")
PLAN_MEMORY = module("plan.memory")
TRADED = module("plan.traded")
ROWS = module("plan.rows")
BARS = module("plan.bars")
CHANGES = module("engine.order_changes")
SITUATION = module("plan.situation")
ORDERS = module("venue.binance.orders")

SYMBOL, TAG, OWNER = "BTCUSDT", "EVT001", IDS.owner_of("TRADER-001", "EVT001", "BTCUSDT")
BEGAN_MS = 1_704_085_259_999
BAR_MS = 60_000
ONE = Decimal("0.010")


class Killed(BaseException):
    """The process has ended; nobody catches this."""


MOST_TURNS = 2_000
"""After so many turns of what is due it is a loop."""


@dataclass
class World:
    """What outlives a keeper.

    Parameters
    ----------
    bars : int
        How many bars have closed.
    orders : dict[str, Any]
        What the exchange knows, by client order id, in order.
    position : Decimal
        What is held there.
    stored : bytes, optional
        What the store has.
    store_away : bool
        Whether it takes nothing.
    steps : int
        How many places there were where a keeper could be killed.
    kill_at : int, optional
        At which of them it is.

    """

    bars: int = 2
    orders: dict[str, Any] = field(default_factory=dict)
    position: Decimal = Decimal(0)
    stored: bytes | None = None
    store_away: bool = False
    steps: int = 0
    kill_at: int | None = None
    is_killed: bool = False

    def reached(self) -> None:
        """Take note of a place where the keeper can be killed; end it if it is the one."""
        self.steps += 1
        if self.steps == self.kill_at:
            self.is_killed = True
        if self.is_killed:
            raise Killed

    def closed(self) -> list[Any]:
        """Return the bars that have closed."""
        ones = [Decimal(100)] * 4
        return [BARS.ClosedBar(BEGAN_MS + n * BAR_MS, *ones) for n in range(self.bars)]

    def place(self, row: Any) -> None:
        """Take an order; one at the market fills at once, and closes what it can."""
        assert row.client_order_id not in self.orders, f"{row.client_order_id} came twice"
        if row.type == "MARKET":
            self.position += row.signed_quantity
            row = replace(row, status="FILLED", filled=row.quantity)
        self.orders[row.client_order_id] = row

    def working(self) -> list[Any]:
        """Return what works."""
        return [row for row in self.orders.values() if not row.is_closed]

    def own(self) -> list[str]:
        """Return the strategy's own orders, in order, by their ids."""
        return [name for name in self.orders if IDS.parse(name).slot is not None]


class KeptStore:
    """The store as a memory uses it."""

    def __init__(self, world: World) -> None:
        self.world = world

    def key_of(self, tag: str) -> str:
        """Return where a line's memory is."""
        return tag

    async def read(self, key: str) -> bytes | None:
        """Return what is there."""
        return self.world.stored

    async def write(self, key: str, value: bytes) -> None:
        """Take it; before and after that the node can be killed."""
        self.world.reached()
        await asyncio.sleep(0)
        if self.world.store_away:
            raise STORE.NotRememberedError("it is away")
        self.world.stored = value
        self.world.reached()


@dataclass
class Life:
    """One life of a keeper: its desk, its listener, and the exchange as it asks it.

    Parameters
    ----------
    world : World
        What outlives it.
    decide : Callable
        The strategy's ``on_bar``.
    may_open_now : bool
        Whether no condition holds.
    halted : bool
        Whether a person has halted the symbol.
    wanted_since : int, optional
        Since when the strategy has asked for past bars.

    """

    world: World
    decide: Callable[["Life", Any], None]
    may_open_now: bool = True
    halted: bool = False
    wanted_since: int | None = None
    keeper: Any = None
    given: list[int] = field(default_factory=list)
    past: list[int] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    wrongs: dict[str, str] = field(default_factory=dict)
    warned: list[str] = field(default_factory=list)
    is_trading: bool = False
    tasks: list[Any] = field(default_factory=list)
    tick_size: Decimal = Decimal("0.1")
    lot: Decimal = Decimal("0.001")

    # -- The strategy's side ---------------------------------------------------------------------

    def order(self, client_order_id: str) -> Any:
        """Return an order that the engine knows: the exchange has told it all of them."""
        return self.world.orders.get(client_order_id)

    def submit_market(self, side: str, leg: str) -> str:
        """Make and submit an order at the market."""
        name = str(self.keeper.next_id(IDS.Leg(leg)))
        fields = {"side": side, "type": "MARKET"}
        self.keeper.do(RECORD.Deed(name, fields, opens=leg == "E"))
        return name

    # -- Desk ------------------------------------------------------------------------------------

    def wanted_since_ms(self) -> int | None:
        return self.wanted_since

    def give_past(self, bar: Any) -> None:
        self.past.append(bar.close_ms)

    def end_of_past(self) -> None:
        pass

    def give(self, bar: Any) -> None:
        self.given.append(bar.close_ms)
        self.decide(self, bar)

    def _place(self, name: str, kind: str, quantity: Decimal, trigger: Any, price: Any) -> None:
        self.world.reached()
        side = "BUY" if quantity > 0 else "SELL"
        parts = IDS.parse(name)
        row = ROWS.OrderRow(
            name, "1", SYMBOL, kind, side, "ACCEPTED", abs(quantity), Decimal(0),
            parts.leg != "E", price, trigger,
        )  # fmt: skip
        before = self.world.position
        self.world.place(row)
        self.world.reached()
        kind_of = CHANGES.ChangeKind.FILLED if kind == "MARKET" else CHANGES.ChangeKind.TAKEN
        change = CHANGES.OrderChange(name, kind_of, self.world.closed()[-1].close_ms + 1)
        self.soon(lambda: self.keeper.order_changed(change))
        if self.world.position != before:
            self.soon(self.keeper.position_changed)

    def opens(self, deed: Any) -> bool:
        """Return whether an order would make what is held larger; each is of the same size."""
        if IDS.parse(deed.client_order_id).leg == "X":
            return False
        held, sign = self.world.position, 1 if deed.order["side"] == "BUY" else -1
        return held * sign >= 0 or abs(held) < ONE

    def send(self, deed: Any) -> None:
        if deed.order is None:
            self.cancel(deed.client_order_id)
            return
        sign = 1 if deed.order["side"] == "BUY" else -1
        self._place(deed.client_order_id, deed.order["type"], sign * ONE, None, None)

    def deny(self, deed: Any, reason: str) -> None:
        self.denied.append(reason)

    def position(self) -> Any:
        held = self.world.position
        return ROWS.PositionRow(SYMBOL, held, "S", Decimal(100), 1) if held else None

    def equity(self) -> Decimal:
        return Decimal(1000)

    def unfinished(self) -> list[Any]:
        return self.world.working()

    def submit(self, order: Any) -> None:
        kind = "MARKET"
        if order.trigger_price is not None:
            kind = "STOP_MARKET"
        elif order.price is not None:
            kind = "LIMIT"
        name = order.client_order_id
        self._place(name, kind, order.quantity, order.trigger_price, order.price)

    def cancel(self, client_order_id: str) -> None:
        self.world.reached()
        row = self.world.orders[client_order_id]
        self.world.orders[client_order_id] = replace(row, status="CANCELED")
        change = CHANGES.OrderChange(client_order_id, CHANGES.ChangeKind.OTHER, 0)
        self.soon(lambda: self.keeper.order_changed(change))

    def query(self, client_order_id: str) -> None:
        pass

    def soon(self, work: Callable[[], None]) -> None:
        async def later() -> None:
            if not self.world.is_killed:
                work()

        self.background(later)

    def background(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work()))

    def warn(self, line: str) -> None:
        self.warned.append(line)

    # -- Exchange and listener -------------------------------------------------------------------

    async def closed_bars(self, count: int) -> list[Any]:
        return self.world.closed()[-count:]

    async def order_history(self, owner: str) -> Any:
        views = {name: SITUATION.order_view(row) for name, row in self.world.orders.items()}
        return ORDERS.OrderHistory(views)

    def ready(self, tag: str) -> None:
        self.is_trading = True
        self.keeper.begin()

    def failed(self, end: Exception) -> None:
        raise AssertionError(end)

    def looked(self) -> None:
        pass

    def odd(self, watch: str) -> None:
        pass

    def wrong(self, about: str, symbol: str, sentence: str, doing: str) -> None:
        self.wrongs[about] = sentence

    def right(self, about: str, symbol: str) -> None:
        self.wrongs.pop(about, None)

    def note(self, sentence: str) -> None:
        self.warned.append(sentence)

    def trades(self) -> bool:
        return self.is_trading

    def is_halted(self, symbol: str) -> bool:
        return self.halted

    def may_open(self, symbol: str) -> bool:
        return self.may_open_now and not (self.halted or self.wrongs)

    # -- Life ------------------------------------------------------------------------------------

    async def begin(self, line: Any, make: Any = None) -> None:
        """Load, and start the keeper."""
        memory = MEMORY.Memory(TAG, line.memory_form, KeptStore(self.world))
        await memory.load()
        make = make or EVENTS.EventKeeper
        self.keeper = make(line, OWNER, self, self, self, memory)
        self.keeper.started()
        await self.rest()

    async def rest(self) -> None:
        """Let everything happen that is due; raise if the keeper was killed meanwhile."""
        turns = 0
        while self.tasks:
            turns += 1
            assert turns < MOST_TURNS, "The keeper does not come to rest."
            done, self.tasks = self.tasks, []
            found = await asyncio.gather(*done, return_exceptions=True)
            for each in found:
                if isinstance(each, BaseException) and not isinstance(each, Killed):
                    raise each
            if self.world.is_killed:
                for task in self.tasks:
                    task.cancel()
                raise Killed

    async def step(self) -> None:
        """Close a bar, and let the keeper decide it."""
        self.world.bars += 1
        self.keeper.bar(self.world.closed()[-1])
        await self.rest()


def line(**changes: Any) -> Any:
    """Return a line of ``strategies/``."""
    given = {"make": object, "symbol": SYMBOL, "bar": "1m", "tag": TAG, "window": 2}
    return TRADED.EventDriven(**{**given, "cool_down": 0, **changes})

"""The exchange as a play moves it: bars, prices, gates, and what is on its ledger."""

from decimal import Decimal
from typing import Any

from recovery_drill.failures import Unsupported
from recovery_drill.faults.exchange import stop_of_position
from recovery_drill.faults.fault import Fault
from recovery_drill.play.nemesis import Nemesis
from recovery_drill.play.site import Site
from recovery_drill.record.model import ExchangeOrder, Ledger, Record, read_records
from recovery_drill.runtimes.protocol import Ability

NO_STOP = "It is about a protective stop, and the policy promises none."
MORE_THAN_STOP = (
    "On its way to the stop the price filled other orders at the same moment, and what is done "
    "between two of them depends on milliseconds."
)


class Market:
    """What happens at the exchange of one play, disturbed or not.

    Parameters
    ----------
    site : Site
        The play.
    nemesis : Nemesis
        Hears of each bar.

    """

    def __init__(self, site: Site, nemesis: Nemesis) -> None:
        self._site = site
        self._exchange = site.runtime.exchange
        self._nemesis = nemesis

    @property
    def bar(self) -> int:
        """The last closed bar, by its close time (ms)."""
        return self._site.bar

    @property
    def symbol(self) -> str:
        """The first symbol that the node owns: faults strike there, and prices are moved there."""
        return self._site.symbol

    @property
    def url(self) -> str:
        """Where the exchange answers requests."""
        return self._exchange.http_url

    async def open(self) -> None:
        """Take note of where it begins."""
        ledger = await self.ledger()
        self._site.bar, self._site.history.market_ms = ledger.bar, ledger.market_ms
        price = str(ledger.prices[self._site.symbol])
        self._site.history.record("drill", "opened", {"bar": ledger.bar, "price": price})

    async def ledger(self) -> Ledger:
        """Return everything that happened, as the exchange has it."""
        return await self._exchange.ledger()

    async def walk(self, *, told: bool = False) -> bool:
        """Walk the price on through the forming bar, and return whether that changed anything.

        It stays where the first order has filled or triggered: one that rests for rest each time
        plays the same each time, however close together orders lie. A change that is told is also a
        place where a node can be killed.
        """
        if not await self._exchange.walk():
            return False
        if told:
            self._site.history.record("drill", "bar.walked", {"bar": self.bar})
            self._nemesis.hear("bar", "bar", "walked")
        return True

    async def close_bar(self) -> None:
        """Close the forming bar."""
        self._site.bar = bar = await self._exchange.step()
        self._site.history.market_ms = self._exchange.market_ms = bar
        self._site.history.record("drill", "bar.stepped", {"bar": bar})
        self._nemesis.hear("bar", "bar", "closed")

    async def stop_of_position(self) -> ExchangeOrder:
        """Return the working protective stop; see `recovery_drill.faults.exchange`.

        Raises
        ------
        Unsupported
            If the node promises none.

        """
        if not self._site.policy.protective_stop:
            raise Unsupported(NO_STOP)
        return stop_of_position(await self.ledger(), self._site.symbol)

    async def through_stop(self, stop: ExchangeOrder) -> bool:
        """Let the price run through a stop and come back at once; return whether it has filled.

        Where it fills other orders on its way, too, what a node does that hears of them one after
        the other is a matter of milliseconds, and one that is down meanwhile does not do it at all:
        what follows is not compared with an undisturbed play.
        """
        before = len((await self.ledger()).fills)
        await self._exchange.wick(self._site.symbol, beyond(stop))
        ledger = await self.ledger()
        names = {fill.client_order_id for fill in ledger.fills[before:]}
        if any(o.client_order_id in names and not o.reduce_only for o in ledger.orders):
            self._site.history.record("drill", "unequal", {"what": MORE_THAN_STOP})
        return stop.client_order_id in names

    async def reach(self, price: Decimal) -> bool:
        """Let the price go towards a level; return whether it stays at a change on its way."""
        return bool(await self._exchange.reach(self._site.symbol, price))

    async def price(self) -> Decimal:
        """Return the last price."""
        return (await self.ledger()).prices[self._site.symbol]

    async def thin(self, quantity: str) -> str:
        """Let so little be on offer at each price that orders fill in parts, until released."""
        return await self.gate({"name": "thin", "symbol": self._site.symbol, "quantity": quantity})

    async def gate(self, gate: dict[str, Any]) -> str:
        """Let the exchange hold a request or an event once it comes; return the gate's id."""
        return await self._exchange.arm(gate)

    async def holds(self, gate_id: str, seconds: float) -> bool:
        """Return whether a gate holds something, waiting so long for it."""
        return await self._exchange.fired(gate_id, seconds)

    def note_held(self, gate_id: str, gate: dict[str, Any]) -> None:
        """Record that a gate holds what it was armed for."""
        self._site.history.record("drill", "gate.fired", {"id": gate_id, **gate})

    async def has_met(self, fault: Fault) -> bool:
        """Return whether a fault that lasts has come to bear."""
        return await fault.met(self._site)

    async def release(self, gate_id: str) -> None:
        """Let go what a gate holds."""
        await self._exchange.release(gate_id)

    def sockets(self, kind: str) -> int:
        """Count how many sockets were ``opened`` or ``closed`` until now; see `_journal`."""
        return sum(record.kind == f"socket.{kind}" for record in self._journal())

    def has_asked_twice(self, leg: str) -> bool:
        """Return whether an order of some leg was asked for twice by now; see `_journal`."""
        asked = [r.data for r in self._journal() if r.kind == "request"]
        names = [data["client_order_id"] for data in asked if data["leg"] == leg]
        return len(names) > len(set(names))

    def _journal(self) -> list[Record]:
        """Return what the exchange has recorded until now.

        Raises
        ------
        Unsupported
            If its journal cannot be read while it is written.

        """
        if why := self._site.runtime.lacks(Ability.JOURNAL):
            raise Unsupported(why)
        lines = self._site.runtime.journal.read_text(encoding="utf-8").splitlines()
        return read_records(lines)


def beyond(stop: ExchangeOrder) -> Decimal:
    """Return a price that triggers a stop for certain: half a percent beyond its trigger."""
    assert stop.trigger_price is not None
    factor = Decimal("0.995") if stop.side == "SELL" else Decimal("1.005")
    return stop.trigger_price * factor

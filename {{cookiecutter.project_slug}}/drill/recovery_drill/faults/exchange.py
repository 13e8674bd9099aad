"""What the exchange does wrong, and what is done there by another hand than the node's.

The exchange's own faults are named in ``contract.md``; one of the drill's is made of some of them.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from recovery_drill.failures import Inconclusive
from recovery_drill.faults.fault import Fault, Site
from recovery_drill.record.model import ExchangeOrder, Ledger, read_records
from recovery_drill.runtimes.protocol import Ability, Runtime

MET = "fault met"
ALWAYS = 1000
"""As many times as a fault can be met."""
NOT_TRADING = -4140
"""The code with which an order is refused that would open while the symbol does not trade."""
BEYOND_BAND = -4131
"""The code with which a market order is refused when the best price is too far from the mark."""
FAR_ABOVE, FAR_BELOW = Decimal("1.08"), Decimal("0.92")
SIGNED = (
    *("order.new", "order.amend", "order.query", "order.cancel", "order.cancel_all"),
    *("order.batch_new", "order.batch_cancel", "orders.open", "orders.all", "trades.all"),
    *("conditional.new", "conditional.query", "conditional.cancel", "conditional.cancel_all"),
    *("conditionals.open", "conditionals.all", "account.read", "account_config.read"),
    *("balance.read", "positions.read", "position_mode.read", "assets_mode.read"),
    *("symbol_config.read", "brackets.read", "leverage.set", "commission.read", "income.read"),
)
"""The requests that are signed, as far as a node may send them."""
MORE_QUANTITY = LESS_QUANTITY = "0.003"

type Armed = dict[str, Any]
"""A fault as the exchange takes it."""


def of_request(name: str, match: Mapping[str, str], **more: Any) -> Armed:
    """Return a fault that a request meets."""
    return {"name": name, "match": dict(match), **more}


def of_event(name: str, event: str, execution: str = "", **more: Any) -> Armed:
    """Return a fault that a user event meets."""
    match = {"event": event, "execution": execution} if execution else {"event": event}
    return {"name": name, "match": match, **more}


def of_bar(name: str, **more: Any) -> Armed:
    """Return a fault that the end of a bar meets."""
    return {"name": name, **more}


class ExchangeFault(Fault):
    """One or more of the exchange's faults, armed together.

    Parameters
    ----------
    name : str
        What it is called, less its prefix.
    armed : Armed
        The faults, as the exchange takes them.

    """

    shows = MET

    def __init__(self, name: str, *armed: Armed) -> None:
        self.name = f"exchange.{name}"
        self._armed = armed
        self._ids: list[str] = []

    async def begin(self, site: Site) -> None:
        """Arm them."""
        self._ids = [await site.runtime.exchange.arm(fault) for fault in self._armed]

    async def met(self, site: Site) -> bool:
        """Return whether all have happened."""
        return all([await site.runtime.exchange.fired(fault_id) for fault_id in self._ids])

    async def end(self, site: Site) -> None:
        """Disarm them, or let go what they hold."""
        for fault_id in self._ids:
            await site.runtime.exchange.release(fault_id)


class SocketFault(ExchangeFault):
    """Sockets break or lose their key, and when they are open again can be read in the journal."""

    def unavailable(self, runtime: Runtime) -> str:
        """Return why the journal cannot be read."""
        return runtime.lacks(Ability.JOURNAL)


class DeafForBars(ExchangeFault):
    """Sockets are broken or deaf while bars close."""

    bars_to_hear = 1


class RefusedForBars(ExchangeFault):
    """Orders are refused while bars close; a node that has learned it may wait for many more."""

    bars_to_hear = 18


class SignedRefused(RefusedForBars):
    """Every signed request is refused, so that nothing of the account can be asked or done.

    Parameters
    ----------
    name : str
        What it is called, less its prefix.
    status, code : int
        What is answered.

    """

    def __init__(self, name: str, status: int, code: int) -> None:
        armed = [
            of_request("fail", {"request": request}, times=ALWAYS, status=status, code=code)
            for request in SIGNED
        ]
        super().__init__(name, *armed)

    async def met(self, site: Site) -> bool:
        """Return whether one of them has happened: no node sends them all."""
        return any([await site.runtime.exchange.fired(fault_id) for fault_id in self._ids])


class Settling(SocketFault):
    """The symbol settles: what opens or adds is refused, and what only reduces is taken."""

    bars_to_hear = 18

    def __init__(self) -> None:
        super().__init__("settle")

    async def begin(self, site: Site) -> None:
        """Let it settle."""
        settle = {"name": "settle", "symbol": site.symbol}
        self._ids = [await site.runtime.exchange.arm(settle)]

    async def met(self, site: Site) -> bool:
        """Return whether an order was refused because of it."""
        lines = site.runtime.journal.read_text(encoding="utf-8").splitlines()
        return any(
            record.kind == "request" and record.data["code"] == NOT_TRADING
            for record in read_records(lines)
        )


class FarMark(SocketFault):
    """The mark price is so far from the last one that what would close the position is refused.

    The exchange measures from it how far an order may go, and refuses who would pay too much more,
    or get too much less.
    """

    bars_to_hear = 18

    def __init__(self) -> None:
        super().__init__("far_mark")

    async def begin(self, site: Site) -> None:
        """Let it go away, to where the position would gain: there its exits are refused."""
        exchange = site.runtime.exchange
        ledger = await exchange.ledger()
        stop = stop_of_position(ledger, site.symbol)
        factor = FAR_ABOVE if stop.side == "SELL" else FAR_BELOW
        price = str(ledger.prices[site.symbol] * factor)
        far = {"name": "mark", "symbol": site.symbol, "price": price}
        self._ids = [await exchange.arm(far)]

    async def met(self, site: Site) -> bool:
        """Return whether an order was refused because of it, or a stop that triggered rejected."""
        lines = site.runtime.journal.read_text(encoding="utf-8").splitlines()
        return any(
            (record.kind == "request" and record.data["code"] == BEYOND_BAND)
            or (record.kind == "conditional.closed" and record.data["status"] == "REJECTED")
            for record in read_records(lines)
        )


class OtherHand(Fault):
    """What is done to the account without the node: by its owner elsewhere, or by the exchange.

    Parameters
    ----------
    what : str
        The exchange's fault that does it.

    """

    shows = MET

    def __init__(self, what: str) -> None:
        self.name = f"exchange.{what}"
        self._what = what

    async def begin(self, site: Site) -> None:
        """Do it."""
        exchange = site.runtime.exchange
        stop = stop_of_position(await exchange.ledger(), site.symbol)
        await exchange.arm({"name": self._what, **self._options(site.symbol, stop)})

    def _options(self, symbol: str, stop: ExchangeOrder) -> dict[str, str]:
        match self._what:
            case "cancel":
                return {"client_order_id": stop.client_order_id}
            case "order":
                return {"symbol": symbol, "side": "BUY", "quantity": MORE_QUANTITY}
            case "reduce":
                return {"symbol": symbol, "quantity": LESS_QUANTITY}
            case _:
                return {"symbol": symbol}


def stop_of_position(ledger: Ledger, symbol: str) -> ExchangeOrder:
    """Return the working protective stop.

    Raises
    ------
    Inconclusive
        If there is none to use.

    """
    stops = [order for order in ledger.working(symbol) if order.protects]
    if not stops or stops[0].trigger_price is None:
        raise Inconclusive("The position has no protective stop that could be triggered.")
    return stops[0]

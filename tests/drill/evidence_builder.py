"""Hand-made histories: a sound one, and the words to spoil it."""

from collections.abc import Callable
from typing import Any

import msgspec

from recovery_drill.checks import judge
from recovery_drill.record.evidence import Evidence, FaultSpan, Life, Named, Snapshot
from recovery_drill.record.health import HealthLook
from recovery_drill.record.model import Ledger, NodeState, Record, StoreLook
from recovery_drill.record.policy import Policy

SYMBOL = "BTCUSDT"
BAR = 1_704_085_259_999
SECOND = 1_000_000_000

POLICY = Policy(
    node_command=("node",),
    symbols=(SYMBOL,),
    intent=r"^(?P<intent>.+-[EX])\d+$",
    warm_up_bars=60,
)


def order_row(**changes: Any) -> dict[str, Any]:
    """Return a ledger row of a filled market entry."""
    return {
        "kind": "order",
        "exchange_order_id": "11",
        "client_order_id": "EMA001-1704085259-E0",
        "symbol": SYMBOL,
        "side": "BUY",
        "type": "MARKET",
        "quantity": "0.010",
        "filled": "0.010",
        "price": None,
        "trigger_price": None,
        "average_price": "60000",
        "status": "FILLED",
        "reduce_only": False,
        "close_position": False,
        "created_ms": BAR + 1,
        "updated_ms": BAR + 2,
        "triggered_order_id": None,
        **changes,
    }


def stop_row(**changes: Any) -> dict[str, Any]:
    """Return a ledger row of a working protective stop."""
    stop = {
        "kind": "conditional",
        "exchange_order_id": "12",
        "client_order_id": "EMA001-1704085259-S0",
        "side": "SELL",
        "type": "STOP_MARKET",
        "filled": "0",
        "trigger_price": "59000",
        "status": "NEW",
        "reduce_only": True,
    }
    return order_row(**{**stop, **changes})


def fill_row(**changes: Any) -> dict[str, Any]:
    """Return the entry's fill."""
    return {
        "trade_id": "1",
        "exchange_order_id": "11",
        "client_order_id": "EMA001-1704085259-E0",
        "symbol": SYMBOL,
        "side": "BUY",
        "quantity": "0.010",
        "price": "60000",
        "commission": "0.3",
        "realized_pnl": "0",
        "maker": False,
        "market_ms": BAR + 2,
        "position_after": "0.010",
        **changes,
    }


def ledger(**changes: Any) -> Ledger:
    """Return an exchange that holds 0.010 bought in one fill, with one stop."""
    value = {
        "market_ms": BAR + 4,
        "bar": BAR,
        "seq": 40,
        "wallet": {"USDT": "9999.7"},
        "positions": [{"symbol": SYMBOL, "quantity": "0.010", "entry_price": "60000"}],
        "orders": [order_row(), stop_row()],
        "fills": [fill_row()],
        **changes,
    }
    return msgspec.convert(value, type=Ledger, strict=False)


def flat_ledger(**changes: Any) -> Ledger:
    """Return an exchange on which nothing has happened."""
    return ledger(**{"positions": [], "orders": [], "fills": [], **changes})


def node_order(**changes: Any) -> dict[str, Any]:
    """Return the entry as the node holds it."""
    return {
        "client_order_id": "EMA001-1704085259-E0",
        "exchange_order_id": "11",
        "type": "MARKET",
        "side": "BUY",
        "quantity": "0.010",
        "filled": "0.010",
        "status": "FILLED",
        "reduce_only": False,
        "trade_ids": ["1"],
        **changes,
    }


def node_stop(**changes: Any) -> dict[str, Any]:
    """Return the stop as the node holds it."""
    stop = {
        "client_order_id": "EMA001-1704085259-S0",
        "exchange_order_id": "12",
        "type": "STOP_MARKET",
        "side": "SELL",
        "filled": "0",
        "status": "ACCEPTED",
        "reduce_only": True,
        "trigger_price": "59000",
        "trade_ids": [],
    }
    return node_order(**{**stop, **changes})


def state(**changes: Any) -> NodeState:
    """Return a node that knows what the exchange knows."""
    value = {
        "schema": 1,
        "pid": 4242,
        "stage": "trading",
        "inflight": 0,
        "decided_bar": {SYMBOL: BAR},
        "positions": [{"symbol": SYMBOL, "quantity": "0.010", "strategy_id": "EMA-001"}],
        "orders": [node_order(), node_stop()],
        **changes,
    }
    return msgspec.convert(value, type=NodeState, strict=False)


def snapshot(**changes: Any) -> Snapshot:
    """Return node and exchange in agreement."""
    whole = {"when": "after restart 1", "state": state(), "ledger": ledger(), **changes}
    return Snapshot(**whole)


def look(**changes: Any) -> StoreLook:
    """Return a store that holds what the node holds."""
    entry = [["OrderInitialized"], ["OrderFilled", "1", "0.010", "BUY"]]
    value = {
        "when": "before kill 1",
        "behind": None,
        "orders": {"EMA001-1704085259-E0": entry, "EMA001-1704085259-S0": [["OrderAccepted"]]},
        "positions": {"BTCUSDT-PERP.BINANCE-EMA-001": [["1", "BUY", "0.010"]]},
        "keys": ["general:EMA-001.memory"],
        "mono_ns": 9 * SECOND,
        **changes,
    }
    return msgspec.convert(value, type=StoreLook, strict=False)


def fault(**changes: Any) -> FaultSpan:
    """Return an outage of the store of ten seconds that a node must notice."""
    whole = {
        "name": "store.pause",
        "began_ns": 20 * SECOND,
        "ended_ns": 30 * SECOND,
        "must_notice": True,
        "of_store": True,
        **changes,
    }
    return FaultSpan(**whole)


def life(**changes: Any) -> Life:
    """Return a life that traded after two seconds and was killed after ten."""
    whole = {
        "number": 1,
        "pid": 4242,
        "started_ns": 0,
        "stages": (("preflight", SECOND // 2), ("warmup", SECOND), ("trading", 2 * SECOND)),
        "ended_ns": 10 * SECOND,
        "exit_code": -9,
        "how": "killed",
        **changes,
    }
    return Life(**whole)


class Journal:
    """Writes exchange records in order, half a second apart."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.mono_ns = 2 * SECOND

    def add(self, kind: str, /, **data: Any) -> "Journal":
        """Append one record."""
        self.mono_ns += SECOND // 2
        record = Record(
            v=1,
            seq=len(self.records) + 1,
            mono_ns=self.mono_ns,
            wall_ns=0,
            market_ms=BAR,
            source="exchange",
            kind=kind,
            data=data,
        )
        self.records.append(record)
        return self

    def asked(self, request: str, /, **data: Any) -> "Journal":
        """Append a request."""
        return self.add("request", request=request, symbol=SYMBOL, status=200, code=None, **data)

    def entered(self, **changes: Any) -> "Journal":
        """Append an entry and its fill."""
        row = order_row(**changes)
        self.add("order.accepted", **{**row, "status": "NEW", "filled": "0"})
        self.add("order.filled", **row, fill=fill_row())
        return self.holds(row["quantity"] if row["side"] == "BUY" else f"-{row['quantity']}")

    def holds(self, quantity: str) -> "Journal":
        """Append a change of position."""
        return self.add("position.changed", symbol=SYMBOL, quantity=quantity, entry_price="60000")

    def stop(self, what: str, /, **changes: Any) -> "Journal":
        """Append something that happened to a stop."""
        return self.add(f"conditional.{what}", **stop_row(**changes))


def sound_journal() -> Journal:
    """Return the journal of a warm node that entered once and protected itself."""
    journal = Journal().asked("klines.read", rows=60)
    journal.asked("order.new", leg="entry", client_order_id="EMA001-1704085259-E0")
    return journal.entered().stop("accepted")


def eventful_journal() -> Journal:
    """Return the same with a refused order, and one of another hand."""
    others = {"client_order_id": "web_9", "exchange_order_id": "90", "reduce_only": False}
    refused = {"request": "conditional.new", "leg": "stop", "status": 400, "code": -2021}
    return sound_journal().stop("accepted", **others).add("request", symbol=SYMBOL, **refused)


def evidence(change: Callable[[Evidence], Evidence] = lambda e: e, **changes: Any) -> Evidence:
    """Return a history in which every promise held, changed as asked."""
    whole = {
        "policy": POLICY,
        "lives": (life(),),
        "snapshots": (snapshot(),),
        "journal": tuple(sound_journal().records),
        "reference": tuple(sound_journal().records),
        **changes,
    }
    if "journal" in changes and "reference" not in changes:
        whole["reference"] = tuple(changes["journal"])
    return change(Evidence(**whole))


def eventful(**changes: Any) -> Evidence:
    """Return a history in which every promise held and every check has something to look at.

    The node is killed holding a position, comes back, loses its store, ends by itself to be started
    again, and is stopped in its third life. Beside it another hand has an order, and one of the
    node's own is refused.
    """
    second = life(
        number=2,
        started_ns=11 * SECOND,
        stages=(("trading", 13 * SECOND), ("degraded", 22 * SECOND)),
        ended_ns=23 * SECOND,
        exit_code=75,
        how="by itself",
        said="The store has been away for 3 s.",
    )
    third = life(
        number=3,
        started_ns=24 * SECOND,
        stages=(("trading", 33 * SECOND), ("stopping", 50 * SECOND)),
        ended_ns=51 * SECOND,
        exit_code=0,
        how="stopped",
        said="",
    )
    first = {"when": "after its first start", "state": state(positions=[], orders=[])}
    whole = {
        "lives": (life(), second, third),
        "snapshots": (
            snapshot(**first, ledger=flat_ledger(seq=0), mono_ns=2 * SECOND),
            snapshot(when="before kill 1", mono_ns=8 * SECOND),
            snapshot(mono_ns=15 * SECOND),
        ),
        "store_looks": (look(), look(when="after restart 1", mono_ns=16 * SECOND)),
        "health_looks": (HealthLook("while store.pause lasted", 503, "degraded"),),
        "faults": (fault(),),
        "after_stop": ledger(),
        "journal": eventful_journal().records,
        "named": (Named("store", 5, "store: The store does not answer.", 503),),
        **changes,
    }
    return evidence(**whole)


def broken(found: Evidence) -> dict[str, tuple[str, ...]]:
    """Return the broken promises, by the check that names them."""
    return {result.name: result.broken for result in judge(found) if result.broken}


def looked_at(found: Evidence) -> dict[str, int]:
    """Return how many things each check looked at."""
    return {result.name: result.evaluated for result in judge(found)}


def with_state(**changes: Any) -> Evidence:
    """Return the sound history with another node state."""
    return evidence(snapshots=(snapshot(state=state(**changes)),))


def with_ledger(**changes: Any) -> Evidence:
    """Return the sound history with another ledger."""
    return evidence(snapshots=(snapshot(ledger=ledger(**changes)),))


def without_stop_promise() -> Policy:
    """Return a policy that asks for no protective stop."""
    return msgspec.structs.replace(POLICY, protective_stop=False)

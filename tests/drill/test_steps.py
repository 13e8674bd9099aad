"""What a play waits for is asked of each symbol by itself: a stop protects no other symbol."""

from typing import Any

import msgspec
import pytest

from drill.evidence_builder import POLICY, SYMBOL, fill_row, flat_ledger, ledger, state, stop_row
from recovery_drill.failures import Unsettled
from recovery_drill.record.model import Ledger
from recovery_drill.record.policy import Budgets, Policy
from recovery_drill.scenarios.steps import has_traded_on, holding, until_protected

OTHER = "ETHUSDT"
HERE = {"symbol": SYMBOL, "quantity": "0.010", "entry_price": "60000"}
THERE = {"symbol": OTHER, "quantity": "-0.030", "entry_price": "3000"}
STOP = stop_row()
OTHER_STOP = stop_row(symbol=OTHER, side="BUY", quantity="0.030", exchange_order_id="13")
BOTH = msgspec.structs.replace(POLICY, symbols=(SYMBOL, OTHER), budgets=Budgets(settle_seconds=0.1))


class World:
    """What of a play is needed to look at its exchange, where nothing happens any more."""

    def __init__(self, there: Ledger, policy: Policy) -> None:
        self.policy = policy
        self.market = self
        self.symbol = policy.symbols[0]
        self.shown: list[str] = []
        self._ledger = there

    async def ledger(self) -> Ledger:
        return self._ledger

    async def show(self, when: str) -> None:
        self.shown.append(when)


def world(*positions: dict[str, str], orders: list[dict[str, Any]], policy: Policy = BOTH) -> Any:
    return World(ledger(positions=list(positions), orders=orders), policy)


@pytest.mark.parametrize(
    ("positions", "orders"),
    [
        ((), []),
        ((), [STOP]),
        ((HERE,), [STOP]),
        ((THERE,), [OTHER_STOP]),
        ((HERE, THERE), [STOP, OTHER_STOP]),
        (({**HERE, "symbol": "SOLUSDT"},), []),  # none of the node's symbols
    ],
)
async def test_what_is_protected_is_not_waited_for(
    positions: tuple[dict[str, str], ...], orders: list[dict[str, Any]]
) -> None:
    there = world(*positions, orders=orders)
    await until_protected(there, "after the fault")
    assert there.shown == []


@pytest.mark.parametrize(
    ("orders", "naked"),
    [
        ([], "BTCUSDT, ETHUSDT"),
        ([STOP], OTHER),
        ([OTHER_STOP], SYMBOL),
        ([STOP, {**OTHER_STOP, "symbol": SYMBOL}], OTHER),
        ([STOP, {**OTHER_STOP, "side": "SELL"}], OTHER),
        ([STOP, {**OTHER_STOP, "status": "CANCELED"}], OTHER),
        ([STOP, {**OTHER_STOP, "reduce_only": False}], OTHER),
    ],
)
async def test_each_position_waits_for_a_stop_of_its_own(
    orders: list[dict[str, Any]], naked: str
) -> None:
    there = world(HERE, THERE, orders=orders)
    with pytest.raises(Unsettled, match=f"in {naked} was not protected within 0.1 s after the"):
        await until_protected(there, "after the fault")
    assert there.shown == ["0.1 s after the fault"]


async def test_what_no_stop_is_promised_for_is_not_waited_for() -> None:
    without = msgspec.structs.replace(BOTH, protective_stop=False)
    there = world(HERE, THERE, orders=[], policy=without)
    await until_protected(there, "after the fault")
    assert there.shown == []
    node, exchange = state(positions=[HERE]), ledger(orders=[])
    assert holding(there)(node, exchange)
    assert not holding(world(orders=[]))(node, exchange)


def test_holding_is_to_hold_where_faults_strike() -> None:
    holds = holding(world(orders=[]))
    node = state(positions=[HERE, THERE])
    assert holds(node, ledger(positions=[HERE, THERE], orders=[STOP]))
    assert not holds(node, ledger(positions=[HERE, THERE], orders=[OTHER_STOP]))
    assert not holds(state(positions=[THERE]), ledger(positions=[THERE], orders=[OTHER_STOP]))
    assert not holds(state(positions=[]), ledger())
    assert not holds(node, flat_ledger())


@pytest.mark.parametrize(
    ("fills", "wanted"),
    [
        ([], False),
        ([(SYMBOL, "0")], False),
        ([(SYMBOL, "0"), (SYMBOL, "0.010")], True),
        ([(SYMBOL, "0.010"), (SYMBOL, "0")], False),
        ([(SYMBOL, "0"), (OTHER, "0.010")], False),
        ([(OTHER, "0"), (SYMBOL, "0.010")], False),
        ([(SYMBOL, "0"), (OTHER, "0"), (SYMBOL, "-0.010")], True),
    ],
)
def test_trading_on_is_to_close_and_to_open_the_same_symbol(
    fills: list[tuple[str, str]], wanted: bool
) -> None:
    rows = [fill_row(symbol=symbol, position_after=after) for symbol, after in fills]
    assert has_traded_on(ledger(fills=rows).fills, SYMBOL) is wanted

"""What the format believes of the engine, held against the engine; and the mark of a store."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.core.datetime import millis_to_nanos

from node.baked import module
from node.engine_load import SERIALIZER, load_order
from node.stores import FORMAT, RAW, TRADER, Market, packed, unpacked

CODEC = module("engine.mending.encoding_v1").CODEC
EVENTS = module("engine.mending.events")
ORDERS = module("engine.mending.stored_orders")
MARKER = module("guards.mend.marker")
NAME = "1jnoyl7h-1704085199-E0"
KINDS = (
    "Denied",
    "Submitted",
    "Accepted",
    "Rejected",
    "Canceled",
    "Expired",
    "Triggered",
    "PendingUpdate",
    "PendingCancel",
    "ModifyRejected",
    "CancelRejected",
    "Updated",
    "Filled",
)


def event(market: Market, kind: str, count: int = 0, number: str = "7") -> dict[str, Any]:
    """Return one event of an order, as the engine would store it."""
    more: dict[str, Any] = {}
    if kind == "Filled":
        trade = market.trades[0]
        filled = market._filled(trade, NAME)
        return filled | {"trade_id": str(count), "venue_order_id": number, "last_qty": "0.004"}
    if kind in ("Denied", "Rejected", "ModifyRejected", "CancelRejected"):
        more["reason"] = "why"
    if kind == "Updated":
        more = {"quantity": "0.011", "price": None, "trigger_price": "59000.00",
                "is_quote_quantity": False}  # fmt: skip
    made = market.event(NAME, kind, number, **more)
    if kind == "Denied":
        made = {k: v for k, v in made.items() if k not in ("venue_order_id", "account_id")}
        del made["reconciliation"]
    if kind == "Rejected":
        del made["venue_order_id"]
        made["due_post_only"] = False
    return made


def market() -> Market:
    made = Market()
    made.send(NAME, "-0.011", trigger="59000.00", heard=1)
    made.send("other", "-0.011")
    made.fill("other", "0.004")
    return made


@pytest.mark.parametrize("kind", ["Initialized", *KINDS])
def test_an_event_of_the_engine_is_read_and_written_to_the_byte(kind: str) -> None:
    made = market()
    row = unpacked(made.keys, f"orders:{NAME}")[0] if kind == "Initialized" else event(made, kind)
    [raw] = packed([row]).value
    real = SERIALIZER.serialize(SERIALIZER.deserialize(raw))
    assert CODEC.encoded(CODEC.order_event(real)) == real


def test_an_account_s_state_is_read_and_written_to_the_byte() -> None:
    [raw] = packed([Market().account()]).value
    real = SERIALIZER.serialize(SERIALIZER.deserialize(raw))
    assert CODEC.encoded_state(CODEC.account_state(real)) == real


@given(st.integers(1_500_000_000_000, 2_500_000_000_000))
def test_stamps_are_rounded_as_the_adapter_does(milliseconds: int) -> None:
    assert CODEC.adapter_ns(milliseconds) == str(millis_to_nanos(milliseconds))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(KINDS), max_size=7), st.sampled_from(["LIMIT", "STOP_MARKET"]))
def test_the_engine_takes_the_orders_that_the_format_takes(kinds: list[str], kind: str) -> None:
    made = market()
    first = unpacked(made.keys, f"orders:{NAME}")[0]
    if kind == "LIMIT":
        options = {"price": "59000.00", "expire_time_ns": 0}
        first |= {"order_type": "LIMIT", "options": options}
    rows = packed([first, *(event(made, each, n) for n, each in enumerate(kinds))]).value
    try:
        status = load_order(rows).status.name
    except Exception:
        status = None
    try:
        ours = ORDERS.stored_order(NAME, TRADER, rows, CODEC).status
    except ORDERS.BadEvent as fault:
        ours = None
        if "has filled" in str(fault) or "its quantity" in str(fault):
            return  # more than was ordered: the engine lets it pass, the format does not
    assert ours == status


def test_a_mark_is_known_and_a_foreign_one_is_named() -> None:
    form = FORMAT(TRADER)
    mark = RAW("string", MARKER.mark(form, TRADER))
    assert json.loads(mark.value) == {"format": "nautilus-1", "trader": TRADER}
    assert MARKER.is_marked({"format": mark}, form, TRADER)
    assert MARKER.foreign({"format": mark}, form, TRADER) == ""
    assert MARKER.foreign({}, form, TRADER) == ""
    other = RAW("string", json.dumps({"format": "nautilus-2", "trader": TRADER}).encode())
    assert "nautilus-2" in MARKER.foreign({"format": other}, form, TRADER)
    copy = RAW("string", json.dumps({"format": "nautilus-1", "trader": "TRADER-9"}).encode())
    assert "TRADER-9" in MARKER.foreign({"format": copy}, form, TRADER)
    for nonsense in (RAW("list", [b"1"]), RAW("string", b"\xff"), RAW("string", b"[" * 900)):
        assert MARKER.foreign({"format": nonsense}, form, TRADER) == ""
        assert MARKER.is_unreadable({"format": nonsense})


def test_the_format_names_the_package_s_own_strategy_and_account() -> None:
    form = module("engine.mending.store_format")
    assert module("engine.v1.shell").TargetStrategy.__name__ == form.STRATEGY
    views = module("engine.v1.views")
    assert str(views.instrument_id_of("BTCUSDT")) == "BTCUSDT-PERP.BINANCE"

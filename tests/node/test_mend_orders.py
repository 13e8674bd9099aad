"""What a mend makes of orders and positions, kind by kind; the engine itself loads the outcome."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from node.engine_load import held, load
from node.stores import (
    FORMAT,
    INSTRUMENT,
    NOW_NS,
    OWNERS,
    POSITION,
    RAW,
    RECORDS,
    STRATEGY,
    SYMBOL,
    TRADER,
    Market,
    applied,
    kinds,
    mended,
    packed,
    plan_of,
    unpacked,
)

ENTRY, STOP = "1jnoyl7h-1704085199-E0", "1jnoyl7h-1704085199-S0"
NEXT, FLIP = "1jnoyl7h-1704085259-E0", "1jnoyl7h-1704085319-E0"


def holding() -> Market:
    """Return a node that is long with a working stop, after a position that its stop ended."""
    market = Market()
    market.send(ENTRY, "-0.010")
    market.fill(ENTRY, "0.010")
    market.send(STOP, "0.010", trigger="59650.70")
    market.trigger(STOP)
    market.fill(STOP, "0.010", price="59650.80")
    market.send(NEXT, "0.010")
    market.fill(NEXT, "0.010")
    market.send("1jnoyl7h-1704085259-S0", "-0.010", trigger="59000.00")
    return market


def check(market: Market, before: Market | None = None) -> dict[str, Any]:
    """Mend; the engine must load the outcome, and have what the exchange has."""
    loaded = load(mended(market))
    assert held(loaded) == market.held
    for name, row in {**market.conditionals, **market.orders}.items():
        order = loaded[f"orders:{name}"]
        status = {"NEW": "ACCEPTED", "FINISHED": "FILLED"}.get(row.status, row.status)
        assert (name, order.status.name) == (name, status)
        assert order.filled_qty.as_decimal() == row.filled
        assert order.venue_order_id.value == row.exchange_order_id
        numbers = [
            t.trade_id for t in market.trades if t.exchange_order_id == row.exchange_order_id
        ]
        assert [each.value for each in order.trade_ids] == numbers
    return loaded


def test_a_right_store_is_left_alone() -> None:
    for market in (Market(), holding()):
        plan = plan_of(market.keys, market.record)
        assert plan.is_empty
        assert not plan.mended
    check(holding())


def test_orders_that_share_an_id_are_told_apart() -> None:
    """The exchange gives every order by which it deleverages the same id."""
    market, same = holding(), "adl_autoclose"
    stored = dict(market.keys)
    for number in (1, 2):
        market.send(f"{same}{number}", "-0.003")
        market.fill(f"{same}{number}", "0.003")
    record = market.record
    orders = [
        replace(row, client_order_id=same) if row.client_order_id.startswith(same) else row
        for row in record.orders
    ]
    earlier, later = (row for row in orders if row.client_order_id == same)
    for told in ([row for row in orders if row is not later], orders):
        trades = [
            trade
            for trade in record.trades
            if later in told or trade.exchange_order_id != later.exchange_order_id
        ]
        amount = market.held if later in told else market.held + later.quantity
        seen = replace(
            record,
            orders=tuple(told),
            trades=tuple(trades),
            positions=(RECORDS.PositionRecord(SYMBOL, amount, Decimal(1)),),
        )
        stored = applied(stored, plan_of(stored, seen))
        assert plan_of(stored, seen).is_empty
    loaded = load(stored)
    assert held(loaded) == market.held
    first = loaded[f"orders:{same}-{earlier.exchange_order_id}"]
    second = loaded[f"orders:{same}"]
    assert (first.venue_order_id.value, second.venue_order_id.value) == (
        earlier.exchange_order_id,
        later.exchange_order_id,
    )
    # What is told reaches back less far later on: both stay as they are.
    shorter = replace(seen, orders=tuple(row for row in orders if row is not earlier))
    assert plan_of(stored, shorter).is_empty


def test_an_empty_store_is_left_to_the_engine() -> None:
    market = holding()
    assert plan_of({}, market.record).is_empty


@pytest.mark.parametrize(
    ("heard", "fill"), [(1, "nothing"), (2, "nothing"), (3, "nothing"), (3, "order")]
)
def test_a_fill_and_its_position_were_lost(heard: int, fill: str) -> None:
    market = Market()
    market.send(ENTRY, "0.010", heard=heard)
    market.fill(ENTRY, "0.010", heard=fill)
    loaded = check(market)
    assert f"positions:{POSITION}" in loaded


def test_a_position_that_is_behind_its_orders() -> None:
    market = holding()
    market.send(FLIP, "0.020")
    market.fill(FLIP, "0.005", heard="order")
    market.fill(FLIP, "0.015", price="59300.00", heard="nothing")
    loaded = check(market)
    assert [e.last_qty.as_decimal() for e in loaded[f"positions:{POSITION}"].events] == [
        Decimal("0.010"), Decimal("0.005"), Decimal("0.015")]  # fmt: skip


def test_a_position_that_was_closed_in_silence() -> None:
    market = holding()
    stop = "1jnoyl7h-1704085259-S0"
    market.trigger(stop, heard=False)
    market.fill(stop, "0.004", heard="nothing")
    market.fill(stop, "0.006", heard="nothing")
    loaded = check(market)
    assert loaded[f"positions:{POSITION}"].is_closed
    assert kinds(mended(market), stop)[2:] == ["Accepted", "Updated", "Filled", "Filled"]


def test_one_order_that_crossed_zero() -> None:
    market = holding()
    market.send(FLIP, "-0.030")
    market.fill(FLIP, "0.030", heard="all")
    assert plan_of(market.keys, market.record).is_empty
    loaded = check(market)
    del market.keys[f"positions:{POSITION}"]
    again = check(market)
    for each in (loaded, again):
        position = each[f"positions:{POSITION}"]
        assert position.signed_decimal_qty() == Decimal("-0.020")
        assert [e.trade_id.value for e in position.events] == [market.trades[-1].trade_id]


def test_a_fill_under_a_made_up_number_becomes_the_real_ones() -> None:
    market = holding()
    stop = "1jnoyl7h-1704085259-S0"
    market.trigger(stop)
    market.fill(stop, "0.004", heard="order")
    real = unpacked(market.keys, f"orders:{stop}")[-1]
    market.fill(stop, "0.006", heard="nothing")
    rows = unpacked(market.keys, f"orders:{stop}")[:-1]
    invented = real | {"trade_id": "ALGO-7000012-1", "last_qty": "0.010",
                       "commission": "0.00000000 USDT"}  # fmt: skip
    market.keys[f"orders:{stop}"] = packed([*rows, invented])
    fills = unpacked(market.keys, f"positions:{POSITION}")
    market.keys[f"positions:{POSITION}"] = packed([*fills, invented])
    check(market)


def test_an_order_that_the_engine_invented_goes() -> None:
    market = holding()
    name = "0b9c5b0e-2c0f-4f44-9d55-7c1f7b7d8a11"
    market.never_send(name, "0.010", heard=3)
    rows = unpacked(market.keys, f"orders:{name}")
    rows[2]["venue_order_id"] = "S-18ea684968a355ff"
    market.keys[f"orders:{name}"] = packed(rows)
    plan = plan_of(market.keys, market.record)
    assert [each.key for each in plan.put_aside] == [f"orders:{name}"]
    check(market)


@pytest.mark.parametrize("status", ["CANCELED", "EXPIRED"])
@pytest.mark.parametrize("asked", [True, False])
def test_an_order_that_ended_in_silence(status: str, asked: bool) -> None:
    market = holding()
    stop = "1jnoyl7h-1704085259-S0"
    if asked:
        market.ask_to_cancel(stop)
    market.end(stop, status, heard=False)
    loaded = check(market)
    ended = loaded[f"orders:{stop}"].events[-1].ts_event
    assert round(ended / 1e6) == market.conditionals[stop].updated_ms


def test_a_cancel_that_nobody_heard() -> None:
    market = holding()
    market.ask_to_cancel("1jnoyl7h-1704085259-S0")
    check(market)
    assert kinds(mended(market), "1jnoyl7h-1704085259-S0")[-1] == "CancelRejected"


@pytest.mark.parametrize("heard", [1, 2])
def test_an_order_that_was_never_sent_is_forgotten(heard: int) -> None:
    market = holding()
    market.never_send(FLIP, "0.010", heard=heard)
    after = mended(market)
    assert f"orders:{FLIP}" not in after
    assert FLIP.encode() not in after["index:order_client"].value


def test_an_order_that_the_exchange_has_forgotten_has_ended() -> None:
    market = holding()
    market.send(FLIP, "0.010", price="50000.00")
    del market.orders[FLIP]
    assert kinds(mended(market), FLIP)[-1] == "Canceled"


def test_a_rejection_that_was_none() -> None:
    market = holding()
    market.send(FLIP, "0.010", heard=2)
    market.hear(FLIP, market.event(FLIP, "Rejected", None, reason="UNKNOWN", due_post_only=False))
    rows = unpacked(market.keys, f"orders:{FLIP}")
    del rows[-1]["venue_order_id"]
    market.keys[f"orders:{FLIP}"] = packed(rows)
    market.fill(FLIP, "0.010", heard="nothing")
    check(market)


def test_orders_that_the_store_has_not() -> None:
    market = holding()
    for name in (ENTRY, NEXT, STOP, "1jnoyl7h-1704085259-S0"):
        lost = Market(keys=dict(market.keys))
        lost.orders, lost.conditionals = market.orders, market.conditionals
        lost.trades, lost.held = market.trades, market.held
        del lost.keys[f"orders:{name}"]
        check(lost)


@pytest.mark.parametrize("status", ["CANCELED", "EXPIRED"])
@pytest.mark.parametrize("more", [{"price": "50000.00"}, {"trigger": "65000.00"}])
def test_an_own_order_that_came_and_went_while_the_store_was_away(
    status: str, more: dict[str, Any]
) -> None:
    market = holding()
    market.send(FLIP, "0.010", **more)
    market.end(FLIP, status)
    del market.keys[f"orders:{FLIP}"]
    del market.keys["index:order_client"].value[FLIP.encode()]
    loaded = check(market)
    assert loaded[f"orders:{FLIP}"].strategy_id.value == STRATEGY
    assert mended(market)["index:order_client"].value[FLIP.encode()] == b"BINANCE"


@pytest.mark.parametrize("name", ["web_8Qk2", "1eqnymed-1704085319-E0"])
def test_what_others_tried_in_vain_is_not_the_node_s(name: str) -> None:
    market = holding()
    market.send(name, "0.010", price="50000.00")
    market.end(name)
    del market.keys[f"orders:{name}"]
    del market.keys["index:order_client"].value[name.encode()]
    assert plan_of(market.keys, market.record).is_empty


def test_an_own_stop_that_has_become_what_is_not_told_is_left_out() -> None:
    market, right = holding(), holding()
    market.send(FLIP, "-0.010", trigger="59100.00")
    market.trigger(FLIP)
    told = replace(market.conditionals[FLIP], status="FINISHED")
    record = replace(right.record, orders=(*right.record.orders, told))
    plan = plan_of(right.keys, record)
    assert plan.is_empty
    assert not plan.unexplained


def test_somebody_s_own_order_is_adopted() -> None:
    market = holding()
    market.send("web_8Qk2", "0.005")
    market.fill("web_8Qk2", "0.005", heard="nothing")
    del market.keys["orders:web_8Qk2"]
    loaded = check(market)
    assert loaded["orders:web_8Qk2"].strategy_id.value == STRATEGY


def test_a_renamed_owner_s_position_is_taken_over() -> None:
    market = holding()
    old = "TargetStrategy-OLD"
    for key in [each for each in market.keys if each.startswith(("orders:", "positions:"))]:
        rows = [e | {"strategy_id": old} for e in unpacked(market.keys, key)]
        for row in rows:
            if row.get("position_id"):
                row["position_id"] = f"{INSTRUMENT}-{old}"
        renamed = f"positions:{INSTRUMENT}-{old}" if key.startswith("positions:") else key
        del market.keys[key]
        market.keys[renamed] = packed(rows)
    loaded = check(market)
    assert loaded[f"orders:{NEXT}"].strategy_id.value == STRATEGY


def test_the_exchange_has_no_position_and_no_trade() -> None:
    market = holding()
    record = replace(market.record, positions=(), trades=(), orders=())
    after = applied(market.keys, plan_of(market.keys, record))
    assert f"positions:{POSITION}" not in after
    assert held(load(after)) == 0


def test_a_history_that_lags_is_not_believed() -> None:
    market = holding()
    market.send(FLIP, "0.020")
    market.fill(FLIP, "0.020", heard="nothing")
    record = replace(market.record, trades=market.record.trades[:-1])
    plan = plan_of(market.keys, record)
    assert plan.unexplained
    assert plan.is_empty


def test_a_history_that_begins_late_is_completed_from_the_store() -> None:
    market = holding()
    late = market.trades[-1].at_ms + 1
    record = replace(
        market.record, trades=(), since_ms={SYMBOL: late},
        orders=tuple(o for o in market.record.orders if o.status == "NEW"),
    )  # fmt: skip
    assert plan_of(market.keys, record).is_empty


def test_a_position_that_nobody_can_explain_starts_cold() -> None:
    market = holding()
    record = replace(
        market.record, positions=(RECORDS.PositionRecord(SYMBOL, Decimal("0.5"), Decimal(1)),)
    )
    plan = plan_of(market.keys, record)
    assert "0.5" in plan.cold
    left = applied(market.keys, plan)
    assert {key.partition(":")[0] for key in left} == {"currencies", "instruments"}


def test_without_an_instrument_an_open_position_starts_cold() -> None:
    market = holding()
    del market.keys[f"instruments:{INSTRUMENT}"]
    assert "instrument" in plan_of(market.keys, market.record).cold
    flat = Market()
    flat.send(ENTRY, "0.010", heard=3)
    flat.end(ENTRY, heard=False)
    del flat.keys[f"instruments:{INSTRUMENT}"]
    assert kinds(mended(flat), ENTRY)[-1] == "Canceled"


def test_an_account_is_cut_down_to_its_newest_states() -> None:
    market = holding()
    states = [market.account() for _ in range(2_001)]
    key = next(key for key in market.keys if key.startswith("accounts:"))
    market.keys[key] = packed(states)
    kept = mended(market)[key].value
    assert kept == packed(states[-500:]).value
    market.keys[key] = packed(states[:2_000])
    assert plan_of(market.keys, market.record).is_empty


def test_the_index_is_written_anew_when_it_cannot_be_read() -> None:
    market = holding()
    before = market.keys["index:order_position"].value
    market.keys["index:order_position"] = RAW("string", b"{}")
    assert mended(market)["index:order_position"].value == before


def test_other_symbols_are_left_alone() -> None:
    market = holding()
    market.send(FLIP, "0.010")
    rows = [e | {"instrument_id": "ETHUSDT-PERP.BINANCE"} for e in
            unpacked(market.keys, f"orders:{FLIP}")]  # fmt: skip
    market.keys[f"orders:{FLIP}"] = packed(rows)
    del market.orders[FLIP]
    assert plan_of(market.keys, market.record).is_empty


def test_version_2_is_foreign() -> None:
    market = holding()
    assert FORMAT(TRADER).foreign(market.keys) == ""
    assert FORMAT(TRADER).foreign({}) == ""
    inner = {"type": "OrderInitialized", "trader_id": TRADER}
    keys = {f"orders:{ENTRY}": packed([{"Initialized": inner}])}
    assert "NautilusTrader 2" in FORMAT(TRADER).foreign(keys)
    # One such order among the node's own is a broken one, and mended like that.
    market.keys[f"orders:{ENTRY}"] = keys[f"orders:{ENTRY}"]
    assert FORMAT(TRADER).foreign(market.keys) == ""
    check(market)
    assert FORMAT(TRADER).mend(market.keys, market.record, OWNERS, NOW_NS).put_aside


BROKEN: dict[str, Callable[[list[bytes]], object]] = {
    "garbage": lambda rows: RAW("list", [b"\xc1garbage", *rows[1:]]),
    "a string": lambda rows: RAW("string", rows[0]),
    "a set": lambda rows: RAW("set", set(rows)),
    "nothing": lambda rows: RAW("list", None, fault="is larger than 4,194,304 bytes"),
    "JSON": lambda rows: RAW("list", [b'{"type":"OrderInitialized"}', *rows[1:]]),
    "doubled events": lambda rows: RAW("list", [rows[0], *(r for r in rows[1:] for _ in "12")]),
    "reversed": lambda rows: RAW("list", rows[::-1]),
    "no beginning": lambda rows: RAW("list", rows[1:]),
    "nesting": lambda rows: RAW("list", [b"\x91" * 5_000 + b"\x90", *rows]),
    "too long": lambda rows: RAW("list", [b"\xa1x" * 40_000, *rows]),
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("name", [ENTRY, NEXT, "1jnoyl7h-1704085259-S0"])
def test_a_broken_order_is_put_aside_and_told_anew(how: str, name: str) -> None:
    market = holding()
    key = f"orders:{name}"
    market.keys[key] = BROKEN[how](market.keys[key].value)
    plan = plan_of(market.keys, market.record)
    assert [each.key for each in plan.put_aside] == [key]
    assert plan.put_aside[0].reason.startswith(f"{key} ")
    check(market)


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        (0, "quantity", "NaN"),
        (0, "quantity", "1e308"),
        (0, "quantity", "-0.010"),
        (0, "quantity", "0.000"),
        (0, "quantity", 0.01),
        (0, "order_type", "PEGGED"),
        (0, "trader_id", "OTHER-1"),
        (0, "strategy_id", "nobody"),
        (0, "instrument_id", "BTCUSDT"),
        (0, "client_order_id", "another"),
        (0, "event_id", "1"),
        (0, "ts_init", "yesterday"),
        (0, "ts_init", 5),
        (0, "contingency_type", "OCO"),
        (1, "type", "OrderBewitched"),
        (2, "venue_order_id", ""),
        (2, "surprise", 1),
        (3, "last_qty", "1e308"),
        (3, "last_qty", "1000.000"),
        (3, "last_px", "NaN"),
        (3, "commission", "0.1"),
        (3, "trade_id", "x" * 37),
        (3, "info", {"a": [[[]]]}),
    ],
)
def test_a_value_that_is_off(number: int, field: str, value: object) -> None:
    market = holding()
    key = f"orders:{NEXT}"
    rows = unpacked(market.keys, key)
    rows[number][field] = value
    market.keys[key] = packed(rows)
    plan = plan_of(market.keys, market.record)
    assert [each.key for each in plan.put_aside] == [key]
    check(market)


def test_broken_positions_accounts_instruments() -> None:
    for begins in ("positions:", "accounts:", "currencies:"):
        market = holding()
        key = next(each for each in market.keys if each.startswith(begins))
        market.keys[key] = RAW("list", [b"\xc1"])
        plan = plan_of(market.keys, market.record)
        assert [each.key for each in plan.put_aside] == [key]
        check(market)
    market = holding()
    market.keys[f"instruments:{INSTRUMENT}"] = RAW("string", b"\xc1")
    plan = plan_of(market.keys, market.record)
    assert f"instruments:{INSTRUMENT}" in {each.key for each in plan.put_aside}
    assert plan.cold


def test_a_triggered_stop_whose_beginning_the_exchange_has_forgotten() -> None:
    market = holding()
    forgotten = replace(
        market.record,
        orders=tuple(
            o for o in market.record.orders if (o.kind, o.status) != ("conditional", "FINISHED")
        ),
    )
    assert len(forgotten.orders) < len(market.record.orders)
    assert plan_of(market.keys, forgotten).is_empty


def test_an_end_that_the_adapter_calls_otherwise_is_right() -> None:
    market = holding()
    market.end("1jnoyl7h-1704085259-S0")
    for status in ("EXPIRED", "REJECTED"):
        row = replace(market.conditionals["1jnoyl7h-1704085259-S0"], status=status)
        market.conditionals["1jnoyl7h-1704085259-S0"] = row
        assert plan_of(market.keys, market.record).is_empty


def test_a_finished_stop_without_its_order_is_a_lag() -> None:
    market = holding()
    stop = "1jnoyl7h-1704085259-S0"
    market.trigger(stop, heard=False)
    market.fill(stop, "0.010", heard="nothing")
    lags = replace(
        market.record,
        orders=tuple(o for o in market.record.orders if o.type != "MARKET" or o.status == "NEW"),
        trades=market.record.trades[:-1],
    )
    assert plan_of(market.keys, lags).unexplained
    older = replace(lags, since_ms={SYMBOL: market.record.at_ms})
    assert not plan_of(market.keys, older).unexplained


def test_an_order_that_is_open_again() -> None:
    market = holding()
    stop = "1jnoyl7h-1704085259-S0"
    market.ask_to_cancel(stop)
    market.end(stop)
    market.conditionals[stop] = replace(market.conditionals[stop], status="NEW")
    check(market)


def test_a_changed_order() -> None:
    market = holding()
    market.send(FLIP, "0.010", price="50000.00")
    market.orders[FLIP] = replace(market.orders[FLIP], price=Decimal("50001.00"))
    loaded = check(market)
    assert loaded[f"orders:{FLIP}"].price.as_decimal() == Decimal("50001.00")


@pytest.mark.parametrize(
    ("field", "value"),
    [("last_px", "59000.00"), ("trade_id", "ALGO-1"), ("commission", "0.00000000 USDT")],
)
def test_a_fill_that_was_otherwise(field: str, value: str) -> None:
    market = holding()
    for key in (f"orders:{NEXT}", f"positions:{POSITION}"):
        rows = unpacked(market.keys, key)
        rows[-1][field] = value
        market.keys[key] = packed(rows)
    position = check(market)[f"positions:{POSITION}"]
    real, trade = position.events[-1], market.trades[-1]
    assert real.trade_id.value == trade.trade_id
    assert real.last_px.as_decimal() == trade.price
    assert real.commission.as_decimal() == trade.commission


def test_the_index_names_no_order_that_is_not_there() -> None:
    market = holding()
    key = "index:order_position"
    before = market.keys[key].value
    market.keys[key] = RAW("hash", before | {b"nobody": POSITION.encode()})
    assert mended(market)[key].value == before


@pytest.mark.parametrize(
    "entry", [(b"\xff", b"x"), (b"x", b""), (b"a b", b"x"), (b"x" * 200, b"x")]
)
def test_an_index_with_an_entry_that_is_no_name_is_written_anew(entry: tuple[bytes, bytes]) -> None:
    market = holding()
    before = market.keys["index:order_client"].value
    market.keys["index:order_client"] = RAW("hash", before | dict([entry]))
    plan = plan_of(market.keys, market.record)
    assert [each.key for each in plan.put_aside] == ["index:order_client"]
    assert mended(market)["index:order_client"].value == before


def test_a_symbol_that_is_new_to_the_store_is_left_to_the_engine() -> None:
    market = holding()
    record = market.record
    elsewhere = replace(record.trades[0], symbol="ETHUSDT", trade_id="5", exchange_order_id="6")
    sent = replace(
        record.orders[0], symbol="ETHUSDT", exchange_order_id="6", client_order_id="web_1"
    )
    record = replace(
        record,
        trades=(*record.trades, elsewhere),
        orders=(*record.orders, sent),
        positions=(
            *record.positions,
            RECORDS.PositionRecord("ETHUSDT", Decimal("-0.010"), Decimal(1)),
        ),
    )
    owners = [*OWNERS, type(OWNERS[0])("ETHUSDT", "ETH")]
    assert FORMAT(TRADER).mend(market.keys, record, owners, NOW_NS).is_empty
    del market.keys[f"positions:{POSITION}"]
    plan = FORMAT(TRADER).mend(market.keys, record, owners, NOW_NS)
    assert list(plan.writes.lists) == [f"positions:{POSITION}"]

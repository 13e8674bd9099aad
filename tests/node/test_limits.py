"""The hard limits as pure functions: what is let through never breaks one, whatever fills."""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.baked import module

limits_module = module("plan.limits")
AtEngine, Standing, Told, Wanted = (
    getattr(limits_module, name) for name in ("AtEngine", "Standing", "Told", "Wanted")
)
Limits, breach, is_reducing = (
    getattr(limits_module, name) for name in ("Limits", "breach", "is_reducing")
)
day_module = module("plan.day")
Day, DayTotal, Heard, Income = (
    getattr(day_module, name) for name in ("Day", "DayTotal", "Heard", "Income")
)
LimitBook, in_words = (
    getattr(module("guards.limit_book"), name) for name in ("LimitBook", "in_words")
)
Conditions = module("face.conditions").Conditions
Worth = module("venue.binance.income").Worth
Settings = module("config.settings").Settings

D = Decimal
MARK = D(100)
EQUITY = D(1000)
LIMITS = Limits(
    max_order_quantity=D(6),
    max_order_notional=D(550),
    max_orders_a_minute=12,
    max_reducing_orders_a_minute=20,
    max_position_notional=D(900),
    max_leverage=D("1.4"),
    max_daily_loss=D(50),
    max_daily_fees=D(4),
    max_price_distance=D("0.05"),
    halts_for_the_day=True,
)
SYMBOLS = ("BTCUSDT", "ETHUSDT")
FEE = D("0.0005")

type Order = tuple[str, Decimal, tuple[Decimal, ...], bool]

orders = st.tuples(
    st.sampled_from(SYMBOLS),
    st.integers(-8, 8).filter(bool).map(D),
    st.one_of(st.just(()), st.tuples(st.integers(93, 107).map(D))),
    st.booleans(),
)
"""Symbol, signed quantity, prices, and whether it is reduce-only."""
actions = st.lists(
    st.one_of(
        st.tuples(st.just("order"), orders),
        st.tuples(st.just("fill"), st.integers(0, 20)),
        st.tuples(st.just("cancel"), st.integers(0, 20)),
    ),
    max_size=60,
)


def standing_of(positions: dict[str, Decimal], working: list[Order]) -> dict[str, Any]:
    """Return what the engine would tell."""
    found = {}
    for symbol in SYMBOLS:
        opening = [q for s, q, _, reduce_only in working if s == symbol and not reduce_only]
        buys = sum((q for q in opening if q > 0), D(0))
        sells = -sum((q for q in opening if q < 0), D(0))
        found[symbol] = Standing(positions[symbol], buys, sells)
    return found


def play(steps: list[Any], judge: Callable[..., Any] = breach, limits: Any = LIMITS) -> list[str]:
    """Play orders, fills and cancels; return in words every limit that was broken."""
    positions = dict.fromkeys(SYMBOLS, D(0))
    working: list[Order] = []
    paid, opened, broken = D(0), 0, []
    for kind, what in steps:
        if kind == "order":
            symbol, quantity, prices, reduce_only = what
            wanted = Wanted(symbol, quantity, prices, reduce_only, FEE)
            day = DayTotal(paid, paid, paid, paid)
            engine = AtEngine(standing_of(positions, working), opened)
            told = Told(dict.fromkeys(SYMBOLS, MARK), {"USDT": EQUITY}, day=day)
            if judge(wanted, engine, told, limits) is not None:
                continue
            working.append(what)
            if is_reducing(wanted, engine.standing[symbol]):
                continue
            opened += 1
            # It is paid for at once: the limit of fees holds for what is on its way, too.
            paid += abs(quantity) * max((MARK, *prices)) * FEE
            if abs(quantity) > limits.max_order_quantity:
                broken.append("quantity")
            if abs(quantity) * max((MARK, *prices)) > limits.max_order_notional:
                broken.append("worth")
            if any(abs(price - MARK) / MARK > limits.max_price_distance for price in prices):
                broken.append("price")
        elif working:
            symbol, quantity, _, reduce_only = working.pop(what % len(working))
            if kind == "cancel":
                continue
            if reduce_only:
                held = positions[symbol]
                if held * quantity >= 0:
                    continue
                quantity = max(quantity, -held) if quantity < 0 else min(quantity, -held)
            positions[symbol] += quantity
        worth = [abs(position) * MARK for position in positions.values()]
        if max(worth) > limits.max_position_notional:
            broken.append("position")
        if sum(worth) > limits.max_leverage * EQUITY:
            broken.append("leverage")
    if opened > limits.max_orders_a_minute:
        broken.append("orders a minute")
    if paid > limits.max_daily_fees:
        broken.append("fees")
    return broken


@given(actions)
def test_what_is_let_through_never_breaks_a_limit(steps: list[Any]) -> None:
    assert play(steps) == []


def blind(**forgotten: Any) -> Callable[..., Any]:
    """Return a decision that forgets something of what the engine tells."""

    def judge(wanted: Any, engine: Any, told: Any, limits: Any) -> Any:
        standing = {s: replace(each, **forgotten) for s, each in engine.standing.items()}
        return breach(wanted, replace(engine, standing=standing), told, limits)

    return judge


def without(limit: str) -> Callable[..., Any]:
    """Return a decision that does not know a limit."""

    def judge(wanted: Any, engine: Any, told: Any, limits: Any) -> Any:
        much = type(getattr(limits, limit))(10**9)
        return breach(wanted, engine, told, replace(limits, **{limit: much}))

    return judge


BUY, SELL = ("BTCUSDT", D(5), (), False), ("BTCUSDT", D(-5), (), False)
FLIP = [
    *[("order", BUY), ("fill", 0), ("order", ("BTCUSDT", D(-5), (), True))],
    *[("order", SELL), ("order", ("BTCUSDT", D(-5), (D(102),), False))],
    *[("fill", 0), ("fill", 0), ("fill", 0)],
]
"""A stop closes the position before the orders against it fill."""
SMALL = (*BUY[:1], D(1), (), False)
CHURN = [step for _ in range(30) for step in (("order", SMALL), ("cancel", 0))]


@pytest.mark.parametrize(
    ("judge", "steps", "broken", "changes"),
    [
        (
            without("max_order_quantity"),
            [("order", ("BTCUSDT", D(7), (), False))],
            "quantity",
            {"max_order_notional": D(900)},
        ),
        (without("max_order_notional"), [("order", ("BTCUSDT", D(6), (), False))], "worth", {}),
        (without("max_price_distance"), [("order", (*BUY[:2], (D(94),), False))], "price", {}),
        (without("max_orders_a_minute"), CHURN, "orders a minute", {}),
        (
            without("max_daily_fees"),
            [*CHURN, *CHURN, *CHURN],
            "fees",
            {"max_orders_a_minute": 99},
        ),
        (blind(buys=D(0)), [*[("order", BUY)] * 2, *[("fill", 0)] * 2], "position", {}),
        (blind(position=D(0)), [("order", BUY), ("fill", 0)] * 2, "position", {}),
        (
            without("max_leverage"),
            [
                *[("order", BUY), ("fill", 0)],
                *[("order", ("ETHUSDT", D(5), (), False)), ("fill", 0)],
                *[("order", ("ETHUSDT", D(4), (), False)), ("fill", 0)],
                *[("order", ("BTCUSDT", D(3), (), False)), ("fill", 0)],
            ],
            "leverage",
            {},
        ),
        (without("max_position_notional"), FLIP, "position", {}),
    ],
)
def test_a_decision_that_forgets_is_caught(
    judge: Callable[..., Any], steps: list[Any], broken: str, changes: dict[str, Any]
) -> None:
    limits = replace(LIMITS, **changes)
    assert play(steps, breach, limits) == []
    assert broken in play(steps, judge, limits)


TOLD = Told({"BTCUSDT": MARK}, {"USDT": EQUITY}, day=DayTotal())
ONE = Wanted("BTCUSDT", D(1))
STOP = Wanted("BTCUSDT", D(-5), (D(50),), reduce_only=True)


@pytest.mark.parametrize(
    ("wanted", "engine", "told", "limit"),
    [
        (ONE, {}, {}, None),
        (replace(ONE, quantity=D("6.1")), {}, {}, "max_order_quantity"),
        (replace(ONE, quantity=D(6)), {}, {}, "max_order_notional"),
        (ONE, {"orders": 12}, {}, "max_orders_a_minute"),
        (ONE, {"standing": {"BTCUSDT": Standing(D(8), D("0.1"))}}, {}, "max_position_notional"),
        (replace(ONE, quantity=D(-1)), {"standing": {"BTCUSDT": Standing(D(20))}}, {}, None),
        (ONE, {}, {"others": D(1301)}, "max_leverage"),
        (ONE, {}, {"day": DayTotal(D(51), D(0), D(51))}, "max_daily_loss"),
        (ONE, {}, {"day": DayTotal(D(10), D(0), D(51))}, "max_daily_loss"),
        (replace(ONE, fee_rate=D("0.01")), {}, {"day": DayTotal(D("49.5"))}, "max_daily_loss"),
        (ONE, {}, {"day": DayTotal(paid=D(5), most_paid=D(5))}, "max_daily_fees"),
        (replace(ONE, prices=(D(106),)), {}, {}, "max_price_distance"),
        (replace(ONE, prices=(D(94),)), {}, {}, "max_price_distance"),
        (ONE, {"standing": {"ETHUSDT": Standing(D(1))}}, {}, ""),
        (ONE, {"standing": {"ETHUSDT": Standing()}}, {}, None),
        (ONE, {}, {"marks": {}}, ""),
        (ONE, {}, {"equity": None}, ""),
        (ONE, {}, {"equity": {"USDT": D(-1)}}, ""),
        (ONE, {}, {"day": None}, ""),
        (STOP, {"orders": 99}, {"marks": {}, "equity": None, "day": None}, None),
        (STOP, {"reducing_orders": 20}, {}, "max_reducing_orders_a_minute"),
    ],
)
def test_each_limit(wanted: Any, engine: Any, told: Any, limit: str | None) -> None:
    found = breach(wanted, AtEngine(**engine), replace(TOLD, **told), LIMITS)
    assert (found.limit if found else None) == limit


def test_a_day_whose_loss_has_gone_by_counts_only_where_it_halts() -> None:
    told = replace(TOLD, day=DayTotal(D(10), D(0), D(51)))
    refusing = replace(LIMITS, halts_for_the_day=False)
    assert breach(ONE, AtEngine(), told, refusing) is None


# -- The day -------------------------------------------------------------------------------------

MIDNIGHT = 1_704_067_200_000
DAY_MS = 86_400_000


def row(number: str, kind: str, amount: str, after_ms: int, trade: str = "") -> Any:
    """Return a row of income so long after midnight."""
    return Income(number, kind, D(amount), MIDNIGHT + after_ms, trade)


def test_a_day_counts_profit_fees_and_funding_once() -> None:
    day = Day()
    rows = [
        row("1", "REALIZED_PNL", "-30", 1, "B 1"),
        row("2", "COMMISSION", "-2", 1, "B 1"),
        row("3", "FUNDING_FEE", "-1", 2),
        row("4", "REALIZED_PNL", "20", 3, "B 2"),
    ]
    day.tell(rows, MIDNIGHT + 10, 0.0)
    day.tell(rows[2:], MIDNIGHT + 20, 30.0)
    assert day.total() == DayTotal(lost=D(13), paid=D(2), most_lost=D(33), most_paid=D(2))
    day.tell([], MIDNIGHT + DAY_MS, 60.0)
    assert day.total() == DayTotal()


def test_a_fill_counts_from_when_it_is_heard_of_and_once() -> None:
    day = Day()
    day.tell([], MIDNIGHT + 10, 0.0)
    day.hear(Heard("B 1", D(-30), D(2), MIDNIGHT + 11, 5.0))
    assert (day.total().lost, day.total().paid) == (D(32), D(2))
    day.tell([row("2", "COMMISSION", "-2", 11, "B 1")], MIDNIGHT + 20, 30.0)
    assert (day.total().lost, day.total().paid) == (D(32), D(2)), "its profit may be told later"
    day.tell([row("1", "REALIZED_PNL", "-29", 11, "B 1")], MIDNIGHT + 30, 60.0)
    assert (day.total().lost, day.total().paid) == (D(31), D(2)), "the exchange is the judge"
    # What it never tells has never been.
    day.hear(Heard("B 2", D(-30), D(2), MIDNIGHT + 31, 61.0))
    day.tell([], MIDNIGHT + 40, 122.0)
    assert day.total().lost == D(31)


# -- What is said --------------------------------------------------------------------------------


@pytest.fixture
def book() -> Any:
    """A book that has been told everything at 0 s."""
    book = LimitBook()
    book.tell_mark("BTCUSDT", MARK, 0.0)
    book.tell_worth(Worth({"USDT": EQUITY}, {"BTCUSDT": D(500), "XRPUSDT": D(1350)}), 0.0)
    book.tell_income([], MIDNIGHT + 10, 0.0)
    return book


def test_a_breach_is_one_sentence_with_limit_value_and_setting(book: Any) -> None:
    wanted = Wanted("BTCUSDT", D("-6.500"))
    assert book.refusal(wanted, AtEngine(), LIMITS, ("BTCUSDT",), 1.0) == (
        "An order to sell 6.500 BTCUSDT is kept back: its quantity would be 6.5, and "
        "TRADER_MAX_ORDER_QUANTITY allows 6."
    )
    # Positions of symbols that nobody here trades count towards the leverage, one's own once.
    assert book.refusal(ONE, AtEngine(), LIMITS, ("BTCUSDT",), 1.0) == (
        "An order to buy 1 BTCUSDT is kept back: the worth of all positions over the equity would "
        "be 1.45, and TRADER_MAX_LEVERAGE allows 1.4."
    )


def test_a_breach_is_said_for_a_minute_and_holds_nothing_else(book: Any) -> None:
    conditions = Conditions(lambda: None)
    book.refusal(Wanted("BTCUSDT", D(7)), AtEngine(), LIMITS, ("BTCUSDT",), 1.0)
    book.say(conditions, LIMITS, 1.0)
    [condition] = conditions.now
    assert condition.name == "limits"
    assert "TRADER_MAX_ORDER_QUANTITY" in condition.sentence
    assert conditions.may_open("BTCUSDT", besides="")
    book.say(conditions, LIMITS, 60.9)
    assert conditions.now
    book.say(conditions, LIMITS, 61.0)
    assert conditions.now == ()


def test_a_day_at_its_limit_opens_nothing_until_midnight(book: Any) -> None:
    conditions = Conditions(lambda: None)
    book.tell_income([row("1", "REALIZED_PNL", "-50", 11)], MIDNIGHT + 20, 30.0)
    book.say(conditions, LIMITS, 31.0)
    [condition] = conditions.now
    assert condition.sentence == (
        "The limit of the day is reached: the day's loss would be 50, and TRADER_MAX_DAILY_LOSS "
        "allows 50."
    )
    assert "until 00:00 UTC" in condition.doing
    assert not conditions.may_open("BTCUSDT", besides="")
    book.tell_income([row("2", "REALIZED_PNL", "40", 21)], MIDNIGHT + 30, 60.0)
    book.say(conditions, LIMITS, 61.0)
    assert conditions.now == (condition,), "what was lost once counts for the day"
    refusing = replace(LIMITS, halts_for_the_day=False)
    book.say(conditions, refusing, 61.0)
    assert conditions.now == ()
    book.tell_income([], MIDNIGHT + DAY_MS, 90.0)
    book.say(conditions, LIMITS, 91.0)
    assert conditions.now == ()


def test_what_is_too_old_is_unknown(book: Any) -> None:
    conditions = Conditions(lambda: None)
    assert "mark price" in book.refusal(ONE, AtEngine(), LIMITS, ("BTCUSDT",), 60.0)
    book.say(conditions, LIMITS, 180.0)
    assert not conditions.may_open("BTCUSDT", besides="")


# -- Settings ------------------------------------------------------------------------------------


def test_limits_that_nobody_has_chosen_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = module("config.limits").missing_limits
    fields = [name for name in Settings.model_fields if name.startswith("max_")]
    simulated = {
        "profile": "simulated", "id": "TRADER-001", "symbol": "BTCUSDT",
        "store_url": "redis://127.0.0.1:6379", "exchange_http_url": "http://127.0.0.1:8090",
        "exchange_ws_url": "ws://127.0.0.1:8090",
    }  # fmt: skip
    settings = Settings(**simulated)
    assert set(fields) < {*limits_module.Limits.__dataclass_fields__}
    assert [line.split(" ")[0] for line in missing(settings)] == [
        f"TRADER_{name.upper()}" for name in fields
    ]
    monkeypatch.setenv("TRADER_MAX_LEVERAGE", "2")
    left = missing(Settings(**simulated))
    assert len(left) == len(fields) - 1
    assert not any("LEVERAGE" in line for line in left)


@pytest.mark.parametrize("name", ["README.md", ".env.example", "compose.yaml"])
def test_every_limit_is_where_people_look_for_it(project: Path, name: str) -> None:
    text = (project / name).read_text("utf-8")
    for field in module("config.limits").LimitSettings.model_fields:
        assert re.search(rf"\bTRADER_{field.upper()}\b", text), field

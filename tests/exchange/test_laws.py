"""The laws of the account hold over random streams of orders, prices, faults and crashes.

A stream is played on the pure core with a journal on disk. Some of its steps are crashes: the core
is thrown away, the journal is cut anywhere in its last batch, and a new core goes on from it. At
the end, bugs are seeded one by one, and each has to break the law that names it.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal as Dec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from exchange import laws
from simulated_exchange.account import margin
from simulated_exchange.errors import ExchangeError
from simulated_exchange.journal.folder import open_folder, restore
from simulated_exchange.journal.journal import Journal
from simulated_exchange.journal.orders import Order
from simulated_exchange.journal.state import State, apply, replay
from simulated_exchange.market.regimes import REGIMES
from simulated_exchange.market.scripts import SeededMarket
from simulated_exchange.market.symbols import symbol_rules
from simulated_exchange.matching import admission, execution
from simulated_exchange.matching.course import Course
from simulated_exchange.matching.execution import Execution
from simulated_exchange.matching.liquidity import takeable
from simulated_exchange.matching.matching import Matching

SYMBOLS = ("BTCUSDT", "ETHUSDT")
CONDITIONALS = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET")
WALLET = Dec(20_000)

Step = tuple[str, dict[str, Any]]


class Player:
    """Plays the steps of a stream on an exchange's core that lives in a folder."""

    def __init__(self, folder: Path, seed: int, symbols: int) -> None:
        self.folder = folder
        self.market = SeededMarket(seed, sorted(REGIMES)[seed % len(REGIMES)])
        self.names = SYMBOLS[:symbols]
        self.open()

    def open(self) -> None:
        self.file = open_folder(self.folder)
        self.state = State()
        self.journal = Journal(self.state, self.file)
        cut = restore(self.journal, self.file, {})
        self.matching = Matching(self.state, self.journal)
        self.course = Course(self.state, self.journal, self.matching, self.market, 0)
        if self.journal.seq:
            self.course.resume(cut)
        else:
            rules = [symbol_rules(name) for name in self.names]
            self.course.start(rules, 0, 2, WALLET, {})
        self.shadow = replay(self.read())  # what the journal alone makes of it
        self.batch_began = self.journal.seq

    def read(self, after: int = 0) -> list[Any]:
        lines = (self.folder / "journal.jsonl").read_bytes().splitlines()[after:]
        return [json.loads(line) for line in lines]

    def play(self, step: Step) -> None:
        name, given = step
        past, before = laws.Past.of(self.state), self.journal.seq
        try:
            if name == "crash":
                self.crash(**given)
            else:
                with self.journal.batch():
                    getattr(self, name)(**given)
        except ExchangeError:
            laws.demand(self.journal.seq == before, "a_refusal_changes_nothing")
        laws.hold(self.state)
        if name != "crash":
            laws.hold_over(past, self.state)
            if records := self.read(before):
                self.batch_began = before
            for record in records:
                apply(self.shadow, record)
        laws.demand(self.shadow == self.state, "the_journal_rebuilds_the_state")

    def crash(self, torn: int) -> None:
        """Die in the middle of writing the last batch, or right after it."""
        self.file.close()
        path = self.folder / "journal.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        last = b"".join(lines[self.batch_began :])
        known = replay(self.read()[: self.batch_began if torn and last else None])
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - (1 + torn % len(last) if torn and last else 0))
        self.open()
        for book in known.books.values():
            book.liquidity = book.mark = None  # what a fault did ends with the process
        laws.demand(known == self.state, "a_batch_is_there_or_not")

    # What clients ask for

    def order(self, symbol: int, offset: int, worth: int, tif: str, **more: Any) -> None:
        rules, limit = self.rules(symbol), tif != "MARKET"
        order = Order(
            kind="order", symbol=rules.name, type="LIMIT" if limit else "MARKET",
            quantity=self.quantity(symbol, worth), time_in_force=tif if limit else "GTC",
            price=self.near(symbol, offset) if limit else Dec(0), **more,
        )  # fmt: skip
        if tif == "GTD":
            order = replace(order, expires_ms=self.state.market_ms + 50_000)
        self.matching.place(order)

    def conditional(
        self, symbol: int, offset: int, worth: int, kind: str, limit: int, close: bool, **more: Any
    ) -> None:
        rules, at_market = self.rules(symbol), kind.endswith("_MARKET")
        close = close and at_market
        more["reduce_only"] = more["reduce_only"] and not close
        above = (more["side"] == "BUY") == kind.startswith("STOP")
        offset = max(1, abs(offset)) * (1 if above else -1)
        order = Order(
            kind="conditional", symbol=rules.name, type=kind, close_position=close,
            quantity=Dec(0) if close else self.quantity(symbol, worth),
            price=Dec(0) if at_market else self.near(symbol, limit),
            trigger_price=self.near(symbol, offset), **more,
        )  # fmt: skip
        self.matching.place_conditional(order)

    def amend(self, which: int, worth: int, offset: int) -> None:
        orders = [o for o in self.state.open_orders("order") if o.type == "LIMIT"]
        if orders:
            order = orders[which % len(orders)]
            symbol = self.names.index(order.symbol)
            quantity, price = self.quantity(symbol, worth), self.near(symbol, offset)
            self.matching.amend(order, quantity, price)

    def cancel(self, which: int) -> None:
        if orders := self.state.open_orders():
            self.matching.cancel(orders[which % len(orders)])

    def leverage(self, symbol: int, leverage: int) -> None:
        self.matching.set_leverage(self.rules(symbol).name, leverage)

    # What the market does, and what faults do

    def wick(self, symbol: int, offset: int) -> None:
        self.course.wick(self.rules(symbol).name, self.near(symbol, offset))

    def jump(self, symbol: int, offset: int) -> None:
        book, price = self.state.books[self.rules(symbol).name], self.near(symbol, offset)
        now = self.state.market_ms
        self.matching.travel(book.rules.name, price, book.points, now, jump=True)

    def walk(self) -> None:
        self.course.walk()

    def close_bar(self) -> None:
        self.course.close_bar()

    def advance(self, seconds: int) -> None:
        self.course.advance(self.state.market_ms + seconds * 1_000)

    def thin(self, symbol: int, worth: int) -> None:
        quantity = self.quantity(symbol, worth) if worth else None
        self.matching.set_liquidity(self.rules(symbol).name, quantity)

    def mark(self, symbol: int, offset: int) -> None:
        self.matching.set_mark(
            self.rules(symbol).name, self.near(symbol, offset) if offset else None
        )

    def fund(self, symbol: int, rate: int) -> None:
        self.matching.fund(self.rules(symbol).name, Dec(rate) / 10_000)

    def liquidate(self, symbol: int) -> None:
        self.matching.liquidate(self.rules(symbol).name)

    # Where things are, and how much is how much

    def quantity(self, symbol: int, worth: int) -> Dec:
        rules = self.rules(symbol)
        return Dec(rules.step * max(1, int(worth / rules.start_price / rules.step)))

    def rules(self, symbol: int) -> Any:
        return self.state.books[self.names[symbol % len(self.names)]].rules

    def near(self, symbol: int, offset: int) -> Dec:
        """Return a price so many ten-thousandths from the last one."""
        rules = self.rules(symbol)
        price = self.state.books[rules.name].price
        return Dec(rules.price(price * (1 + Dec(offset) / 10_000)))


SYMBOL = st.integers(0, 1)
OFFSET = st.integers(-60, 60)
WORTH = st.one_of(st.integers(150, 3_000), st.integers(150, 400_000))  # USDT
SIDES = {
    "side": st.sampled_from(("BUY", "SELL")),
    "reduce_only": st.sampled_from((False, False, True)),
    "client_order_id": st.sampled_from(("", "", "a", "b")),
}


def step(name: str, **given: Any) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(name), st.fixed_dictionaries(given))


ORDER = step(
    "order", symbol=SYMBOL, offset=OFFSET, worth=WORTH,
    tif=st.sampled_from(("MARKET", "GTC", "GTC", "GTD", "GTX", "IOC", "FOK")), **SIDES,
)  # fmt: skip
CONDITIONAL = step(
    "conditional", symbol=SYMBOL, offset=OFFSET, worth=WORTH, limit=OFFSET, close=st.booleans(),
    kind=st.sampled_from(CONDITIONALS), **SIDES,
)  # fmt: skip
STEPS = st.one_of(
    *[ORDER] * 6, *[CONDITIONAL] * 4,
    step("amend", which=st.integers(0, 9), worth=WORTH, offset=OFFSET),
    step("cancel", which=st.integers(0, 9)),
    step("leverage", symbol=SYMBOL, leverage=st.sampled_from((1, 5, 20, 100, 125))),
    step("wick", symbol=SYMBOL, offset=st.integers(-400, 400)),
    step("jump", symbol=SYMBOL, offset=st.integers(-400, 400)),
    step("walk"), step("close_bar"), step("advance", seconds=st.integers(1, 70)),
    step("thin", symbol=SYMBOL, worth=st.sampled_from((0, 150, 500, 5_000))),
    step("mark", symbol=SYMBOL, offset=st.sampled_from((0, -900, 900))),
    step("fund", symbol=SYMBOL, rate=st.integers(-300, 300)),
    step("liquidate", symbol=SYMBOL),
    step("crash", torn=st.integers(0, 10_000)),
)  # fmt: skip
STREAMS = st.tuples(
    st.integers(0, 99), st.integers(1, 2), st.lists(STEPS, min_size=10, max_size=40)
)
Stream = tuple[int, int, list[Step]]


@contextmanager
def played(stream: Stream) -> Iterator[Player]:
    seed, symbols, steps = stream
    with tempfile.TemporaryDirectory() as folder:
        player = Player(Path(folder), seed, symbols)
        try:
            for one in steps:
                player.play(one)
            yield player
        finally:
            player.file.close()


FREELY = settings(
    deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate,), database=None
)


@settings(FREELY, max_examples=300, phases=(Phase.generate, Phase.shrink))
@given(STREAMS)
def test_the_laws_hold_over_any_stream(stream: Stream) -> None:
    with played(stream) as player:
        assert [record["seq"] for record in player.read()] == list(range(1, player.journal.seq + 1))


# Seeded bugs: each has to be caught, by the law that names it.

Data = dict[str, Any]
Bug = Callable[[pytest.MonkeyPatch], None]


def recorded(kind: str, change: Callable[[Data], Data]) -> Bug:
    """Make the core record something else than what it decided."""

    def seed(patch: pytest.MonkeyPatch) -> None:
        right = Journal.write

        def wrong(self: Journal, told: str, data: Data, market_ms: int | None = None) -> None:
            right(self, told, change(data) if told == kind else data, market_ms)

        patch.setattr(Journal, "write", wrong)

    return seed


def filed(change: Callable[[Data], Data]) -> Bug:
    """Make the file keep something else than what was recorded."""

    def seed(patch: pytest.MonkeyPatch) -> None:
        right = Journal._commit
        patch.setattr(Journal, "_commit", lambda self, made: right(self, [*map(change, made)]))

    return seed


def off(name: str, by: str) -> Callable[[Data], Data]:
    return lambda data: data | {name: str(Dec(data[name]) + Dec(by))}


def off_fill(name: str, by: str) -> Callable[[Data], Data]:
    return lambda data: data | {"fill": off(name, by)(data["fill"])}


def a_batch_has_no_mark(patch: pytest.MonkeyPatch) -> None:
    right = Journal._commit
    patch.setattr(Journal, "_commit", lambda self, made: [right(self, [one]) for one in made])


def reducing_is_not_bounded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(margin, "reducible", lambda _book, _sign: Dec(1_000))


def time_goes_back(patch: pytest.MonkeyPatch) -> None:
    right = Execution.next_ms
    patch.setattr(Execution, "next_ms", lambda self: right(self) - 2)


def closed_orders_are_cancelled(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: Player, which: int) -> None:
        if orders := list(self.state.orders.values()):
            self.matching.cancel(orders[which % len(orders)])

    patch.setattr(Player, "cancel", wrong)


def refusals_come_late(patch: pytest.MonkeyPatch) -> None:
    right = Matching.place

    def wrong(self: Matching, order: Order) -> Order:
        self.set_leverage(order.symbol, 20)
        return right(self, order)

    patch.setattr(Matching, "place", wrong)


def names_are_not_checked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(admission, "check_new", lambda _state, _order: None)


def a_taker_ignores_its_limit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        execution, "takeable",
        lambda book, order: takeable(book, replace(order, type="MARKET", price=Dec(0))),
    )  # fmt: skip


BUGS: list[tuple[Bug, Callable[..., None] | str]] = [
    (recorded("order.filled", off_fill("commission", "-0.01")), laws.wallet_is_what_came_in),
    (recorded("position.changed", off("wallet", "0.00000001")), laws.wallet_is_what_came_in),
    (recorded("wallet.funded", off("wallet", "0.00000001")), laws.wallet_is_what_came_in),
    (recorded("wallet.funded", off("quantity", "0.001")), laws.funding_is_paid_for_what_is_held),
    (
        recorded("position.changed", off("quantity", "0.001")),
        laws.position_is_the_sum_of_its_fills,
    ),
    (
        recorded("position.changed", off("entry_price", "0.00001")),
        laws.entry_price_and_profit_follow_from_the_fills,
    ),
    (
        recorded("order.filled", off("filled", "0.001")),
        laws.orders_are_filled_by_their_fills_and_no_more,
    ),
    (a_taker_ignores_its_limit, laws.no_fill_is_worse_than_its_limit),
    (reducing_is_not_bounded, laws.reducing_orders_only_reduce),
    (names_are_not_checked, laws.open_orders_are_those_that_can_go_on),
    (
        recorded("leverage.changed", lambda data: data | {"leverage": -data["leverage"]}),
        laws.margin_is_never_negative,
    ),
    (
        recorded("order.filled", lambda data: data | {"fill": data["fill"] | {"trade_id": "1"}}),
        laws.ids_and_stamps_only_grow,
    ),
    (time_goes_back, laws.ids_and_stamps_only_grow),
    (closed_orders_are_cancelled, laws.what_was_stays),
    (refusals_come_late, "a_refusal_changes_nothing"),
    (
        filed(lambda r: r | {"kind": "request"} if "filled" in r["kind"] else r),
        "the_journal_rebuilds_the_state",
    ),
    (
        filed(lambda r: json.loads(json.dumps(r).replace('"0.', '"1.'))),
        "the_journal_rebuilds_the_state",
    ),
    (a_batch_has_no_mark, "a_batch_is_there_or_not"),
]


def breaks(law: str) -> Callable[[Stream], bool]:
    def breaks_law(stream: Stream) -> bool:
        try:
            with played(stream):
                return False
        except laws.BrokenError as broken:
            return str(broken) == law

    return breaks_law


@pytest.mark.parametrize(("bug", "law"), BUGS)
def test_a_seeded_bug_breaks_its_law(
    bug: Bug, law: Callable[..., None] | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)
    name = law if isinstance(law, str) else law.__name__
    find(STREAMS, breaks(name), settings=settings(FREELY, max_examples=1_000, derandomize=True))

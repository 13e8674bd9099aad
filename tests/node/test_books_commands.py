"""``pnl`` and ``trades``: the exchange's own numbers, and what is wrong is said."""

import csv
import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from node.asking import Asked, asked_by_commands
from node.baked import module
from node.commands import AWAY, CONFIGURATION, DIFFERS, OK, Answer, run
from node.conftest import Start
from node.processes import SYMBOL, Exchange, Store
from node.test_trading import last_bar, step, step_until_position

TRADER, TAG = "TRADER-001", "EMA001"
OPENING_WALLET = Decimal(100_000)
ids = module("plan.order_ids")
OWNER = ids.owner_of(TRADER, TAG, SYMBOL)

Ask = Callable[..., Answer]


@pytest.fixture
def ask(tmp_path: Path, project: Path, environment: dict[str, str]) -> Ask:
    """Run a command with the environment of the test; keyword arguments change it."""

    def tell(*words: str, **changes: str) -> Answer:
        return run(tmp_path, project, {**environment, **changes}, *words)

    return tell


def lines(answer: Answer) -> dict[str, dict[str, Any]]:
    """Return the totals by owner, of one symbol and asset."""
    return {line["whose"]: line for line in answer.json["totals"]}


def gained(exchange: Exchange) -> Decimal:
    """Return what the wallet has gained, which the commands never look at."""
    return Decimal(exchange.get("ledger")["wallet"]["USDT"]) - OPENING_WALLET


def from_ledger(exchange: Exchange) -> dict[bool, Decimal]:
    """Return what own fills, and those of others, have won and paid by the exchange's ledger.

    Funding is due while only the node holds something.
    """
    ledger = exchange.get("ledger")
    own = {o["exchange_order_id"] for o in ledger["orders"] if o["client_order_id"][:8] == OWNER}
    found = {True: Decimal(0), False: Decimal(0)}
    for fill in ledger["fills"]:
        won = Decimal(fill["realized_pnl"]) - Decimal(fill["commission"])
        found[fill["exchange_order_id"] in own] += won
    found[True] += sum(Decimal(fee["amount"]) for fee in ledger["funding"])
    return found


def test_a_node_that_trades_is_killed_and_others_interfere(
    ask: Ask, start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    exchange.post("faults", {"name": "funding", "symbol": SYMBOL, "rate": "0.0001"})
    for _ in range(2):  # killed while it acts on a bar, and once more
        exchange.post("step", {"bars": 1})
        node.kill()
        node = start()
        node.until("trading")
        node.settle(last_bar(exchange))
        for _ in range(8):
            step(exchange, node)
    step_until_position(exchange, node)
    answer = ask("pnl", "--json")
    assert (answer.code, answer.errors) == (OK, "")
    assert Decimal(answer.json["result"]["USDT"]) == gained(exchange) != 0
    assert Decimal(lines(answer)[TAG]["result"]) == gained(exchange)
    [fee] = exchange.get("ledger")["funding"]
    assert Decimal(lines(answer)[TAG]["funding"]) == Decimal(fee["amount"]) != 0

    # Dead; then another hand takes a part of the position, the exchange another, and all of it.
    node.kill()
    store.kill()
    held = Decimal(exchange.position())
    side = "SELL" if held > 0 else "BUY"
    by_hand = {"name": "order", "symbol": SYMBOL, "side": side, "quantity": "0.004"}
    exchange.post("faults", by_hand)
    exchange.post("faults", {"name": "reduce", "symbol": SYMBOL, "quantity": "0.003"})
    exchange.post("faults", {"name": "liquidate", "symbol": SYMBOL})
    answer = ask("pnl", "--json")
    assert (answer.code, answer.errors) == (OK, "")
    assert answer.json["balance"]["difference"] == {"USDT": "0"}
    totals = lines(answer)
    assert set(totals) == {TAG, "another hand", "deleveraging", "liquidation"}
    own = from_ledger(exchange)
    assert Decimal(totals[TAG]["result"]) == own[True]
    assert sum(Decimal(totals[name]["result"]) for name in totals if name != TAG) == own[False]
    assert Decimal(answer.json["result"]["USDT"]) == gained(exchange)
    by_week = ask("pnl", "--by", "week", "--csv")
    rows = list(csv.DictReader(io.StringIO(by_week.out)))
    assert sum(Decimal(row["result"]) for row in rows) == gained(exchange)
    assert by_week.errors.startswith("The books balance: difference 0 over ")

    answer = ask("trades", "--json")
    last = answer.json["trades"][-1]
    assert (last["whose"], last["closed"] is None) == (TAG, False)
    assert last["hands"][0] == TAG
    assert last["hands"][-3:] == ["another hand", "deleveraging", "liquidation"]
    total = sum(Decimal(each["result"]["USDT"]) for each in answer.json["trades"])
    assert total == gained(exchange)
    shown = ask("trades").out
    assert f"{TAG} (and another hand, deleveraging, liquidation)" in shown
    assert shown.rstrip().endswith(" USDT.")


# -- Without a node: orders with its ids, and a relay that changes answers ------------------------


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """An account with a trade of two fills each way, half an hour old, and one by hand."""
    asked = Asked(tmp_path_factory.mktemp("exchange") / "shared")
    for number, (side, quantity) in enumerate((("BUY", "0.010"), ("BUY", "0.020"),
                                               ("SELL", "0.030"))):  # fmt: skip
        name = ids.make(OWNER, 1_704_067_259_999 + number * 60_000, ids.Leg.ENTRY, 0)
        asked.order(side, quantity, newClientOrderId=name)
        asked.exchange.post("step", {"bars": 5})
    asked.order("SELL", "0.010", newClientOrderId="by-hand")
    asked.exchange.post("step", {"bars": 30})
    yield asked
    asked.close()


@pytest.fixture
def traded(shared: Asked, environment: dict[str, str]) -> Iterator[Asked]:
    """The account, which commands ask through the relay."""
    yield from asked_by_commands(shared, environment)


def income(kind: str, amount: str, at_ms: int, number: int, **more: Any) -> dict[str, Any]:
    row = {"symbol": "", "incomeType": kind, "income": amount, "asset": "USDT", "info": "",
           "time": at_ms, "tranId": number, "tradeId": ""}  # fmt: skip
    return row | more


def test_funding_transfers_and_fees_in_another_asset(ask: Ask, traded: Asked) -> None:
    fills = traded.exchange.get("ledger")["fills"]
    held_ms = int(fills[0]["market_ms"]) + 1_000
    flat_ms = int(fills[2]["market_ms"]) + 1_000
    first = int(fills[0]["trade_id"])

    def told(rows: Any) -> Any:
        for row in rows:
            if row["tranId"] == first and row["incomeType"] == "COMMISSION":
                row |= {"income": "-0.00051234", "asset": "BNB"}
        return [
            *rows,
            income("FUNDING_FEE", "-0.11223344", held_ms, 1, symbol=SYMBOL),
            income("FUNDING_FEE", "0.00000001", flat_ms, 2, symbol=SYMBOL),
            income("TRANSFER", "-500", held_ms, 3),
            income("INSURANCE_CLEAR", "-1.5", held_ms, 4, symbol=SYMBOL),
            income("WELCOME_BONUS", "7", held_ms, 5),
        ]

    def in_bnb(rows: Any) -> Any:
        changed = {"commission": "0.00051234", "commissionAsset": "BNB"}
        return [row | changed if row["id"] == first else row for row in rows]

    traded.relay.changes |= {"/income": told, "/userTrades": in_bnb}
    answer = ask("pnl", "--json", "--since", "2024-01-01")
    assert (answer.code, answer.errors) == (OK, "")
    found = {(t["whose"], t["asset"]): t for t in answer.json["totals"]}
    assert found[TAG, "BNB"]["commission"] == "-0.00051234"
    assert found[TAG, "USDT"]["funding"] == "-0.11223343"
    assert found["transfers to and from", "USDT"]["result"] == "-500"
    assert found["other income", "USDT"]["other"] == "7"
    assert found["liquidation", "USDT"]["other"] == "-1.5"
    assert found["another hand", "USDT"]["fills"] == 1
    [trade, _] = ask("trades", "--json").json["trades"]
    assert trade["funding"] == {"USDT": "-0.11223343"}
    assert trade["commission"]["BNB"] == "-0.00051234"
    rows = list(csv.DictReader(io.StringIO(ask("trades", "--csv").out)))
    assert [row["asset"] for row in rows] == ["USDT", "BNB", "USDT"]


def a_cent_less(rows: Any) -> Any:
    less = {row["tranId"]: str(Decimal(row["income"]) - Decimal("0.01")) for row in rows[:1]}
    return [row | {"income": less.get(row["tranId"], row["income"])} for row in rows]


BAD_HISTORIES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a cent less": ("/income", a_cent_less),
    "a row of income is missing": ("/income", lambda rows: rows[1:]),
    "a fill is missing": ("/userTrades", lambda rows: rows[1:]),
    "a fill has won more": (
        "/userTrades", lambda rows: [row | {"realizedPnl": "0.01"} for row in rows]),
    "a fill has cost less": (
        "/userTrades", lambda rows: [row | {"commission": "0.01"} for row in rows]),
}  # fmt: skip


@pytest.mark.parametrize(("path", "change"), BAD_HISTORIES.values(), ids=BAD_HISTORIES.keys())
def test_answers_that_do_not_agree(
    ask: Ask, traded: Asked, path: str, change: Callable[[Any], Any]
) -> None:
    traded.relay.changes[path] = change
    answer = ask("pnl", "--json")
    assert answer.code == DIFFERS
    balance = answer.json["balance"]
    assert balance["is_right"] is False
    assert balance["differences"]
    assert balance["sentence"].startswith("The books do NOT balance: they differ by ")
    assert answer.errors == ""  # it is too old to lag


def test_an_order_that_the_exchange_has_forgotten(ask: Ask, traded: Asked) -> None:
    traded.relay.changes |= {
        "/allOrders": lambda rows: [row for row in rows if row["clientOrderId"] != "by-hand"],
        "/order": lambda _row: (400, {"code": -2013, "msg": "Order does not exist."}),
    }
    answer = ask("pnl", "--json")
    assert answer.code == OK
    assert lines(answer)["order no longer told"]["fills"] == 1
    [note] = answer.json["notes"]
    assert note.startswith("The exchange no longer tells the order of 1 fill")


def test_a_span_that_begins_within_a_trade(ask: Ask, traded: Asked) -> None:
    fills = traded.exchange.get("ledger")["fills"]
    since = module("books.periods").moment(int(fills[1]["market_ms"]) + 1).isoformat()
    answer = ask("trades", "--json", "--since", since)
    assert answer.code == OK
    own, _ = answer.json["trades"]
    assert (own["whose"], own["quantity"], own["fills"]) == (TAG, "0.03", 3)
    assert answer.json["notes"] == []
    totals = lines(ask("pnl", "--json", "--since", since))
    assert (totals[TAG]["trades"], totals[TAG]["fills"]) == (1, 1)
    before = ask("pnl", "--json", "--since", "2024-01-01", "--until", since)
    assert {line["fills"] for line in before.json["totals"]} == {2}


def test_nothing_in_the_span(ask: Ask, traded: Asked) -> None:
    answer = ask("pnl", "--since", "3h", "--until", "2h")
    assert answer.code == OK
    assert "Nothing was won or paid." in answer.out
    empty = ask("trades", "--csv", "--since", "3h", "--until", "2h").out
    assert empty.startswith("opened,closed,whose,hands,symbol,")
    assert empty.count("\n") == 1
    assert "difference 0 over 0 rows of income, which are none" in answer.out


async def books_of(asked: Asked, warned: list[str]) -> Any:
    """Return the books as the commands ask for them, in this process."""
    settings = asked.settings()
    requests = module("venue.binance.gentle").GentleRequests(settings)
    try:
        past = module("venue.binance.past").Past(
            requests, module("venue.binance.pages").ExchangeClock(settings, requests)
        )
        now_ms = await past.look_at_the_clock()
        span = module("books.balance").Span(now_ms - 86_400_000, now_ms + 1)
        owners = module("books.owners").Owners.of(TRADER, [(TAG, SYMBOL)])
        asking = module("commands.asked_books").AskedBooks
        return await asking(past, owners, frozenset({SYMBOL}), span, warned.append).books()
    finally:
        await requests.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Asked]:
    """An account with a fill of just now."""
    asked = Asked(tmp_path / "exchange")
    name = ids.make(OWNER, 1_704_067_259_999, ids.Leg.ENTRY, 0)
    asked.order("BUY", newClientOrderId=name)
    yield asked
    asked.close()


class Lag:
    """The last row is told when it has been asked for so often."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, rows: Any) -> Any:
        self.left -= 1
        return rows if self.left < 0 else rows[:-1]


@pytest.mark.parametrize("path", ["/income", "/userTrades", "/allOrders"])
async def test_what_lags_is_asked_for_again(fresh: Asked, path: str) -> None:
    fresh.relay.changes[path] = Lag(2)
    if path == "/allOrders":
        fresh.relay.changes["/v1/order"] = lambda _row: (400, {"code": -2013, "msg": "none"})
    warned: list[str] = []
    books = await books_of(fresh, warned)
    assert books.balance.is_right
    assert warned
    assert warned[0].startswith("The exchange is asked again: ")
    assert [fill.who for fill in books.fills] == [TAG]
    assert books.trades[0].opened_ms is not None


async def test_a_symbol_of_another_hand_that_lags(tmp_path: Path) -> None:
    asked = Asked(tmp_path / "exchange", "--symbol", SYMBOL, "--symbol", "ETHUSDT")
    try:
        for side in ("BUY", "SELL"):
            asked.order(side, symbol="ETHUSDT")
        asked.order("BUY", newClientOrderId=ids.make(OWNER, 1_704_067_259_999, ids.Leg.ENTRY, 0))
        hidden = Lag(1)
        asked.relay.changes["/income"] = lambda rows: rows if hidden(rows) == rows else []
        books = await books_of(asked, [])
        assert books.balance.is_right
        assert sorted(fill.symbol for fill in books.fills) == [SYMBOL, "ETHUSDT", "ETHUSDT"]
    finally:
        asked.close()


async def test_two_own_orders_that_have_met(fresh: Asked) -> None:
    def met(rows: Any) -> Any:
        other = {"side": "SELL", "buyer": False, "orderId": 9_999_999}
        return [each for row in rows for each in (row, row | other)]

    def paid_twice(rows: Any) -> Any:
        return [*rows, *(row | {"tranId": row["tranId"] + 5_000} for row in rows)]

    fresh.relay.changes |= {"/userTrades": met, "/income": paid_twice}
    books = await books_of(fresh, [])
    assert books.balance.is_right
    assert len(books.fills) == 2


async def test_what_lags_for_ever_is_a_difference(
    fresh: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module("commands.asked_books"), "AGREE_SECONDS", 2.0)
    fresh.relay.changes["/income"] = Lag(1_000)
    warned: list[str] = []
    books = await books_of(fresh, warned)
    assert not books.balance.is_right
    assert 1 <= len(warned) <= 4


async def test_a_command_leaves_half_of_the_limit_to_the_node(traded: Asked) -> None:
    gentle = module("venue.binance.gentle")
    requests = gentle.GentleRequests(traded.settings(), most=30)
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        requests._asked.clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gentle.asyncio, "sleep", sleep)
        for _ in range(4):  # of 10 each
            await requests._room_for(10)
    await requests.close()
    [seconds] = waited
    assert 55 < seconds <= 60


# -- What cannot be asked -------------------------------------------------------------------------


def test_the_exchange_away(ask: Ask) -> None:
    answer = ask("pnl")
    assert (answer.code, answer.out) == (AWAY, "")


def test_a_key_that_is_refused(ask: Ask, traded: Asked) -> None:
    answer = ask("trades", TRADER_API_KEY="another", TRADER_API_SECRET="hidden-one")
    assert answer.code == CONFIGURATION
    assert "refuses the key" in answer.errors
    assert "hidden-one" not in answer.errors


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "yesterday"], "yesterday is no time: write 2026-11-30"),
        (["--since", "2023-12-31", "--until", "2023-12-30"], "is not before 2023-12-30"),
    ],
)
def test_times_that_are_wrong(ask: Ask, traded: Asked, words: list[str], said: str) -> None:
    answer = ask("pnl", *words)
    assert (answer.code, answer.out) == (CONFIGURATION, "")
    assert said in answer.errors


def test_more_than_may_be_asked_for(ask: Ask, traded: Asked) -> None:
    def full(_rows: Any) -> Any:
        return [income("TRANSFER", "1", 1_704_067_300_000, number) for number in range(1_000)]

    traded.relay.changes["/income"] = full
    answer = ask("pnl")
    assert answer.code == CONFIGURATION
    assert "ask for a shorter time with --since and --until" in answer.errors

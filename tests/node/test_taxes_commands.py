"""``taxes`` and ``keep``: the exchange's own books, kept before it forgets them."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from node.asking import Asked, asked_by_commands
from node.baked import module
from node.commands import AWAY, CONFIGURATION, DIFFERS, OK, Answer
from node.conftest import Start
from node.kept_process import Keeps
from node.processes import SYMBOL, Exchange, Node, Store
from node.test_books_commands import Ask, ask, gained
from node.test_trading import last_bar, step, step_until_position

__all__ = ["ask"]

TRADER = "TRADER-001"
MARKET_MS = 1_704_067_200_000
"""The market's first bar begins with 2024; by five o'clock there are enough to warm up by."""
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
WEST = "Etc/GMT+6"
"""There the new year begins six hours later: an hour after a node has begun."""
NEW_YEAR_MS = MARKET_MS + 6 * HOUR_MS
keeping, ARCHIVE = module("books.kept"), module("books.archive")


def by_ledger(exchange: Exchange, since_ms: int, until_ms: int) -> Decimal:
    """Return what the exchange has booked in a time, which no command looks at."""
    ledger = exchange.get("ledger")
    found = Decimal(0)
    for fill in ledger["fills"]:
        if since_ms <= int(fill["market_ms"]) < until_ms:
            found += Decimal(fill["realized_pnl"]) - Decimal(fill["commission"])
    for fee in ledger["funding"]:
        if since_ms <= int(fee["market_ms"]) < until_ms:
            found += Decimal(fee["amount"])
    return found


def rows_of(answer: Answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.out)))


def numbers(rows: list[dict[str, Any]]) -> set[str]:
    """Return the numbers of all fills that rows name."""
    return {each for row in rows for each in (row["trade_ids"] or "").split("; ") if each}


def play(exchange: Exchange, node: Node, start: Start) -> Node:
    """Trade through the new year of the west: killed, with partial fills, a flip and funding."""
    exchange.post("faults", {"name": "thin", "symbol": SYMBOL, "quantity": "0.003"})
    step_until_position(exchange, node)
    while last_bar(exchange) < NEW_YEAR_MS - 2 * 60_000:
        step(exchange, node)
        if last_bar(exchange) % (20 * 60_000) < 60_000:
            exchange.post("step", {"bars": 1})
            node.kill()
            node = start()
            node.until("trading")
            node.settle(last_bar(exchange))
    step_until_position(exchange, node)
    return node


def test_a_year_that_ends_with_a_position_open(
    ask: Ask, start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    node = play(exchange, node, start)
    held = Decimal(exchange.position())
    assert held
    exchange.post("faults", {"name": "funding", "symbol": SYMBOL, "rate": "0.0001"})
    node.kill()
    store.kill()
    exchange.post("step", {"bars": 3})  # the new year comes, and with it another hand that turns it
    side = "SELL" if held > 0 else "BUY"
    turned = {"name": "order", "symbol": SYMBOL, "side": side, "quantity": str(3 * abs(held))}
    exchange.post("faults", turned)
    exchange.post("step", {"bars": 3})
    exchange.post("faults", {"name": "funding", "symbol": SYMBOL, "rate": "-0.0002"})
    exchange.post("faults", {"name": "liquidate", "symbol": SYMBOL})
    exchange.post("step", {"bars": 2})
    for method in ("average", "fifo"):
        years = {}
        for year, ends in (("2023", (0, NEW_YEAR_MS)), ("2024", (NEW_YEAR_MS, MARKET_MS + DAY_MS))):
            answer = ask("taxes", year, "--zone", WEST, "--method", method, "--json")
            assert (answer.code, answer.errors) == (OK, "")
            years[year] = answer.json
            booked = by_ledger(exchange, *ends)
            assert Decimal(answer.json["income"]["USDT"]) == booked != 0
            assert answer.json["balance"]["difference"] == {"USDT": "0"}
            if method == "average":
                assert answer.json["difference"] == {"USDT": "0"}
                assert Decimal(answer.json["sums"]["USDT"]) == booked
        kinds = {y: {row["row"] for row in told["rows"]} for y, told in years.items()}
        assert kinds == {"2023": {"trade", "carried over"}, "2024": {"trade", "brought over"}}
        total = sum((Decimal(told["sums"]["USDT"]) for told in years.values()), Decimal(0))
        assert total.quantize(Decimal("0.01")) == gained(exchange).quantize(Decimal("0.01"))
        # Each fill is the proof of something.
        fills = {str(fill["trade_id"]) for fill in exchange.get("ledger")["fills"]}
        assert numbers([row for told in years.values() for row in told["rows"]]) == fills
    both = ask("taxes", "2024", "--csv")
    assert both.code == OK
    assert sum(Decimal(row["result"]) for row in rows_of(both)) == gained(exchange)
    assert "The books balance: difference 0 over " in both.errors
    last = rows_of(both)[-1]
    assert last["closed_by"].startswith("autoclose-")
    assert last["whose"] == "another hand"
    assert "The rows sum up to the exchange's income of the year" in ask("taxes", "2024").out


# -- Kept ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """An account with two trades, and a quarter of an hour after them."""
    asked = Asked(tmp_path_factory.mktemp("exchange") / "shared")
    for side, quantity in (("BUY", "0.010"), ("SELL", "0.015"), ("SELL", "0.005")):
        asked.order(side, quantity, newClientOrderId=f"hand-{side}-{quantity}")
        asked.exchange.post("step", {"bars": 2})
    asked.exchange.post("step", {"bars": 15})
    yield asked
    asked.close()


@pytest.fixture
def traded(shared: Asked, environment: dict[str, str]) -> Iterator[Asked]:
    """The account, which commands ask through the relay."""
    yield from asked_by_commands(shared, environment)


def kept_in(folder: Path) -> Any:
    return keeping.Kept(ARCHIVE.Archive(folder))


def stored(folder: Path, kind: str) -> list[str]:
    """Return the names in all files of a kind, as often as they stand there."""
    found = ARCHIVE.Archive(folder).rows_between(ARCHIVE.Kind(kind), 0, 2**62)
    return sorted(row["name"] for row in found)


def test_killed_at_each_step_nothing_is_lost_and_nothing_twice(
    traded: Asked, project: Path, tmp_path: Path
) -> None:
    given = {
        "profile": "simulated", "id": TRADER, "symbol": SYMBOL, "store_url": "redis://127.0.0.1:1",
        "exchange_http_url": traded.exchange.http, "exchange_ws_url": traded.exchange.ws,
    }  # fmt: skip
    keeps = Keeps(project, given)

    def begun(name: str) -> Path:
        """Return an archive that reaches to the market's beginning: one week is left to ask for."""
        spans = [keeping.KeptSpan(MARKET_MS - 90 * DAY_MS, MARKET_MS, ())]
        kept_in(tmp_path / name / TRADER).add(keeping.Told([], [], spans))
        return tmp_path / name

    steps = keeps.whole(begun("whole"))
    assert steps >= 12
    whole = kept_in(tmp_path / "whole" / TRADER)
    assert (len(whole.fills()), len(whole.income())) == (3, 4)
    for step_ in range(1, steps + 1):
        folder = begun(f"killed-{step_}")
        keeps.killed(folder, step_)
        killed = kept_in(folder / TRADER)
        if len(killed.spans()) > 1:  # what it says is there is there
            assert (killed.fills(), killed.income()) == (whole.fills(), whole.income()), step_
        keeps.here(folder)
        again = kept_in(folder / TRADER)
        assert (again.fills(), again.income()) == (whole.fills(), whole.income()), step_
        assert len(stored(folder / TRADER, "fills")) == 3, step_
        assert len(stored(folder / TRADER, "income")) == 4, step_


def test_what_is_kept_is_told_when_the_exchange_has_forgotten_it(ask: Ask, traded: Asked) -> None:
    assert ask("taxes", "2024", "--kept").out.count("Nothing is kept, and nothing was asked.") == 1
    answer = ask("keep")
    assert (answer.code, answer.errors) == (OK, "")
    assert answer.out.startswith("3 fills and 4 rows of income are new; all is kept up to ")
    before = ask("taxes", "2024", "--json")
    assert before.code == OK
    assert "0 fills and 0 rows of income are new" in ask("keep").out
    # The exchange tells none of it any more, and says nothing at all of it.
    traded.relay.changes |= {"/income": lambda _rows: [], "/userTrades": lambda _rows: []}
    after = ask("taxes", "2024", "--json")
    assert after.code == OK
    assert after.json["rows"] == before.json["rows"] != []
    kept = ask("taxes", "2024", "--kept", "--json", TRADER_EXCHANGE_HTTP_URL="http://127.0.0.1:1")
    assert kept.code == OK
    assert kept.json["rows"] == before.json["rows"]
    # A year that is over and kept asks nobody.
    words = ("taxes", "2023", "--json")
    over = ask(*words, TRADER_EXCHANGE_HTTP_URL="http://127.0.0.1:1")
    assert (over.code, over.errors) == (OK, "")


def test_the_exchange_away(ask: Ask) -> None:
    for words in (("taxes", "2024"), ("keep",)):
        answer = ask(*words)
        assert (answer.code, answer.out) == (AWAY, "")


def test_another_account_is_refused(ask: Ask, traded: Asked, tmp_path: Path) -> None:
    assert ask("keep").code == OK
    traded.relay.changes["/userTrades"] = lambda rows: [r | {"price": "59000.00"} for r in rows]
    answer = ask("keep")
    assert answer.code == CONFIGURATION
    assert "the books of another account" in answer.errors
    assert len(kept_in(tmp_path / "state" / "archive" / TRADER).fills()) == 3


def test_fills_and_income_that_differ_lately_are_asked_for_again(
    ask: Ask, traded: Asked, tmp_path: Path
) -> None:
    traded.relay.changes["/userTrades"] = lambda rows: rows[1:]
    answer = ask("keep")
    assert answer.code == OK
    assert "It is asked for again later." in answer.errors
    kept = kept_in(tmp_path / "state" / "archive" / TRADER)
    assert not kept.spans()
    traded.relay.changes.clear()
    assert ask("keep").errors == ""
    assert (len(kept.fills()), len(kept.spans())) == (3, 1)


def test_a_cent_less_is_seen(ask: Ask, traded: Asked) -> None:
    def less(rows: Any) -> Any:
        return [r | {"income": str(Decimal(r["income"]) - Decimal("0.01"))} for r in rows[:1]] + (
            rows[1:]
        )

    traded.relay.changes["/income"] = less
    answer = ask("taxes", "2024", "--json")
    assert answer.code == DIFFERS
    assert answer.json["balance"]["is_right"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["1999"], "1999 is no year of trades"),
        (["last"], "last is no year of trades"),
        (["2024", "--zone", "Nowhere/Land"], "Nowhere/Land is no time zone"),
    ],
)
def test_what_cannot_be(ask: Ask, words: list[str], said: str) -> None:
    answer = ask("taxes", *words)
    assert (answer.code, answer.out) == (CONFIGURATION, "")
    assert said in answer.errors


OFTEN = """
import sys
from trading_node.commands import main as cli
from trading_node.guards.books import watch

watch.EVERY_SECONDS = 0.3
watch.MOST_A_MINUTE = 1_200
sys.exit(cli.main(["run"]))
"""


def test_a_node_keeps_its_books_while_it_trades(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    node = start(OFTEN)
    node.until("trading")
    step_until_position(exchange, node)
    for _ in range(12):
        step(exchange, node)
    node.kill()
    node = start(OFTEN)
    node.until("trading")
    kept = kept_in(tmp_path / "state" / "archive" / TRADER)
    while not kept.fills():
        assert node.next_line(30)
    first = exchange.get("ledger")["fills"][0]
    assert kept.fills()[0].trade_id == str(first["trade_id"])
    assert node.settle(last_bar(exchange))["conditions"] == []
    step(exchange, node)

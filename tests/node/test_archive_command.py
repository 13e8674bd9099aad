"""``archive`` tells what is in the files, and needs nobody for it."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from node.baked import module
from node.commands import AWAY, CONFIGURATION, OK
from node.processes import SYMBOL
from node.test_books_commands import Ask, ask
from node.test_taxes import kept_fill

__all__ = ["ask"]

ARCHIVE, KEPT, archived = module("books.archive"), module("books.kept"), module("books.archived")
TRADER = "TRADER-001"
DAYS = [int(datetime(2026, 3, day, 12, tzinfo=UTC).timestamp() * 1000) for day in (1, 2, 3)]


def order(name: str, at_ms: int, symbol: str, filled: str) -> object:
    """Return an order that has ended, with a fill if it has any."""
    fills = [
        archived.ArchivedFill(
            "7", name, at_ms * 1_000_000, "BUY", Decimal(filled), Decimal(60_000), Decimal("0.3"),
            "USDT", "TAKER",
        )
    ]  # fmt: skip
    return archived.ArchivedOrder(
        name, at_ms * 1_000_000, "11", "EMA-001", f"{symbol}-PERP.BINANCE", "MARKET", "BUY",
        "FILLED" if Decimal(filled) else "CANCELED", Decimal("0.01"), Decimal(filled), False, None,
        None, at_ms * 1_000_000, fills if Decimal(filled) else [], [name.encode()],
    )  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Three days of orders, and books of two of them."""
    folder = tmp_path / "state" / "archive" / TRADER
    archive = ARCHIVE.Archive(folder)
    archive.add(ARCHIVE.Kind.ORDERS, [order("one", DAYS[0], SYMBOL, "0.01")])
    archive.add(
        ARCHIVE.Kind.ORDERS,
        [order("two", DAYS[1], SYMBOL, "0"), order("three", DAYS[2], "ETHUSDT", "0.01")],
    )
    # As another machine has archived it as well.
    archive.append(ARCHIVE.Kind.ORDERS, [order("one", DAYS[0], SYMBOL, "0.01")])
    fee = KEPT.KeptIncome("F 1", "FUNDING_FEE", SYMBOL, "USDT", Decimal("-0.25"), DAYS[1], "")
    KEPT.Kept(archive).add(
        KEPT.Told([kept_fill(1, DAYS[1])], [fee], [KEPT.KeptSpan(DAYS[0], DAYS[1] + 1, ())])
    )
    return folder


def test_there_is_none_yet(ask: Ask, tmp_path: Path) -> None:
    answer = ask("archive")
    assert (answer.code, answer.errors) == (OK, "")
    assert answer.out.startswith("There is no archive yet: nothing has gone to ")
    assert ask("archive", "--json").json["days"] == []
    assert ask("archive", "fills", "--csv").out.startswith("moment,symbol,trade_id,")
    assert not (tmp_path / "state").exists()


def test_days_with_store_and_exchange_away(ask: Ask, files: Path) -> None:
    answer = ask("archive", "--json")
    assert (answer.code, answer.errors) == (OK, "")
    days = answer.json["days"]
    assert [(d["day"], d["orders"], d["filled"]) for d in days] == [
        ("2026-03-01", 1, 1), ("2026-03-02", 1, 0), ("2026-03-03", 1, 1),
    ]  # fmt: skip
    assert days[1] | {"fills": 1, "income_rows": 1, "income": {"USDT": "-0.25"}} == days[1]
    assert answer.json["all"]["orders"] == 3
    said = ask("archive").out
    assert "Books are kept of 2026-03-01 12:00:00 to 2026-03-02 12:00:00 UTC." in said
    rows = list(csv.DictReader(io.StringIO(ask("archive", "--csv", "--symbol", SYMBOL).out)))
    assert [row["orders"] for row in rows] == ["1", "1"]
    assert rows[1]["income"] == "-0.25 USDT"


def test_rows_of_a_symbol_and_a_time(ask: Ask, files: Path) -> None:
    found = ask("archive", "orders", "--json").json["orders"]
    assert [row["client_order_id"] for row in found] == ["one", "two", "three"]
    assert (found[0]["symbol"], found[0]["quantity"]) == (SYMBOL, "0.01")
    since = ("--since", "2026-03-02", "--until", "2026-03-03")
    assert [
        o["client_order_id"] for o in ask("archive", "orders", "--json", *since).json["orders"]
    ] == ["two"]
    assert "three" in ask("archive", "orders", "--symbol", "ETHUSDT").out
    assert "1 fills" not in ask("archive", "fills").out
    assert "1 fill, 2026-03-02T12:00:00.000+00:00" in ask("archive", "fills").out
    rows = list(csv.DictReader(io.StringIO(ask("archive", "income", "--csv").out)))
    assert [(row["kind"], row["amount"]) for row in rows] == [("FUNDING_FEE", "-0.25")]
    assert (
        ask("archive", "income", "--symbol", "ETHUSDT").out == "The archive has nothing of that.\n"
    )


def test_what_cannot_be(ask: Ask, files: Path) -> None:
    answer = ask("archive", "--since", "yesterday")
    assert (answer.code, answer.out) == (CONFIGURATION, "")
    assert "yesterday is no time" in answer.errors
    broken = next((files / "orders").iterdir())
    broken.write_bytes(b"no Parquet")
    answer = ask("archive")
    assert (answer.code, answer.out) == (AWAY, "")
    assert f"{broken.name} is no Parquet file any more" in answer.errors

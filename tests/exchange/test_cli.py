"""The command line: ready line, exit codes, one sentence for each mistake."""

import asyncio
import json
import re
import signal
import socket
import time
from pathlib import Path

import pytest

from exchange.support import Running, called, exchange, refused
from simulated_exchange.market.scripts import SeededMarket
from simulated_exchange.market.symbols import symbol_rules


async def test_it_is_soon_ready_and_stops_as_asked() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        running = await Running.start("--stepped")
        assert running.ready["event"] == "ready"
        assert running.ready["pid"] == running.process.pid
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", running.ready["http"])
        assert running.ready["ws"] == running.ready["http"].replace("http", "ws")
        assert await running.stop(number) == (0, "")


async def test_wallet_and_regime() -> None:
    async with exchange("--stepped", "--wallet", "250.5", "--regime", "gap") as user:
        assert (await user.ledger())["wallet"] == {"USDT": "250.5"}
        bars = [record["data"]["bars"]["BTCUSDT"] for record in await user.journal("exchange.s")]
        bar = SeededMarket(7, "gap").bar(symbol_rules("BTCUSDT"), 299)
        assert bars[0][-1] == bar.row()


def test_help_names_every_option_and_regime() -> None:
    asked = called("--help")
    assert asked.wait() == 0
    said = " ".join("".join(asked.output).split())
    for word in ("--stepped", "--state DIR", "--wallet", "swing: ", "crash: falls by 15 %"):
        assert word in said


async def test_more_signals_while_it_stops_change_nothing() -> None:
    running = await Running.start("--stepped")
    while not running.process.ended:
        running.process.send(signal.SIGTERM)
        running.process.send(signal.SIGINT)
        await asyncio.sleep(0.001)
    assert await running.stop() == (0, "")


async def test_all_addresses_are_reached_on_loopback() -> None:
    running = await Running.start("--stepped", "--host", "0.0.0.0")  # noqa: S104 - containers need it
    assert running.ready["http"].startswith("http://127.0.0.1:")
    await running.stop()


def test_a_taken_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = refused("--stepped", "--port", str(taken.getsockname()[1]))
    assert code == 75
    assert said.count("\n") == 1
    assert "is taken: give another --port" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--bogus"], "Unrecognized arguments"),
        (["--port", "70000"], "whole number from 0 to 65535"),
        (["--symbol", "doge"], "no symbol that trades here"),
        (["--stepped", "--speed", "2"], "not both"),
        (["--speed", "0"], "number over 0"),
        (["--epoch", "1"], "start of a minute"),
        (["--epoch", "4102444800000", "--stepped"], "cannot pass wall time"),
        (["--host", "8.8.8.8"], "public address"),
        (["--host", "example.org"], "is no address"),
        (["--journal", "/nowhere/journal"], "cannot be written"),
        (["--market", "/nowhere/bars.csv", "--stepped"], "cannot be read"),
        (["--market", "x.csv", "--symbol", "BTCUSDT", "--symbol", "ETHUSDT"], "one --symbol"),
        (["--history", "0"], "whole number from 1"),
        (["--weight-limit", "-1"], "whole numbers from 0"),
        (["--regime", "calm"], "choose from"),
        (["--market", "x.csv", "--stepped", "--regime", "gap"], "not both"),
        (["--state", "x", "--journal", "y"], "not both"),
        (["--wallet", "much"], "much is no number over 0"),
        (["--wallet", "0"], "0 is no number over 0"),
        (["--wallet", "NaN"], "NaN is no number over 0"),
        (["--wallet", "0.000000001"], "at most 8 decimals"),
        (["--listen-key-minutes", "0"], "number over 0"),
        (["--listen-key-minutes", "nan"], "number over 0"),
        (["--journal", "/dev/full"], "/dev/full cannot be written: No space left"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments: list[str], says: str) -> None:
    code, said = refused(*arguments)
    assert code == 2
    assert says in said
    assert said.count("\n") == 1
    assert said.startswith("simulated-exchange: ")


def bars(path: Path, count: int) -> Path:
    rows = ["timestamp,open,high,low,close,volume"]
    rows += [
        f"2022-01-01 00:{i:02}:00,{100 + i},{102 + i},{99 + i},{101 + i},5" for i in range(count)
    ]
    path.write_text("\n".join(rows))
    return path


def test_a_file_that_is_no_bar_file(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("time,price\n1,2\n")
    code, said = refused("--market", str(tmp_path / "b.csv"), "--stepped")
    assert code == 2
    assert said.count("\n") == 1
    assert "is no file of bars: its first line has to be timestamp,open," in said


def test_too_few_bars(tmp_path: Path) -> None:
    code, said = refused("--market", str(bars(tmp_path / "b.csv", 10)), "--stepped")
    assert code == 2
    assert "has 10 bars" in said


def test_recorded_bars_are_stepped_or_have_a_speed(tmp_path: Path) -> None:
    code, said = refused("--market", str(bars(tmp_path / "b.csv", 10)), "--history", "5")
    assert code == 2
    assert "--stepped or --speed" in said


async def test_a_recorded_market_ends(tmp_path: Path) -> None:
    file = bars(tmp_path / "b.csv", 8)
    async with exchange("--market", str(file), "--stepped", "--history", "5") as user:
        rows = (await user.raw("GET", "/fapi/v1/klines", "symbol=BTCUSDT&interval=1m"))[1]
        assert [row[0] for row in rows] == [1_640_995_200_000 + k * 60_000 for k in range(5)]
        assert rows[0][1:5] == ["100.00", "102.00", "99.00", "101.00"]
        assert (await user.step(3))["bar"] == 1_640_995_200_000 + 8 * 60_000 - 1
        refusal = await user.sim("POST", "step", {"bars": 1}, status=409)
        assert "only 8 bars" in refusal["error"]


async def test_a_market_runs_by_itself() -> None:
    async with exchange() as user:
        hello = await user.sim("GET", "hello")
        assert abs(hello["market_ms"] - time.time() * 1000) < 2_000
        assert (await user.sim("POST", "step", {"bars": 1}, status=409))["error"]
        rows = (await user.raw("GET", "/fapi/v1/klines", "symbol=BTCUSDT&interval=1m"))[1]
        assert len(rows) >= 300
        assert (await user.order("BUY"))["updateTime"] >= hello["market_ms"]


async def test_a_fast_market_closes_bars_and_stays_in_the_past() -> None:
    async with exchange("--speed", "600") as user, user.listening("/ws/btcusdt@kline_1m") as stream:
        closed: list[int] = []
        while len(closed) < 3:
            event = await stream.next()
            if event["k"]["x"]:
                closed.append(event["k"]["t"])
        assert closed == [closed[0] + k * 60_000 for k in range(3)]
        assert (await user.sim("GET", "hello"))["market_ms"] < time.time() * 1000
        trades = await user.order("BUY")
        assert trades["time"] > closed[-1]


async def test_the_journal_file_holds_all_records(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    async with exchange("--stepped", "--journal", str(path)) as user:
        await user.order("BUY")
        told = await user.journal()
    written = [json.loads(line) for line in path.read_text().splitlines()]
    assert written[: len(told)] == told
    assert [record["seq"] for record in written] == list(range(1, len(written) + 1))

"""The journal outlives the process: batches, a kill at any moment, a folder that is refused."""

import asyncio
import contextlib
import io
import json
import random
import resource
import signal
from collections.abc import AsyncIterator
from decimal import Decimal as Dec
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from exchange import laws
from exchange.support import SECONDS, Running, User, refused
from simulated_exchange.journal.folder import FolderError, open_folder, restore
from simulated_exchange.journal.journal import Journal
from simulated_exchange.journal.state import State, replay

CLIENTS = 4
KILLS = 5


class File(io.BytesIO):
    """Notes each write that reaches it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[list[Any]] = []

    def write(self, lines: Any) -> int:
        self.writes.append([json.loads(line) for line in bytes(lines).splitlines()])
        return super().write(lines)


def test_a_batch_is_one_write_and_applied_at_once() -> None:
    file, state = File(), State()
    journal = Journal(state, file)
    journal.write("request", {})
    with journal.batch():
        journal.write("request", {"n": 1})
        with journal.batch():
            start = {"first_open_ms": 5, "wallet": "1", "bars": {}}
            journal.write("exchange.started", start, market_ms=7)
        assert state.market_ms == 7
        assert len(file.writes) == 1, "an inner batch ends with the outer one"
    assert [[(r["seq"], r["batch"]) for r in write] for write in file.writes] == [
        [(1, 1)],
        [(2, 3), (3, 3)],
    ]
    assert journal.after(0) == [record for write in file.writes for record in write]


def test_an_exception_inside_a_batch_loses_nothing_that_was_applied() -> None:
    file = File()
    journal = Journal(State(), file)

    def interrupted() -> None:
        with journal.batch():
            journal.write("request", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    with journal.batch():
        pass
    assert len(file.writes) == 1, "an empty batch writes nothing"


# A folder and what may have become of it


def make_folder(folder: Path) -> bytes:
    """Fill a folder with a start and two batches of two; return its journal."""
    with open_folder(folder) as file:
        journal = Journal(State(), file)
        start = {"setup": {"seed": 7}, "first_open_ms": 0, "wallet": "1", "bars": {}}
        journal.write("exchange.started", start)
        for number in range(2):
            with journal.batch():
                journal.write("request", {"number": number})
                journal.write("wallet.covered", {"wallet": str(number), "change": "0"})
    return (folder / "journal.jsonl").read_bytes()


def reopened(folder: Path, seed: int = 7) -> tuple[Journal, State, int]:
    state = State()
    with open_folder(folder) as file:
        journal = Journal(state, file)
        return journal, state, restore(journal, file, {"seed": seed})


def test_whatever_is_cut_off_the_end_whole_batches_stay(tmp_path: Path) -> None:
    content = make_folder(tmp_path)
    ends = [0]  # of the batches
    for line in content.splitlines(keepends=True):
        record = json.loads(line)
        ends += [content.index(line) + len(line)] if record["seq"] == record["batch"] else []
    assert len(ends) == 4
    for size in range(len(content) + 1):
        (tmp_path / "journal.jsonl").write_bytes(content[:size])
        whole = max(end for end in ends if end <= size)
        journal, state, cut = reopened(tmp_path)
        assert cut == size - whole
        assert (tmp_path / "journal.jsonl").read_bytes() == content[:whole]
        assert journal.seq == content[:whole].count(b"\n")
        assert state == replay(json.loads(line) for line in content[:whole].splitlines())
        assert len(journal.after(0)) == journal.seq


def damaged(content: bytes) -> dict[str, bytes]:
    one, two, three, four, five = content.splitlines(keepends=True)
    return {
        "a line is gone": one + three + four + five,
        "a line is there twice": one + two + two + three + four + five,
        "a line is no record": one + b"[]\n" + three + four + five,
        "a line is no JSON": one + two[:30] + b"\n" + three + four + five,
        "zeros": one + b"\0" * len(two) + b"\n" + three,
        "two batches run into each other": one + two + four + five,
        "a batch has another end": one + two + three.replace(b'"batch":3', b'"batch":4'),
        "a change cannot be": one + two + three.replace(b'"wallet":"0"', b'"wallet":"x"'),
        "another start": one.replace(b'"setup"', b'"set"') + two + three,
    }


@pytest.mark.parametrize("name", damaged(b"1\n2\n3\n4\n5\n"))
def test_damage_elsewhere_is_refused_and_left(name: str, tmp_path: Path) -> None:
    content = damaged(make_folder(tmp_path))[name]
    (tmp_path / "journal.jsonl").write_bytes(content)
    with pytest.raises(FolderError, match=r"line \d: this is not what the exchange wrote there"):
        reopened(tmp_path)
    assert (tmp_path / "journal.jsonl").read_bytes() == content


def test_another_setup_is_refused(tmp_path: Path) -> None:
    content = make_folder(tmp_path)
    with pytest.raises(FolderError, match=r"began with another --seed \(7, not 8\)"):
        reopened(tmp_path, seed=8)
    assert (tmp_path / "journal.jsonl").read_bytes() == content


# A process that is killed


@contextlib.asynccontextmanager
async def living(folder: Path, *arguments: str) -> AsyncIterator[tuple[Running, User]]:
    """Run an exchange on a folder, for as long as it lives."""
    running = await Running.start("--stepped", "--state", str(folder), *arguments)
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(SECONDS)) as session:
            yield running, User(running.ready["http"], running.ready["ws"], session)
    finally:
        await running.stop(signal.SIGKILL)


def records(folder: Path) -> list[Any]:
    return [json.loads(line) for line in (folder / "journal.jsonl").read_bytes().splitlines()]


class Trader:
    """Asks for this and that until the exchange is gone; keeps what it was told."""

    def __init__(self, user: User, dice: random.Random, answered: asyncio.Semaphore) -> None:
        self.user = user
        self.dice = dice
        self.answered = answered  # released once for each answer
        self.told: dict[int, Any] = {}
        self.ledger: Any = None

    async def trade(self) -> None:
        with contextlib.suppress(aiohttp.ClientError):
            while True:
                await self.do()
                self.answered.release()

    async def do(self) -> None:
        dice, choice = self.dice, self.dice.random()
        given: dict[str, Any] = {
            "symbol": "BTCUSDT", "side": dice.choice(("BUY", "SELL")),
            "quantity": f"0.{dice.randint(2, 30):03}",
        }  # fmt: skip
        if choice < 0.1:
            await self.user.step()
        elif choice < 0.2 or self.ledger is None:
            self.ledger = await self.user.ledger()
        elif choice < 0.5:
            await self.send("POST", given | {"type": "MARKET"})
        elif choice < 0.75:
            price = float(self.ledger["prices"]["BTCUSDT"]) * dice.uniform(0.98, 1.02)
            limit = {"type": "LIMIT", "timeInForce": "GTC", "price": f"{price:.1f}"}
            await self.send("POST", given | limit)
        elif mine := [order for order in self.told.values() if order["status"] == "NEW"]:
            order = dice.choice(mine)
            named = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
            if choice < 0.9:
                await self.send("DELETE", named)
            else:
                changed = {"quantity": given["quantity"], "price": order["price"]}
                await self.send("PUT", named | changed | {"side": order["side"]})

    async def send(self, method: str, given: dict[str, Any]) -> None:
        status, answer = await self.user.signed(method, "v1/order", **given)
        if status == 200:
            self.told[answer["orderId"]] = answer


def check_answers(trader: Trader, ledger: Any) -> None:
    """Hold what a client was told against the ledger after the restart."""
    orders = {int(order["exchange_order_id"]): order for order in ledger["orders"]}
    for key, answer in trader.told.items():
        order = orders[key]
        assert order["client_order_id"] == answer["clientOrderId"]
        assert order["updated_ms"] >= answer["updateTime"]
        if order["updated_ms"] == answer["updateTime"]:
            told = (answer["status"], Dec(answer["origQty"]), Dec(answer["executedQty"]))
            assert told == (order["status"], Dec(order["quantity"]), Dec(order["filled"]))
    if trader.ledger is not None:
        before = trader.ledger
        assert before["seq"] <= ledger["seq"]
        assert before["market_ms"] <= ledger["market_ms"]
        assert before["fills"] == ledger["fills"][: len(before["fills"])]
        for order in before["orders"]:
            now = orders[int(order["exchange_order_id"])]
            assert now == order or now["updated_ms"] > order["updated_ms"]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_kill_at_any_moment_loses_nothing_that_was_answered(
    seed: int, tmp_path: Path
) -> None:
    dice, traders = random.Random(seed), list[Trader]()  # noqa: S311 - chance, not secrecy
    for life in range(KILLS + 1):
        async with living(tmp_path) as (running, user):
            ledger = await user.ledger()
            for trader in traders:
                check_answers(trader, ledger)
            state = replay(records(tmp_path))
            laws.hold(state)
            assert ledger.items() >= json.loads(json.dumps(state.ledger())).items()
            assert not any(o.type == "MARKET" for o in state.open_orders("order")), "half done"
            if life == KILLS:
                break
            answered = asyncio.Semaphore(0)
            traders = [Trader(user, dice, answered) for _ in range(CLIENTS)]
            tasks = [asyncio.create_task(trader.trade()) for trader in traders]
            async with asyncio.timeout(SECONDS):
                for _ in range(dice.randint(1, 80)):
                    await answered.acquire()
                await asyncio.sleep(dice.uniform(0, 0.003))  # so that it dies anywhere
                running.process.kill()
                await asyncio.gather(*tasks)
    assert len(state.fills) > 10


async def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    async with living(tmp_path) as (_, user):
        await user.order("BUY")
        await user.sim("POST", "step", {"walk": True})
        before = await user.ledger()
        listen_key = (await user.raw("POST", "/fapi/v1/listenKey"))[1]
        journal = await user.journal()
    async with living(tmp_path) as (_, user):
        after = await user.ledger()
        assert after | {"seq": 0} == before | {"seq": 0}
        assert (await user.raw("POST", "/fapi/v1/listenKey"))[1] == listen_key
        told = await user.journal()
        assert told[: len(journal)] == journal
        assert told[len(journal)]["kind"] == "exchange.resumed"
        assert (await user.sim("GET", "hello"))["market_ms"] == before["market_ms"]
        assert (await user.order("BUY"))["orderId"] == 1_000_002
        after = await user.step()
        assert after["bar"] == before["bar"] + 60_000
    async with living(tmp_path) as (_, user):
        assert (await user.ledger())["bar"] == after["bar"]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("market.liquidity", {"symbol": "BTCUSDT", "quantity": "0.001"}),
        ("market.status", {"symbol": "BTCUSDT", "status": "SETTLING"}),
    ],
)
async def test_what_a_fault_has_changed_ends_with_the_process(
    tmp_path: Path, kind: str, data: dict[str, str]
) -> None:
    with open_folder(tmp_path) as file:
        file.truncate()
    async with living(tmp_path) as (_, user):
        await user.step()
    state = replay(records(tmp_path))
    line = records(tmp_path)[-1]
    seq = line["seq"] + 1
    line |= {"seq": seq, "batch": seq, "kind": kind, "data": data}
    line["market_ms"] = state.market_ms
    with (tmp_path / "journal.jsonl").open("a") as journal:
        journal.write(json.dumps(line) + "\n")
    assert replay(records(tmp_path)) != state
    async with living(tmp_path):
        pass
    assert replay(records(tmp_path)) == state


async def test_a_full_disk_ends_it_before_it_answers(tmp_path: Path) -> None:
    """The file may grow by a few bytes more: the batch is torn by the system itself."""
    async with living(tmp_path) as (running, user):
        await user.order("BUY")
        whole = (tmp_path / "journal.jsonl").read_bytes()
        most = len(whole) + 700
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (most, most))
        with contextlib.suppress(aiohttp.ClientError):
            while True:
                await user.order("BUY")
                whole = (tmp_path / "journal.jsonl").read_bytes()
        code, said = await running.stop()
        assert code == 2
        assert said.count("\n") == 1
        assert "journal.jsonl cannot be written: File too large" in said
    assert len((tmp_path / "journal.jsonl").read_bytes()) == most
    async with living(tmp_path) as (_, user):
        assert (tmp_path / "journal.jsonl").read_bytes().startswith(whole)
        resumed = records(tmp_path)[whole.count(b"\n")]
        assert resumed["data"] == {"cut_bytes": most - len(whole)}
        await user.order("BUY")


async def run(folder: Path, *arguments: str) -> tuple[int, str]:
    return await asyncio.to_thread(refused, "--state", str(folder), *arguments)


async def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    async with living(tmp_path / "lives"):
        code, said = await run(tmp_path / "lives", "--stepped")
        assert (code, said.count("\n")) == (2, 1)
        assert "is in use by another exchange" in said
    code, said = await run(tmp_path / "lives")
    assert (code, said.count("\n")) == (2, 1)
    assert "began with another --stepped (True, not False)" in said
    (tmp_path / "file").touch()
    code, said = await run(tmp_path / "file")
    assert (code, said.count("\n")) == (2, 1)
    assert "cannot be used as --state" in said


async def test_a_market_that_runs_catches_up(tmp_path: Path) -> None:
    running = await Running.start("--state", str(tmp_path))
    await running.stop()
    path, hour = tmp_path / "journal.jsonl", 3_600_000
    first = records(tmp_path)[0]
    first["data"]["first_open_ms"] -= hour
    first["market_ms"] -= hour
    path.write_text(json.dumps(first) + "\n")
    running = await Running.start("--state", str(tmp_path))
    assert await running.stop() == (0, "")
    state = replay(records(tmp_path))
    assert len(state.books["BTCUSDT"].bars) >= 360
    laws.hold(state)

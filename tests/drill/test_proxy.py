"""The proxy before a real store: named, counted, held, delayed and cut; else as if not there."""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as StoreConnectionError

from recovery_drill.failures import UsageError
from recovery_drill.store.proxy import DRY_SECONDS, Hold, Phase, StoreProxy
from recovery_drill.store.server import EmbeddedStore

ORDERS = "trader-LAB-001:orders:E0"
POSITIONS = "trader-LAB-001:positions:P"
OPEN = "trader-LAB-001:index:orders_open"
SECONDS = 5.0


class Stand:
    """A store, the proxy before it, a client by way of each, and the units that passed."""

    def __init__(self, store: EmbeddedStore) -> None:
        self.store = store
        self.units: list[str] = []
        self.proxy = StoreProxy.before(store.url, self._on_unit)
        self.direct = Redis.from_url(store.url, decode_responses=True)
        self.times: list[int] = []
        self.clients = [self.direct]

    def _on_unit(self, name: str, mono_ns: int) -> None:
        self.units.append(name)
        self.times.append(mono_ns)

    def client(self, **options: Any) -> Redis:
        """Return a client on one connection that neither retries nor introduces itself."""
        client = Redis.from_url(
            self.proxy.url_of(self.store.url),
            decode_responses=True,
            single_connection_client=True,
            retry=None,
            driver_info=None,
            **{"protocol": 2, **options},
        )
        self.clients.append(client)
        return client

    async def counts(self, name: str) -> int:
        """Return how many of its connections the store counts so."""
        return int((await self.direct.info("clients"))[name])

    async def raw(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.proxy.port)


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    store = EmbeddedStore(tmp_path)
    await store.start()
    stand = Stand(store)
    try:
        await stand.proxy.start()
        yield stand
    finally:
        await stand.proxy.close()
        assert not [task for task in asyncio.all_tasks() if "Relay" in repr(task)]
        for client in stand.clients:
            await client.aclose()
        await store.stop()


async def reached(hold: Hold) -> None:
    async with asyncio.timeout(SECONDS):
        await hold.reached.wait()


async def until(ask: Callable[[], Awaitable[int]], wanted: int) -> None:
    async with asyncio.timeout(SECONDS):
        while await ask() != wanted:  # noqa: ASYNC110 a store does not say when, it must be asked
            await asyncio.sleep(0.005)


async def test_units_are_named_counted_and_timed_in_order(stand: Stand) -> None:
    client = stand.client()
    began = time.monotonic_ns()
    await client.rpush(ORDERS, "a")
    async with client.pipeline(transaction=True) as pipe:
        pipe.delete(POSITIONS)
        pipe.rpush(POSITIONS, "b")
        pipe.sadd(OPEN, "E0")
        await pipe.execute()
    assert await client.lrange(ORDERS, 0, -1) == ["a"]
    assert stand.units == [
        "RPUSH orders",
        "DEL positions + RPUSH positions + SADD index:orders_open",
        "LRANGE orders",
    ]
    assert [began, *stand.times] == sorted([began, *stand.times])
    assert await stand.direct.lrange(POSITIONS, 0, -1) == ["b"]


@pytest.mark.parametrize("protocol", [2, 3])
async def test_a_long_pipeline_is_answered_in_order(stand: Stand, protocol: int) -> None:
    client = stand.client(protocol=protocol)
    async with client.pipeline(transaction=False) as pipe:
        for number in range(500):
            pipe.rpush(ORDERS, f"{number}" * 50)
        pipe.hset("hash", mapping={"a": "1"})
        pipe.hgetall("hash")
        pipe.lrange(ORDERS, 0, -1)
        answers = await pipe.execute()
    assert answers[:500] == list(range(1, 501))
    assert answers[501] == {"a": "1"}
    assert answers[502] == [f"{number}" * 50 for number in range(500)]
    assert stand.units.count("RPUSH orders") == 500


async def test_before_means_that_the_store_has_not_heard_of_it(stand: Stand) -> None:
    client, other = stand.client(), stand.client()
    hold = stand.proxy.arm("RPUSH orders", nth=2, phase="before")
    await client.rpush(ORDERS, "first")
    second = asyncio.ensure_future(client.rpush(ORDERS, "second"))
    await reached(hold)
    assert await stand.direct.lrange(ORDERS, 0, -1) == ["first"]
    assert stand.units == ["RPUSH orders"]
    # Other connections go on, also with what is called the same.
    assert await other.rpush(ORDERS, "other") == 2
    assert not second.done()
    hold.release(deliver=True)
    assert await second == 3


async def test_after_means_carried_out_and_not_answered(stand: Stand) -> None:
    client = stand.client()
    hold = stand.proxy.arm("RPUSH orders", phase="after")
    sent = asyncio.ensure_future(client.rpush(ORDERS, "a"))
    await reached(hold)
    assert await stand.direct.lrange(ORDERS, 0, -1) == ["a"]
    assert stand.units == ["RPUSH orders"]
    assert not sent.done()
    hold.release(deliver=True)
    assert await sent == 1


async def test_nth_counts_from_arming_over_all_connections(stand: Stand) -> None:
    clients = [stand.client() for _ in range(3)]
    await clients[0].rpush(ORDERS, "before arming")
    hold = stand.proxy.arm("RPUSH orders", nth=3)
    later = stand.proxy.arm("RPUSH orders", nth=4)
    await clients[0].rpush(ORDERS, "1")
    await clients[0].rpush(POSITIONS, "another name")
    await clients[1].rpush(ORDERS, "2")
    third = asyncio.ensure_future(clients[2].rpush(ORDERS, "3"))
    await reached(hold)
    fourth = asyncio.ensure_future(clients[1].rpush(ORDERS, "4"))
    await reached(later)
    assert await stand.direct.llen(ORDERS) == 3
    hold.release(deliver=True)
    later.release(deliver=True)
    await asyncio.gather(third, fourth)


@pytest.mark.parametrize(("phase", "kept"), [("before", ["a"]), ("after", ["a", "b"])])
async def test_what_is_held_and_behind_it_never_arrives_when_it_is_dropped(
    stand: Stand, phase: Phase, kept: list[str]
) -> None:
    hold = stand.proxy.arm("RPUSH orders", nth=2, phase=phase)
    reader, writer = await stand.raw()
    for word in ("a", "b", "c"):
        writer.write(f"RPUSH {ORDERS} {word}\r\n".encode())
    await reached(hold)
    hold.release(deliver=False)
    async with asyncio.timeout(SECONDS):
        assert await reader.read() == b":1\r\n"
    await stand.proxy.close()
    assert await stand.direct.lrange(ORDERS, 0, -1) == kept
    writer.close()


async def test_what_a_killed_node_had_sent_arrives(stand: Stand) -> None:
    hold = stand.proxy.arm("RPUSH orders", nth=2)
    last = stand.proxy.arm("RPUSH orders", nth=50, phase="after")
    _, writer = await stand.raw()
    writer.write(b"".join(f"RPUSH {ORDERS} {n}\r\n".encode() for n in range(50)))
    await reached(hold)
    writer.transport.abort()  # as the kernel does for a process that dies
    hold.release(deliver=True)
    await reached(last)
    assert await stand.direct.llen(ORDERS) == 50


async def test_what_a_store_carries_out_after_a_node_has_died_is_counted(stand: Stand) -> None:
    before = await stand.counts("connected_clients")
    _, writer = await stand.raw()
    await until(lambda: stand.counts("connected_clients"), before + 1)
    await stand.store.pause()
    writer.write(f"RPUSH {ORDERS} a\r\n".encode())
    writer.transport.abort()
    await stand.store.resume()
    # Its connection to the store goes when that is done.
    await until(lambda: stand.counts("connected_clients"), before)
    assert stand.units == ["RPUSH orders"]
    assert await stand.direct.lrange(ORDERS, 0, -1) == ["a"]


async def test_a_transaction_is_held_as_a_whole(stand: Stand) -> None:
    client = stand.client()
    hold = stand.proxy.arm("RPUSH orders + SADD index:orders_open")
    async with client.pipeline(transaction=True) as pipe:
        pipe.rpush(ORDERS, "a")
        pipe.sadd(OPEN, "E0")
        sent = asyncio.ensure_future(pipe.execute())
        await reached(hold)
        assert await stand.direct.keys() == []
        hold.release(deliver=True)
        assert await sent == [1, 1]


@pytest.mark.parametrize(("deliver", "heard"), [(True, b"+OK +QUEUED *1 :1"), (False, b"")])
async def test_nothing_of_a_held_transactions_answer_is_heard_before(
    stand: Stand, deliver: bool, heard: bytes
) -> None:
    hold = stand.proxy.arm("RPUSH orders", phase="after")
    reader, writer = await stand.raw()
    writer.write(f"MULTI\r\nRPUSH {ORDERS} a\r\nEXEC\r\n".encode())
    await reached(hold)
    assert await stand.direct.lrange(ORDERS, 0, -1) == ["a"]
    hold.release(deliver)
    writer.write_eof()
    async with asyncio.timeout(SECONDS):
        assert await reader.read() == heard.replace(b" ", b"\r\n") + b"\r\n" * bool(heard)
    writer.close()


async def test_a_client_may_wait_for_each_answer_within_a_transaction(stand: Stand) -> None:
    reader, writer = await stand.raw()
    talk = [("MULTI", b"+OK\r\n"), (f"RPUSH {ORDERS} a", b"+QUEUED\r\n"), ("EXEC", b"*1\r\n")]
    async with asyncio.timeout(SECONDS):
        for line, answer in talk:
            writer.write(f"\r\n{line}\r\n".encode())  # an empty line is not answered
            assert await reader.readline() == answer
        assert await reader.readline() == b":1\r\n"
    assert stand.units == ["RPUSH orders"]
    writer.write(b"MULTI\r\nSET a b\r\nDISCARD\r\n")
    assert [await reader.readline() for _ in range(3)] == [b"+OK\r\n", b"+QUEUED\r\n", b"+OK\r\n"]
    assert stand.units == ["RPUSH orders", "DISCARD"]
    writer.close()


async def test_a_transaction_that_is_not_finished_is_not_carried_out(stand: Stand) -> None:
    reader, writer = await stand.raw()
    writer.write(f"MULTI\r\nRPUSH {ORDERS} a\r\n".encode())
    assert await reader.readline() == b"+OK\r\n"
    assert await reader.readline() == b"+QUEUED\r\n"
    writer.transport.abort()
    await stand.proxy.close()
    assert await stand.direct.keys() == []
    assert stand.units == []


def talk(chance: random.Random) -> bytes:
    """Return what a client might say: single commands, transactions, mistakes, typed lines."""
    key, other = chance.choice(["a", "b"]), chance.choice(["a", "b", "text"])
    lines = [
        f"RPUSH {key} {'x' * chance.choice([1, 5000])}",
        f"LRANGE {key} 0 -1",
        "HELLO 3",
        "HSET hash f v\r\nHGETALL hash",
        "SET text 1",
        f"LPUSH {other} y",
        "\r\n",
        "NOSUCH",
        f"MULTI\r\nRPUSH {key} z\r\nLLEN {key}\r\nEXEC",
        f"MULTI\r\nRPUSH {other} z\r\nNOSUCH\r\nEXEC",
        "MULTI\r\nMULTI\r\nDISCARD",
        "EXEC",
        f"BLPOP {key} 0.01",
    ]
    said = [chance.choice(lines) for _ in range(chance.randint(1, 60))]
    if chance.random() < 0.3:
        said += ["SUBSCRIBE news", "PING", "UNSUBSCRIBE news", "GET text"]
    return "\r\n".join([*said, "QUIT", ""]).encode()


@pytest.mark.parametrize("seed", range(12))
async def test_a_client_hears_just_what_it_hears_without_the_proxy(stand: Stand, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 it makes up commands, not secrets
    said = talk(chance)
    heard = []
    for port in (stand.proxy.port, urlsplit(stand.store.url).port):
        await stand.direct.flushall()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        left = said
        while left:
            size = chance.choice([1, 7, 100, 10_000])
            writer.write(left[:size])
            left = left[size:]
            await asyncio.sleep(0)
        async with asyncio.timeout(SECONDS):
            # The number of a connection is its own.
            heard.append(re.sub(rb"id\r\n:\d+", b"id", await reader.read()))
        writer.close()
    assert heard[0] == heard[1]
    assert len(heard[0]) > 4


async def test_errors_and_refusals_come_back_as_they_are(stand: Stand) -> None:
    reader, writer = await stand.raw()
    await stand.direct.set("text", "x")
    writer.write(b"LPUSH text y\r\nNOSUCH command\r\nQUIT\r\n")
    async with asyncio.timeout(SECONDS):
        said = (await reader.read()).splitlines()
    assert [line.split()[0] for line in said] == [b"-WRONGTYPE", b"-ERR", b"+OK"]
    assert stand.units == ["LPUSH other", "NOSUCH other", "QUIT"]
    writer.close()


async def test_what_is_no_request_breaks_its_connection_only(stand: Stand) -> None:
    client = stand.client()
    reader, writer = await stand.raw()
    writer.write(b"*1\r\n:1\r\n")
    async with asyncio.timeout(SECONDS):
        assert await reader.read() == b""
    assert await client.ping()
    writer.close()


@pytest.mark.parametrize("protocol", [2, 3])
async def test_subscribers_hear_and_are_no_units(stand: Stand, protocol: int) -> None:
    client = stand.client(protocol=protocol)
    async with client.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe("news")
        await channel.ping()
        await until(lambda: stand.direct.publish("news", "hello"), 1)
        async with asyncio.timeout(SECONDS):
            message = None
            while message is None or message["type"] != "message":
                message = await channel.get_message(timeout=0.1)
    assert message["data"] == "hello"
    assert set(stand.units) <= {"HELLO", "CLIENT"}  # how a client introduces itself


async def test_a_blocking_command_waits_without_being_a_unit(stand: Stand) -> None:
    client = stand.client(socket_timeout=SECONDS)
    waiting = asyncio.ensure_future(client.blpop(["list"], timeout=0))
    other = stand.client()
    await other.rpush("list", "x")
    assert await waiting == ("list", "x")
    assert stand.units == ["RPUSH other"]
    # A client that goes away while it waits takes its connection to the store along.
    _, writer = await stand.raw()
    writer.write(b"BLPOP list 0\r\n")
    await until(lambda: stand.counts("blocked_clients"), 1)
    writer.transport.abort()
    await until(lambda: stand.counts("blocked_clients"), 0)


async def test_what_the_store_says_unasked_answers_nothing(stand: Stand) -> None:
    hold = stand.proxy.arm("PING")
    reader, writer = await stand.raw()
    writer.write(b"HELLO 3\r\nCLIENT TRACKING ON\r\nGET text\r\nBLPOP list 0\r\nPING\r\n")
    await until(lambda: stand.counts("blocked_clients"), 1)
    await stand.direct.set("text", "changed")  # which the store tells who has read it
    async with asyncio.timeout(SECONDS):
        await reader.readuntil(b"invalidate\r\n*1\r\n$4\r\ntext\r\n")
    assert not hold.reached.is_set()  # the list is still waited for
    await stand.direct.rpush("list", "x")
    await reached(hold)
    hold.release(deliver=True)
    async with asyncio.timeout(SECONDS):
        assert await reader.readuntil(b"PONG\r\n") == b"*2\r\n$4\r\nlist\r\n$1\r\nx\r\n+PONG\r\n"
    writer.close()


async def test_a_slow_store_lets_every_unit_wait(stand: Stand) -> None:
    client = stand.client()
    await client.ping()
    stand.proxy.delay_seconds = 0.05
    began = time.monotonic()
    await client.ping()
    await client.ping()
    assert time.monotonic() - began >= 0.1


async def test_it_has_run_dry_once_the_node_has_not_written_for_a_while(stand: Stand) -> None:
    client = stand.client()

    async def write() -> None:
        for _ in range(50):
            await client.rpush(ORDERS, "event")

    await client.ping()
    writing = asyncio.ensure_future(write())
    await stand.proxy.run_dry(SECONDS)
    assert time.monotonic_ns() - stand.times[-1] >= DRY_SECONDS * 1e9
    await writing


async def test_it_is_not_waited_for_without_end_that_it_runs_dry(stand: Stand) -> None:
    client, is_over = stand.client(), False

    async def write() -> None:
        while not is_over:
            await client.rpush(ORDERS, "event")

    writing = asyncio.ensure_future(write())
    async with asyncio.timeout(SECONDS):
        await stand.proxy.run_dry(0.2)
    assert not writing.done()
    is_over = True
    await writing


async def test_dropped_connections_can_be_made_again_and_cut_ones_not_until_mended(
    stand: Stand,
) -> None:
    client = stand.client()
    await client.ping()
    stand.proxy.drop()
    with pytest.raises(StoreConnectionError):
        await client.ping()
    assert await client.ping()

    port = stand.proxy.port
    stand.proxy.cut()
    stand.proxy.cut()
    with pytest.raises(StoreConnectionError):
        await client.ping()
    with pytest.raises(ConnectionRefusedError):
        await stand.raw()
    await stand.proxy.mend()
    assert stand.proxy.port == port
    assert await client.ping()


@pytest.mark.parametrize("phase", ["before", "after"])
async def test_a_held_connection_breaks_with_its_store(stand: Stand, phase: Phase) -> None:
    client = stand.client()
    hold = stand.proxy.arm("RPUSH orders", phase=phase)
    sent = asyncio.ensure_future(client.rpush(ORDERS, "a"))
    await reached(hold)
    await stand.store.kill()
    with pytest.raises(StoreConnectionError):
        await sent
    with pytest.raises(StoreConnectionError):
        await client.ping()
    await stand.store.start()
    assert await client.ping()


async def test_a_hold_that_was_released_before_its_unit_came_holds_nothing(stand: Stand) -> None:
    client = stand.client()
    hold = stand.proxy.arm("PING")
    hold.release(deliver=False)
    assert await client.ping()
    assert not hold.reached.is_set()


async def test_the_address_keeps_user_password_and_database(stand: Stand) -> None:
    port = stand.proxy.port
    for given, made in [
        ("redis://me:p%40ss@somewhere:7000/3", f"redis://me:p%40ss@127.0.0.1:{port}/3"),
        ("redis://:secret@[::1]:7000", f"redis://:secret@127.0.0.1:{port}"),
        ("redis://somewhere", f"redis://127.0.0.1:{port}"),
    ]:
        assert stand.proxy.url_of(given) == made


def test_an_address_that_no_proxy_can_stand_before_is_refused() -> None:
    for address in ("rediss://somewhere:6379", "unix:///store.sock"):
        with pytest.raises(UsageError, match="redis://HOST:PORT"):
            StoreProxy.before(address)

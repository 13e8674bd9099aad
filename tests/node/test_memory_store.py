"""What is remembered, written to a real store: by its lease's holder alone, and answered or not."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from node.baked import module
from node.processes import Store

MEMORY = module("life.memory")
STORE = module("life.memory_store")
PLAN = module("plan.memory")
RECORD = module("guards.lease.record")
TRADER = "TRADER-001"
FORM = PLAN.MemoryForm(1, 0)


class Holding:
    """A lease that a test holds, or does not."""

    def __init__(self, epoch: int | None = 4, left: float = 2.0) -> None:
        self.epoch = epoch
        self._left = left

    def left(self) -> float:
        """Return for how many seconds it may write."""
        return self._left


def settings(url: str) -> Any:
    """Return what is needed of the settings."""
    return SimpleNamespace(store_url=SimpleNamespace(get_secret_value=lambda: url), id=TRADER)


def hold(store: Store, epoch: int, *, is_released: bool = False) -> None:
    """Write who holds the lease."""
    holder = RECORD.Holder("x", epoch, 1, "host", 1, 1, is_released=is_released)
    with redis.Redis.from_url(store.url) as client:
        client.set(f"lease:{TRADER}", RECORD.encode(holder))


def stored(store: Store) -> Any:
    """Return what the store has."""
    with redis.Redis.from_url(store.url) as client:
        value = client.get(f"trader-{TRADER}:general:memory:EVT001")
    return None if value is None else json.loads(value)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run what a node's loop would run."""
    asyncio.run(work)


async def memories(url: str, holding: Any) -> AsyncIterator[Any]:
    """Yield a memory that is loaded, and close its connection."""
    place = STORE.MemoryStore(settings(url), holding)
    try:
        memory = MEMORY.Memory("EVT001", FORM, place)
        await memory.load()
        yield memory
    finally:
        await place.close()


@pytest.mark.parametrize(
    ("held", "holding"),
    [
        (None, Holding()),
        (5, Holding(4)),
        (4, Holding(None)),
        (4, Holding(4, left=0.0)),
    ],
)
def test_only_the_holder_of_the_lease_writes(store: Store, held: int | None, holding: Any) -> None:
    """Not one that was paused while another one has taken over, nor one whose lease has run out."""
    if held is not None:
        hold(store, held)

    async def work() -> None:
        async for memory in memories(store.url, holding):
            with pytest.raises(STORE.NotRememberedError, match="does not hold the lease"):
                await memory.remember({"n": 1})
            assert not memory.is_kept
            assert memory.value == {"n": 1}

    run(work())
    assert stored(store) is None


def test_a_lease_given_back_is_not_held(store: Store) -> None:
    hold(store, 4, is_released=True)

    async def work() -> None:
        async for memory in memories(store.url, Holding()):
            with pytest.raises(STORE.NotRememberedError, match="does not hold the lease"):
                await memory.remember(1)

    run(work())


def test_renewals_of_the_lease_come_between(store: Store) -> None:
    """A write that a renewal meets is tried again."""
    hold(store, 4)

    async def renew() -> None:
        while True:
            await asyncio.to_thread(hold, store, 4)

    async def work() -> None:
        async for memory in memories(store.url, Holding()):
            renewing = asyncio.create_task(renew())
            kept = 0
            for value in range(50):
                try:
                    await memory.remember(value)
                except STORE.NotRememberedError:
                    continue
                kept += 1
                assert stored(store)["after"] == value
            renewing.cancel()
            assert kept > 25
            await memory.keep()

    run(work())


def test_a_plain_value_survives(store: Store) -> None:
    """Two at once come one after the other; the last one is what is kept."""
    hold(store, 4)

    async def work() -> None:
        async for memory in memories(store.url, Holding()):
            assert (memory.value, memory.was_there) == (0, False)
            await asyncio.gather(memory.remember([1]), memory.remember([2]))
            assert memory.is_kept
        async for memory in memories(store.url, Holding()):
            assert (memory.value, memory.was_there) == ([2], True)

    run(work())


def test_a_store_that_does_not_answer_for_a_while(store: Store) -> None:
    """What was not answered is not kept, and the next try brings it."""
    hold(store, 4)

    async def work() -> None:
        async for memory in memories(store.url, Holding()):
            with redis.Redis.from_url(store.url) as client:
                client.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
            with pytest.raises(STORE.NotRememberedError, match="does not answer"):
                await memory.remember({"n": 1})
            with redis.Redis.from_url(store.url) as client:
                client.execute_command("CLIENT", "UNPAUSE")
            await memory.keep()
            assert memory.is_kept

    run(work())
    assert stored(store)["after"] == {"n": 1}


async def until_kept(memory: Any) -> None:
    """Try again and again, as a node does."""
    async with asyncio.timeout(20.0):
        while not memory.is_kept:
            with contextlib.suppress(STORE.NotRememberedError):
                await memory.keep()


def test_where_replicas_are_promised_one_must_have_it(store: Store, tmp_path: Path) -> None:
    hold(store, 4)
    replica = Store(tmp_path / "replica", "--replicaof", "127.0.0.1", str(store.port))
    with redis.Redis.from_url(store.url) as client:
        client.config_set("min-replicas-to-write", 1)
        client.config_set("min-replicas-max-lag", 60)
        store.until_seen(lambda: client.info("replication")["min_slaves_good_slaves"] == 1, 10.0)

    async def work() -> None:
        async for memory in memories(store.url, Holding()):
            with contextlib.suppress(STORE.NotRememberedError):  # a busy machine
                await memory.remember({"n": 1})
            await until_kept(memory)
            assert stored(replica)["after"] == {"n": 1}
            replica.send(signal.SIGSTOP)
            with pytest.raises(STORE.NotRememberedError, match="no replica has it"):
                await memory.remember({"n": 2})
            replica.send(signal.SIGCONT)
            await until_kept(memory)
            assert stored(replica)["after"] == {"n": 2}

    run(work())


def test_a_store_that_is_away(store: Store) -> None:
    """It is told, and a start without it ends with 75."""
    hold(store, 4)

    async def work() -> None:
        async for memory in memories(store.url, Holding()):
            store.kill()
            with pytest.raises(STORE.NotRememberedError):
                await memory.remember({"n": 1})
        with pytest.raises(module("exit_codes").NodeExit) as end:
            async for _ in memories(store.url, Holding()):
                pass
        assert end.value.code == 75

    run(work())


def test_the_user_that_the_project_ships_may_remember(store: Store, project: Path) -> None:
    users = (project / "deploy" / "store" / "users.acl").read_text("utf-8")
    [rights] = [line for line in users.splitlines() if line.startswith("user trader ")]
    given = [each for each in rights.replace("TRADER_ID", TRADER).split()[2:] if each[0] != "#"]
    with redis.Redis.from_url(store.url) as client:
        client.execute_command("ACL", "SETUSER", "trader", *given, ">right")
    hold(store, 4)

    async def work() -> None:
        async for memory in memories(store.url.replace("//", "//trader:right@"), Holding()):
            await memory.remember("kept")

    run(work())
    assert stored(store)["after"] == "kept"

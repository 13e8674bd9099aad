"""What is done to the embedded store is done to a real server, and its clients feel it."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as StoreConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as StoreTimeoutError

from recovery_drill.failures import Inconclusive, Unsupported
from recovery_drill.store.files import MANIFEST, AppendOnlyFile
from recovery_drill.store.server import UNFLUSHED_NS, EmbeddedStore, Flushing, GivenStore

KEY = "trader-LAB-001:orders:E0"
PATIENCE_SECONDS = 0.2
IDLE_SECONDS = 4.0


def client_of(store: EmbeddedStore) -> Redis:
    # One more try: the connection from before a restart is broken without its client's knowing.
    again = Retry(NoBackoff(), 1)
    return Redis.from_url(
        store.url, decode_responses=True, retry=again, socket_timeout=PATIENCE_SECONDS
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    store = EmbeddedStore(tmp_path)
    await store.start()
    yield store
    await store.stop()


@pytest.fixture
async def client(store: EmbeddedStore) -> AsyncIterator[Redis]:
    client = client_of(store)
    yield client
    await client.aclose()


async def flushed_for_certain(store: EmbeddedStore) -> None:
    """Let as much time pass as the server may take to flush."""
    await store.until_written()
    await asyncio.sleep(UNFLUSHED_NS / 1e9 + 0.1)


async def test_a_paused_store_does_not_answer_until_it_goes_on(
    store: EmbeddedStore, client: Redis
) -> None:
    await client.ping()
    await store.pause()
    with pytest.raises(StoreTimeoutError):
        await client.ping()
    await store.resume()
    assert await client.ping()


async def test_a_paused_store_can_be_stopped(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    await store.start()
    await store.pause()
    began = time.monotonic()
    await store.stop()
    assert store.child is not None
    assert store.child.exit_code == 0
    assert time.monotonic() - began < 5


async def test_a_killed_store_keeps_what_it_wrote(store: EmbeddedStore, client: Redis) -> None:
    await client.rpush(KEY, "a")
    await store.until_written()
    await store.kill()
    with pytest.raises(StoreConnectionError):
        await client.ping()
    await store.start()
    assert await client.lrange(KEY, 0, -1) == ["a"]


async def test_a_flushed_store_is_empty_and_goes_on(store: EmbeddedStore, client: Redis) -> None:
    await client.rpush(KEY, "a")
    await store.flush("LAB-001")
    assert await client.keys() == []
    assert await client.rpush(KEY, "b") == 1


async def test_a_full_store_answers_but_takes_nothing(store: EmbeddedStore, client: Redis) -> None:
    await client.rpush(KEY, "a")
    await store.fill()
    with pytest.raises(OutOfMemoryError):
        await client.rpush(KEY, "b")
    assert await client.lrange(KEY, 0, -1) == ["a"]
    await store.empty()
    assert await client.rpush(KEY, "b") == 2


async def test_a_read_only_store_answers_but_takes_nothing(
    store: EmbeddedStore, client: Redis
) -> None:
    await client.rpush(KEY, "a")
    await store.make_read_only()
    with pytest.raises(ReadOnlyError):
        await client.rpush(KEY, "b")
    assert await client.lrange(KEY, 0, -1) == ["a"]
    await store.make_writable()
    assert await client.rpush(KEY, "b") == 2
    await store.until_written()
    await store.kill()
    await store.start()
    assert await client.lrange(KEY, 0, -1) == ["a", "b"]


async def test_a_store_closes_idle_connections_until_it_keeps_them(
    store: EmbeddedStore, client: Redis
) -> None:
    async def is_cut_off() -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(store.url).port)
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                return await reader.read() == b""
        except TimeoutError:
            return False
        finally:
            writer.close()

    await store.close_idle()
    assert await is_cut_off()
    await store.keep_idle()
    assert not await is_cut_off()
    assert await client.ping()


async def test_a_store_whose_snapshot_failed_takes_nothing_until_one_succeeds(
    store: EmbeddedStore, client: Redis
) -> None:
    await client.rpush(KEY, "a")
    await store.fail_snapshots()
    with pytest.raises(ResponseError, match="RDB snapshots"):
        await client.rpush(KEY, "b")
    assert await client.lrange(KEY, 0, -1) == ["a"]
    await store.allow_snapshots()
    assert await client.rpush(KEY, "b") == 2
    await store.until_written()
    await store.kill()
    await store.start()
    assert await client.lrange(KEY, 0, -1) == ["a", "b"]


async def test_a_snapshot_can_fail_once_more(store: EmbeddedStore, client: Redis) -> None:
    for row in ("a", "b"):
        await client.rpush(KEY, row)
        await store.fail_snapshots()
        with pytest.raises(ResponseError, match="RDB snapshots"):
            await client.rpush(KEY, "lost")
        await store.allow_snapshots()
    assert await client.lrange(KEY, 0, -1) == ["a", "b"]


async def test_an_old_state_can_be_put_back(
    store: EmbeddedStore, client: Redis, tmp_path: Path
) -> None:
    await client.rpush(KEY, "a")
    await store.backup(tmp_path / "old")
    await client.rpush(KEY, "b")
    await store.restore(tmp_path / "old")
    assert await client.lrange(KEY, 0, -1) == ["a"]
    assert await client.rpush(KEY, "c") == 2
    # A copy can be put back more than once, and made again at the same place.
    await store.restore(tmp_path / "old")
    assert await client.lrange(KEY, 0, -1) == ["a"]
    await client.rpush(KEY, "d")
    await store.backup(tmp_path / "old")
    await store.restore(tmp_path / "old")
    assert await client.lrange(KEY, 0, -1) == ["a", "d"]


async def test_a_copy_made_while_others_write_is_a_state_that_was(
    store: EmbeddedStore, client: Redis, tmp_path: Path
) -> None:
    async def write() -> None:
        for number in range(100_000):
            async with client.pipeline(transaction=True) as pipe:
                pipe.rpush("left", number)
                pipe.rpush("right", number)
                await pipe.execute()

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(write())
        while not (answered := await client.llen("left")):
            pass
        await store.backup(tmp_path / "old")
        writing.cancel()
    await store.restore(tmp_path / "old")
    left, right = await client.lrange("left", 0, -1), await client.lrange("right", 0, -1)
    assert left == right == [str(number) for number in range(len(left))]
    assert len(left) >= answered


@pytest.mark.parametrize(
    ("flushing", "left"), [("everysec", ["a"]), ("always", ["a", "b"])], ids=lambda v: str(v)
)
async def test_a_loss_of_power_takes_what_was_not_flushed_for_certain(
    tmp_path: Path, flushing: Flushing, left: list[str]
) -> None:
    store = EmbeddedStore(tmp_path, appendfsync=flushing)
    await store.start()
    client = client_of(store)
    try:
        await client.rpush(KEY, "a")
        await flushed_for_certain(store)
        await client.rpush(KEY, "b")
        await store.lose_power()
        await store.start()
        assert await client.lrange(KEY, 0, -1) == left
        # What a start finds on its disk is not lost a second time.
        await store.lose_power()
        await store.start()
        assert await client.lrange(KEY, 0, -1) == left
    finally:
        await client.aclose()
        await store.stop()


async def test_the_server_flushes_as_it_was_told(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, appendfsync="always")
    await store.start()
    client = client_of(store)
    assert await client.config_get("appendfsync") == {"appendfsync": "always"}
    await client.aclose()
    await store.stop()


async def test_half_a_command_at_the_end_of_the_file_is_dropped(
    store: EmbeddedStore, client: Redis, tmp_path: Path
) -> None:
    await client.rpush(KEY, "a")
    async with client.pipeline(transaction=True) as pipe:
        pipe.rpush(KEY, "b")
        pipe.rpush(KEY, "c")
        await pipe.execute()
    await store.until_written()
    await store.kill()
    file = AppendOnlyFile(tmp_path / "data")
    mark = file.mark()
    assert mark is not None
    file.cut_to(type(mark)(mark.file, mark.size - 3))
    await store.start()
    assert await client.lrange(KEY, 0, -1) == ["a"]


async def test_a_rewritten_file_is_not_cut(store: EmbeddedStore, client: Redis) -> None:
    await client.rpush(KEY, "a")
    await flushed_for_certain(store)
    await client.bgrewriteaof()
    async with asyncio.timeout(5):
        while (await client.info("persistence"))["aof_rewrite_in_progress"]:  # noqa: ASYNC110 it must be asked
            await asyncio.sleep(0.01)
    await client.rpush(KEY, "b" * 1000)  # the new file is longer than the old one was
    await store.until_written()
    with pytest.raises(Inconclusive, match="rewritten its append-only file"):
        await store.lose_power()
    # Nothing is spoilt by the refusal.
    await store.start()
    assert await client.lrange(KEY, 0, -1) == ["a", "b" * 1000]


def test_a_folder_without_files_in_parts_has_no_mark(tmp_path: Path) -> None:
    assert AppendOnlyFile(tmp_path).mark() is None


def test_files_that_are_rewritten_while_they_are_copied_are_no_copy(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "appendonlydir"
    folder.mkdir(parents=True)
    listed = "file base.rdb seq 1 type b\nfile incr.aof seq 1 type i\n"
    (folder / MANIFEST).write_text(listed, encoding="utf-8")
    (folder / "base.rdb").touch()  # and the other is gone, as when a server's rewrite is done
    with pytest.raises(Inconclusive, match="it has rewritten them"):
        AppendOnlyFile(tmp_path / "data").copy_to(tmp_path / "old")


async def test_a_given_store_refuses_what_is_not_the_drills_to_do(store: EmbeddedStore) -> None:
    given = GivenStore(store.url, "LAB-001")
    for disturb in (given.kill, given.pause, given.resume, given.fill, given.until_written):
        with pytest.raises(Unsupported, match="leave --store out"):
            await disturb()
    for disturb in (
        *(given.make_read_only, given.make_writable, given.empty, given.lose_power),
        *(given.close_idle, given.keep_idle, given.fail_snapshots, given.allow_snapshots),
    ):
        with pytest.raises(Unsupported, match="leave --store out"):
            await disturb()
    for disturb in (given.backup, given.restore):
        with pytest.raises(Unsupported, match="leave --store out"):
            await disturb(Path("anywhere"))
    await given.stop()


async def test_a_given_store_is_flushed_of_its_own_traders_keys_only(
    store: EmbeddedStore, client: Redis
) -> None:
    given = GivenStore(store.url)
    await client.rpush(KEY, "a")
    await client.set("somebody:else", "x")
    await given.flush("LAB-001")
    assert await client.keys() == ["somebody:else"]
    await given.stop()

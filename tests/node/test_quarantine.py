"""What is put aside at a real store: listed, restorable, with no more rights than the node has."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from node.baked import module
from node.past import put_keys
from node.processes import Store
from node.stores import FORMAT, INSTRUMENT, OWNERS, RECORDS, SYMBOL, TRADER, Market
from node.test_mend_mutations import market

QUARANTINE = module("guards.quarantine")
STORE = module("guards.mend.store")
PREFIX = f"trader-{TRADER}:"
OTHER = "trader-TRADER-002:orders:x"
ENTRY = "orders:1jnoyl7h-1704085259-E0"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Iterator[Store]:
    """A store with the users that the project ships."""
    users = (project / "deploy" / "store" / "users.acl").read_text("utf-8")
    for name in ("TRADER", "OPERATOR"):
        users = users.replace(f"{name}_PASSWORD_SHA256", hashlib.sha256(name.encode()).hexdigest())
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "users.acl").write_text(users.replace("TRADER_ID", TRADER), "utf-8")
    store = Store(folder, "--aclfile", str(folder / "users.acl"))
    yield store
    store.kill()


@pytest.fixture
def admin(guarded: Store) -> redis.Redis:
    """The operator's client, of an empty store."""
    client = redis.Redis.from_url(guarded.url.replace("//", "//operator:OPERATOR@"))
    client.flushall()
    return client


@pytest.fixture
def said() -> list[str]:
    """What a mend has told."""
    return []


@pytest.fixture
def tool(guarded: Store, said: list[str]) -> Any:
    """The mend, as the node's own user."""
    url = guarded.url.replace("//", "//trader:TRADER@")
    return STORE.StoreMend(url, TRADER, FORMAT(TRADER), said.append)


def dump(client: Any, pattern: str = "*") -> dict[bytes, Any]:
    """Return all that a store holds."""
    return {key: client.dump(key) for key in client.scan_iter(pattern)}


def mend(tool: Any, made: Market) -> Any:
    """Mend."""
    return asyncio.run(tool.mend(made.record, OWNERS))


def test_a_right_store_gets_a_mark_and_nothing_else(admin: redis.Redis, tool: Any) -> None:
    made = market()
    put_keys(admin, made.keys)
    admin.rpush(OTHER, "theirs")
    before = dump(admin)
    report = mend(tool, made)
    assert not report.mended
    after = dump(admin)
    assert json.loads(admin.get(f"{PREFIX}format") or "") == {
        "format": "nautilus-1", "trader": TRADER}  # fmt: skip
    del after[f"{PREFIX}format".encode()]
    assert after == before
    admin.config_resetstat()
    mend(tool, made)
    written = {name for name in admin.info("commandstats") if name.startswith("cmdstat_")}
    assert not written & {"cmdstat_multi", "cmdstat_set", "cmdstat_rpush", "cmdstat_del"}


def test_what_is_put_aside_is_listed_and_comes_back(
    admin: redis.Redis, tool: Any, said: list[str]
) -> None:
    made = market()
    put_keys(admin, made.keys)
    admin.delete(PREFIX + ENTRY)
    admin.set(PREFIX + ENTRY, "a string")
    admin.rpush(OTHER, "theirs")
    theirs = admin.dump(OTHER)
    report = mend(tool, made)
    assert report.stamp
    assert any("is a string and should be a list" in sentence for sentence in said)
    [one] = QUARANTINE.list_all(admin, TRADER)
    assert (one.stamp, one.by, one.keys) == (report.stamp, "mend", (ENTRY,))
    assert one.reasons == (f"{ENTRY} is a string and should be a list",)
    mended = admin.dump(PREFIX + ENTRY)
    assert QUARANTINE.restore(admin, TRADER, PREFIX, one.stamp, 1_800_000_000 * 10**9) == 1
    assert admin.get(PREFIX + ENTRY) == b"a string"
    [way] = QUARANTINE.list_all(admin, TRADER)
    assert way.by == "restore"
    assert admin.dump(f"quarantine:{TRADER}:{way.stamp}:{ENTRY}") == mended
    with pytest.raises(QUARANTINE.RestoreRefused):
        QUARANTINE.restore(admin, TRADER, PREFIX, "20000101T000000.000000Z", 1)
    assert admin.dump(OTHER) == theirs


def test_a_cold_start_loses_nothing(admin: redis.Redis, tool: Any) -> None:
    made = market()
    put_keys(admin, made.keys)
    admin.set(f"{PREFIX}general:memory", "of a strategy")
    admin.delete(f"{PREFIX}instruments:{INSTRUMENT}")
    before = dump(admin, PREFIX + "*")
    report = mend(tool, made)
    assert report.cold
    left = {key.decode().removeprefix(PREFIX) for key in dump(admin, PREFIX + "*")}
    assert left == {"currencies:USDT", "format", "general:memory"}
    [one] = QUARANTINE.list_all(admin, TRADER)
    QUARANTINE.restore(admin, TRADER, PREFIX, one.stamp, 1)
    admin.delete(f"{PREFIX}format")
    assert dump(admin, PREFIX + "*") == before


def test_names_that_are_no_text(admin: redis.Redis, tool: Any) -> None:
    made = market()
    put_keys(admin, made.keys)
    admin.rpush(PREFIX.encode() + b"orders:\xff\xfe", b"x")
    mend(tool, made)
    [one] = QUARANTINE.list_all(admin, TRADER)
    assert QUARANTINE.restore(admin, TRADER, PREFIX, one.stamp, 1) == 1
    assert admin.exists(PREFIX.encode() + b"orders:\xff\xfe")


def test_a_foreign_store_is_left_alone(admin: redis.Redis, tool: Any) -> None:
    made = market()
    put_keys(admin, made.keys)
    admin.set(f"{PREFIX}format", json.dumps({"format": "nautilus-2", "trader": TRADER}))
    before = dump(admin)
    assert "nautilus-2" in asyncio.run(tool.foreign())
    with pytest.raises(module("exit_codes").NodeExit, match="nautilus-2") as end:
        mend(tool, made)
    assert end.value.code == 78
    assert dump(admin) == before


def test_an_unreadable_mark_is_written_anew(admin: redis.Redis, tool: Any) -> None:
    made = market()
    put_keys(admin, made.keys)
    admin.rpush(f"{PREFIX}format", "?")
    assert asyncio.run(tool.foreign()) == ""
    mend(tool, made)
    assert json.loads(admin.get(f"{PREFIX}format") or "")["format"] == "nautilus-1"


def test_another_writer_is_noticed(
    admin: redis.Redis, tool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = market()
    put_keys(admin, made.keys)
    admin.rpop(PREFIX + ENTRY)
    stock, times = STORE.changed, []

    def writes_meanwhile(*arguments: Any) -> Any:
        changed = stock(*arguments)
        times.append(admin.rpush(PREFIX + ENTRY, "x"))
        return changed

    monkeypatch.setattr(STORE, "changed", writes_meanwhile)
    with pytest.raises(module("exit_codes").NodeExit, match="second node") as end:
        mend(tool, made)
    assert end.value.code == 75
    assert len(times) == 3


def test_a_store_that_is_away(tool: Any) -> None:
    away = STORE.StoreMend("redis://127.0.0.1:1", TRADER, FORMAT(TRADER), print)
    with pytest.raises(module("exit_codes").NodeExit) as end:
        asyncio.run(away.mend(RECORDS.ExchangeRecord(0, since_ms={SYMBOL: 0}), OWNERS))
    assert end.value.code == 75


def test_a_large_value_is_not_read(
    admin: redis.Redis, tool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = module("guards.mend.reading")
    monkeypatch.setattr(reading, "SAFE_BYTES", 0)
    made = market()
    put_keys(admin, made.keys)
    admin.rpush(PREFIX + ENTRY, b"x" * 5_000_000)
    report = mend(tool, made)
    assert any("larger than" in reason for reason in report.put_aside)
    assert not mend(tool, made).mended


def test_a_writer_between_the_reading_and_the_watch_is_noticed(
    admin: redis.Redis, tool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = market()
    put_keys(admin, made.keys)
    admin.rpop(PREFIX + ENTRY)
    stock = STORE.read_keys

    def writes_afterwards(*arguments: Any) -> Any:
        keys = stock(*arguments)
        admin.rpush(PREFIX + ENTRY, "x")
        return keys

    monkeypatch.setattr(STORE, "read_keys", writes_afterwards)
    with pytest.raises(module("exit_codes").NodeExit, match="second node"):
        mend(tool, made)

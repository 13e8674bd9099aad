"""A store that does not keep what is written ends the preflight with 78 and a sentence."""

from pathlib import Path
from typing import Any

import pytest
import redis

from node.baked import module
from node.processes import Process, Store

CONFIGURATION = 78


async def notes_of(store: Store, user: str = "") -> list[str]:
    """Return what the guard notes of a store."""
    url = store.url.replace("//", f"//{user}") if user else store.url
    given: dict[str, Any] = {
        "profile": "simulated",
        "id": "TRADER-001",
        "symbol": "BTCUSDT",
        "store_url": url,
        "exchange_http_url": "http://127.0.0.1:1",
        "exchange_ws_url": "ws://127.0.0.1:1",
    }
    settings = module("config.settings").Settings(_env_file=None, **given)
    start = module("guards.guard").Start(settings, [], None, None, None, None)
    await module("guards.store").check_store(start)
    notes: list[str] = start.notes
    return notes


async def test_a_store_that_keeps_everything(store: Store) -> None:
    assert await notes_of(store) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--appendonly", "no"), "set appendonly yes"),
        (("--maxmemory-policy", "allkeys-lru"), "set maxmemory-policy noeviction"),
    ],
)
async def test_a_store_that_does_not(
    tmp_path: Path, processes: list[Process], options: tuple[str, ...], words: str
) -> None:
    store = Store(tmp_path / "other", *options)
    processes.append(store)
    with pytest.raises(module("exit_codes").NodeExit) as caught:
        await notes_of(store)
    assert caught.value.code == CONFIGURATION
    assert words in caught.value.sentence
    assert caught.value.sentence.startswith(f"The store at 127.0.0.1:{store.port} ")


RIGHTS = ("~preflight:TRADER-001", "-@all", "+ping", "+set", "+client|setinfo")


@pytest.mark.parametrize("more", [("+info",), ()], ids=["info", "nothing"])
async def test_what_a_user_of_the_store_may_not_see(store: Store, more: tuple[str, ...]) -> None:
    rights = ("trader", "on", ">right", *RIGHTS, *more)
    with redis.Redis(port=store.port) as operator:
        operator.execute_command("ACL", "SETUSER", *rights)
    notes = await notes_of(store, "trader:right@")
    assert bool(notes) is not bool(more)
    assert all("could not be seen" in note for note in notes)

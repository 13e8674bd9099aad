"""Look at the store: whether it is there, keeps what is written, and has what the node can read."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import redis.asyncio
import redis.exceptions

from ...config.complaints import PREFIX
from ...config.settings import Settings
from ...engine.chosen import store_format
from ...exit_codes import ExitCode, NodeExit
from ...guards.mend.guard import check_store_format
from ...guards.store import STORE_SECONDS, ask_store, place_of
from ...guards.store_settings import doubts, settings_complaints
from ..trader_keys import TraderKeys, counted, opened, read_trader
from .finding import Finding, ended, note, ok, wrong
from .patient import Patient, Quiet
from .rights import missing_rights

ROW, KEYS = "store", "keys"
FIXES = {
    ExitCode.AWAY: (
        f"Start it (make up, or your own server), or correct {PREFIX}STORE_URL; then look again."
    ),
    ExitCode.CONFIGURATION: (
        f"Correct {PREFIX}STORE_URL and {PREFIX}STORE_PASSWORD[_FILE]; in containers "
        "secrets/store_password, then make up ARGS=--force-recreate."
    ),
}
KEEP = "deploy/store/store.conf is a configuration that does; restart the store with it."
LOOK_AT_LOG = "Look at the store's log and at the room on its disk."
FULL_PERCENT = 80


async def look_at_store(patient: Patient) -> Sequence[Finding]:
    """Look at the store, and at the trader's keys when it is there."""
    start = patient.quiet()
    try:
        facts = await ask_store(start.settings)
    except NodeExit as end:
        return [ended(ROW, end, FIXES)]
    more = await _more_facts(start.settings)
    found = list(store_findings(place_of(start.settings), facts, more))
    found += await asyncio.to_thread(_rights, start.settings)
    return [*found, *await _keys(start)]


async def _more_facts(settings: Settings) -> dict[str, str]:
    """Return version and flushing, as far as the store tells them to this user."""
    client = redis.asyncio.Redis.from_url(
        settings.store_url.get_secret_value(),
        socket_connect_timeout=STORE_SECONDS,
        socket_timeout=STORE_SECONDS,
        retry=None,
    )
    facts: dict[str, str] = {}
    try:
        async with asyncio.timeout(STORE_SECONDS):
            server: Any = await client.info("server")
            facts |= {name: str(value) for name, value in server.items()}
            flush: Any = await client.config_get("appendfsync")
            facts |= {name: str(value) for name, value in flush.items()}
    except (redis.exceptions.RedisError, OSError, TimeoutError, AttributeError, ValueError):
        pass  # what is not known is told as such
    finally:
        await client.aclose()
    return facts


def store_findings(place: str, facts: dict[str, str], more: dict[str, str]) -> Iterator[Finding]:
    """
    Yield what is to be said of how a store is set.

    Parameters
    ----------
    place : str
        Which store, as the beginning of a sentence.
    facts : dict[str, str]
        What a start looks at.
    more : dict[str, str]
        Version and flushing, as far as they are known.

    """
    name = "Valkey" if "valkey_version" in more else "Redis"
    number = more.get("valkey_version") or more.get("redis_version")
    yield ok(ROW, f"{place} answers and takes writes: {f'{name} {number}' if number else name}.")
    complaints = list(settings_complaints(facts))
    for sentence in complaints:
        yield wrong(ROW, f"{place} {sentence}.", KEEP)
    uncertain = list(doubts(facts))
    for sentence in uncertain:
        yield note(ROW, f"{place} {sentence}.", LOOK_AT_LOG)
    flush = more.get("appendfsync")
    if not complaints and not uncertain:
        yield ok(
            ROW, f"{place} keeps what is written (appendonly) and forgets nothing{_saved(facts)}."
        )
    if flush is None:
        yield note(
            ROW,
            f"{place} does not tell this user how often it writes to its disk (appendfsync).",
            "Nothing, where it is everysec or always: STORE_APPENDFSYNC in .env sets it.",
        )
    elif flush == "no":
        yield note(
            ROW,
            f"{place} leaves it to the system when to write to its disk (appendfsync no): when the "
            "power goes, half a minute may be lost.",
            "Set appendfsync everysec, or always.",
        )
    elif facts.get("aof_enabled") == "1":
        lost = "nothing" if flush == "always" else "a second"
        yield ok(ROW, f"{place} loses {lost} at most when the power goes (appendfsync {flush}).")
    most, used = int(facts.get("maxmemory", 0)), int(facts.get("used_memory", 0))
    if most and used * 100 >= most * FULL_PERCENT:
        yield note(
            ROW,
            f"{place} is {used * 100 // most} % full ({used:,} of {most:,} bytes); full, it takes "
            "no writes.",
            "Raise its maxmemory (STORE_MAXMEMORY in .env) and the memory of its machine.",
        )


def _saved(facts: dict[str, str]) -> str:
    written, saved = facts.get("aof_last_write_status"), facts.get("rdb_last_bgsave_status")
    return "; its last write and its last snapshot went well" if written == saved == "ok" else ""


def _rights(settings: Settings) -> list[Finding]:
    try:
        with opened(settings, single_connection_client=True) as client:
            missing = missing_rights(client, settings.id, store_format(settings.id).prefix)
    except NodeExit as end:
        return [ended(ROW, end, FIXES)]
    if not missing:
        return [ok(ROW, "Its user may do all that the node does there.")]
    return [
        wrong(
            ROW,
            f"Its user may not do what the node must: {', '.join(missing)}.",
            "Give it the commands and keys of deploy/store/users.acl.",
        )
    ]


async def _keys(start: Quiet) -> list[Finding]:
    """Look at the trader's keys; of a store that is another's, no further."""
    fixes = {ExitCode.AWAY: LOOK_AT_LOG, ExitCode.CONFIGURATION: "Nothing was changed."}
    try:
        await check_store_format(start)
        keys = await asyncio.to_thread(read_trader, start.settings)
    except NodeExit as end:
        return [ended(KEYS, end, fixes)]
    return list(key_findings(start.settings.id, keys))


def key_findings(trader: str, keys: TraderKeys) -> Iterator[Finding]:
    """Yield what is to be said of a trader's keys."""
    stored = keys.stored
    if not keys.keys:
        yield ok(KEYS, f"There are none of {trader} yet; a start learns all from the exchange.")
    else:
        named = f"of the format {keys.format_name}" if keys.format_name else "without a mark yet"
        yield ok(
            KEYS,
            f"{counted(len(keys.keys), 'key')} of {trader}, {named}: "
            f"{counted(len(stored.orders), 'order')}, "
            f"{counted(len(stored.positions), 'position')}.",
        )
    for each in stored.put_aside:
        yield note(KEYS, f"{each.reason}: a start puts it aside.", "Nothing; the mend does it.")
    for aside in keys.quarantined:
        count, reasons = counted(len(aside.keys), "key"), "; ".join(aside.reasons)
        yield note(
            KEYS,
            f"{count} put aside at {aside.stamp}: {reasons}.",
            "Look at them, then delete them: guards/quarantine.py says how.",
        )

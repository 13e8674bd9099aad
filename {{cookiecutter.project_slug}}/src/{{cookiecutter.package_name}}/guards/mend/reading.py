"""
All keys of one trader, read within bounds: how many, how long, how large.

The plain client and not the asynchronous one: it reads twenty thousand orders in half the time.
Call it in a thread.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import batched
from typing import Any

import redis
import redis.exceptions

from ...engine.stored import RawKey

MOST_KEYS = 250_000
"""With more keys than this, nothing is read: see `TooMuch`."""
MOST_ENTRIES = 10_001
"""How many entries of a list are read."""
MOST_BYTES = 4 * 1024 * 1024
"""How large a value may be; one that is larger is not read."""
SAFE_BYTES = 256 * 1024 * 1024
"""A store that is smaller than this as a whole is read without asking for each key's size."""
CHUNK = 1_000
NAMES = "surrogateescape"
"""How names that are no text become text and back; the client must do the same."""
NEWEST = 2_001
"""Of an account's states, the newest are read."""


class TooMuch(Exception):
    """The trader has more keys than a node could ever have written; its text is a sentence."""


def read_keys(client: redis.Redis, prefix: str) -> dict[str, RawKey]:
    """
    Return all keys that begin with `prefix`, by the rest of their names.

    Raises
    ------
    TooMuch
        If there are more than `MOST_KEYS`.
    redis.exceptions.RedisError
        If the store is away, or refuses.

    """
    lists = set(_names(client, prefix, "LIST"))
    others = [name for name in _names(client, prefix, None) if name not in lists]
    kinds = dict(zip(others, _asked(client, "TYPE", prefix, others), strict=True))
    names = [*lists, *others]
    too_large = _too_large(client, prefix, names)
    found: dict[str, RawKey] = {}
    for name in too_large:
        kind = "list" if name in lists else kinds[name]
        found[name] = RawKey(kind, None, fault=f"is larger than {MOST_BYTES:,} bytes")
    plain = [name for name in lists if name not in too_large]
    accounts = [name for name in plain if name.startswith("accounts:")]
    plain = [name for name in plain if not name.startswith("accounts:")]
    for name, rows in zip(
        plain, _asked(client, "LRANGE", prefix, plain, 0, MOST_ENTRIES - 1), strict=True
    ):
        found[name] = RawKey("list", rows)
    full = [name for name in plain if len(found[name].value or ()) == MOST_ENTRIES]
    for name, length in zip(full, _asked(client, "LLEN", prefix, full), strict=True):
        found[name] = replace(found[name], left_out=max(0, length - MOST_ENTRIES))
    lengths = _asked(client, "LLEN", prefix, accounts)
    newest = _asked(client, "LRANGE", prefix, accounts, -NEWEST, -1)
    for name, length, rows in zip(accounts, lengths, newest, strict=True):
        found[name] = RawKey("list", rows, left_out=max(0, length - len(rows)))
    for kind, command, arguments in (
        ("string", "GET", ()),
        ("set", "SMEMBERS", ()),
        ("hash", "HGETALL", ()),
    ):
        own = [name for name in others if kinds[name] == kind and name not in too_large]
        for name, value in zip(own, _asked(client, command, prefix, own, *arguments), strict=True):
            found[name] = RawKey(kind, _shaped(value))
    for name in others:
        found.setdefault(name, RawKey(kinds[name], None))
    # A key that has gone since it was listed is none.
    return {name: raw for name, raw in found.items() if raw.kind != "none" and raw.value != []}


def _names(client: Any, prefix: str, kind: str | None) -> Iterator[str]:
    """Yield the names of the keys, each once."""
    seen: set[bytes] = set()
    cursor = 0
    while True:
        cursor, page = client.scan(cursor, match=_literal(prefix) + "*", count=CHUNK, _type=kind)
        seen.update(page)
        if len(seen) > MOST_KEYS:
            raise TooMuch(
                f"There are more than {MOST_KEYS:,} keys under {prefix} in the store, and no node "
                "has written that many"
            )
        if cursor == 0:
            break
    for key in sorted(seen):
        yield key.decode("utf-8", NAMES).removeprefix(prefix)


def _literal(prefix: str) -> str:
    """Return a prefix in which no character stands for others."""
    return "".join(f"\\{each}" if each in "*?[]\\" else each for each in prefix)


def _asked(
    client: Any, command: str, prefix: str, names: Iterable[str], *arguments: int
) -> list[Any]:
    """Return the answers to one command for many keys; bytes that are text become text."""
    answers: list[Any] = []
    for chunk in batched(names, CHUNK):
        pipe = client.pipeline(transaction=False)
        for name in chunk:
            pipe.execute_command(command, prefix + name, *arguments)
        answers += pipe.execute()
    if command == "TYPE":
        return [each.decode() if isinstance(each, bytes) else str(each) for each in answers]
    return answers


def _too_large(client: Any, prefix: str, names: Sequence[str]) -> set[str]:
    """Return the keys that are too large to read; of a small store, none."""
    if int(client.info("memory")["used_memory"]) <= SAFE_BYTES:
        return set()
    sizes: list[Any] = []
    for chunk in batched(names, CHUNK):
        pipe = client.pipeline(transaction=False)
        for name in chunk:
            pipe.execute_command("MEMORY", "USAGE", prefix + name, "SAMPLES", 0)
        sizes += pipe.execute()
    return {
        name
        for name, size in zip(names, sizes, strict=True)
        if size is not None and int(size) > MOST_BYTES and not name.startswith("index:")
    }


def _shaped(value: Any) -> Any:
    return set(value) if isinstance(value, list) else value

"""
What the store's user must be let do, tried without doing it.

Each command is put into a transaction that is never executed: the store checks the rights when it
queues a command, and forgets the queue when the connection ends.
"""

from typing import Any

import redis
import redis.exceptions

from ...guards.lease.record import key_of
from ...guards.quarantine import prefix_of

type Words = tuple[str | int, ...]


def needed(trader: str, prefix: str) -> tuple[Words, ...]:
    """
    Return the commands that engine and guards need, each with the keys that it needs them on.

    Parameters
    ----------
    trader : str
        The trader's id.
    prefix : str
        What the engine's own keys begin with.

    """
    own, probe, aside = f"{prefix}doctor", f"preflight:{trader}", f"{prefix_of(trader)}doctor"
    return (
        ("PING",),
        ("INFO",),
        ("CLIENT", "SETINFO", "LIB-NAME", "doctor"),
        ("CLIENT", "SETNAME", "doctor"),
        ("MEMORY", "USAGE", own),
        ("SCAN", 0),
        ("TYPE", own),
        ("MGET", own, own),
        ("GET", own),
        ("STRLEN", own),
        ("SET", own, "x"),
        ("SET", probe, "x"),
        ("SET", aside, "x"),
        ("GET", key_of(trader)),
        ("SET", key_of(trader), "x"),
        ("DEL", own),
        ("EXISTS", own),
        ("RENAME", own, aside),
        ("LLEN", own),
        ("LRANGE", own, 0, 1),
        ("LINDEX", own, 0),
        ("LTRIM", own, 0, -1),
        ("RPUSH", own, "x"),
        ("RPUSHX", own, "x"),
        ("HGETALL", own),
        ("HSET", own, "x", "x"),
        ("HDEL", own, "x"),
        ("SMEMBERS", own),
        ("SADD", own, "x"),
        ("SREM", own, "x"),
        ("WATCH", own),
        ("UNWATCH",),
        ("WAIT", 0, 1),
    )


def missing_rights(client: redis.Redis, trader: str, prefix: str) -> list[str]:
    """
    Return what the user may not do; nothing in the store changes.

    Parameters
    ----------
    client : redis.Redis
        A client with one connection, which is of no use afterwards.
    trader, prefix : str
        As of `needed`.

    """
    connection: Any = client.connection
    # An empty transaction first: whether one may be executed.
    if not all([_may(connection, ("MULTI",)), _may(connection, ("EXEC",))]):
        return ["MULTI, EXEC"]
    _may(connection, ("MULTI",))
    try:
        return [_told(each) for each in needed(trader, prefix) if not _may(connection, each)]
    finally:
        connection.disconnect()


def _may(connection: Any, words: Words) -> bool:
    connection.send_command(*words)
    try:
        connection.read_response()
    except redis.exceptions.NoPermissionError:
        return False
    except redis.exceptions.ResponseError:
        return True  # refused for another reason, and that is looked at after the rights
    return True


def _told(words: Words) -> str:
    names = 2 if words[0] in ("CLIENT", "MEMORY") else 1
    keys = [str(word) for word in words[names:] if ":" in str(word)]
    name = " ".join(map(str, words[:names]))
    return f"{name} {keys[-1].rpartition(':')[0]}:*" if keys else name

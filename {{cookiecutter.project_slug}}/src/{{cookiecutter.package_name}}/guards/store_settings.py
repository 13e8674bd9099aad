"""How a store is set: whether it keeps what is written, and forgets nothing."""

import contextlib
from collections.abc import Iterator, Mapping

import redis.asyncio
import redis.exceptions

WANTED = ("aof_enabled", "maxmemory_policy")
"""What must be seen of a store; the users of the shipped one may ask for it."""


async def store_facts(client: redis.asyncio.Redis) -> dict[str, str]:
    """Return how the store is set, as far as it can be seen."""
    facts: dict[str, str] = {}
    # Refused, or answered by something that is no store; a lost connection is told by others.
    unseen = (redis.exceptions.ResponseError, ValueError, TypeError, AttributeError, IndexError)
    for section in ("persistence", "memory"):
        with contextlib.suppress(*unseen):
            facts |= _texts(await client.info(section))
    return facts


def _texts(answer: object) -> dict[str, str]:
    if not isinstance(answer, Mapping):
        return {}
    return {str(name): str(value) for name, value in answer.items()}


def settings_complaints(facts: Mapping[str, str]) -> Iterator[str]:
    """Yield, after its place, why a store that is set like this cannot be the node's memory."""
    if facts.get("aof_enabled") == "0":
        yield (
            "keeps nothing of what it has answered when it ends (appendonly is off): set "
            "appendonly yes in its configuration and restart it"
        )
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield (
            f"forgets keys to make room (maxmemory-policy is {policy}): set maxmemory-policy "
            "noeviction"
        )


def doubts(facts: Mapping[str, str]) -> Iterator[str]:
    """Yield, after its place, what a person should know of a store that is set like this."""
    unseen = [name for name in WANTED if name not in facts]
    if unseen:
        yield f"does not tell how it is set: {' and '.join(unseen)} could not be seen"
    if facts.get("aof_last_write_status") == "err":
        yield "could not write its append-only file the last time; look at its disk and its log"
    if facts.get("rdb_last_bgsave_status") == "err":
        yield "could not write its last snapshot; look at its disk and its log"

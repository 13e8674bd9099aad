"""
Keys that an engine must not load, put aside under names of their own.

They are listed, can be restored, and are never deleted. A key ``trader-<id>:orders:x`` becomes
``quarantine:<id>:<stamp>:orders:x``; the stamp is the moment in UTC. Beside them stands
``quarantine:<id>:<stamp>:why``: JSON with ``at``, ``by``, and the keys of each reason. There is no
bound on how many there are; what is not wanted any more is deleted by hand::

    redis-cli --scan --pattern 'quarantine:<id>:<stamp>:*' | xargs redis-cli del

Renaming keeps a key's type and content, and is one command: at no moment is the key nowhere.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..engine.stored import PutAside

WHY = "why"
CHUNK = 1_000
NAMES = "surrogateescape"
"""How names that are no text become text and back."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """
    What was put aside at one moment.

    Parameters
    ----------
    stamp : str
        The moment, as it stands in the keys.
    by : str
        Who has put it aside.
    keys : tuple[str, ...]
        The keys, by their names in the engine's space without the prefix.
    reasons : tuple[str, ...]
        Why, each reason once.

    """

    stamp: str
    by: str
    keys: tuple[str, ...]
    reasons: tuple[str, ...]


class RestoreRefused(Exception):
    """What was put aside cannot come back; its text is a sentence."""


def stamp_of(now_ns: int) -> str:
    """Return a moment as it stands in the keys: ``20260131T235959.123456Z``."""
    seconds, rest = divmod(now_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y%m%dT%H%M%S}.{rest // 1_000:06d}Z"


def prefix_of(trader: str) -> str:
    """Return what all quarantined keys of a trader begin with."""
    return f"quarantine:{trader}:"


def put_aside(
    pipe: Any, trader: str, engine_prefix: str, aside: Sequence[PutAside], by: str, now_ns: int
) -> str:
    """
    Add to a transaction what puts keys aside; return the stamp.

    Parameters
    ----------
    pipe : Any
        An open transaction; each key must exist when it is executed.
    trader : str
        The trader's id.
    engine_prefix : str
        What the trader's keys begin with.
    aside : Sequence[PutAside]
        What to put aside, and why.
    by : str
        Who does it.
    now_ns : int
        When.

    """
    stamp = stamp_of(now_ns)
    place = f"{prefix_of(trader)}{stamp}:"
    reasons: dict[str, list[str]] = defaultdict(list)
    for each in aside:
        reasons[each.reason].append(each.key)
        pipe.rename(_name(engine_prefix + each.key), _name(place + each.key))
    why = {"at": stamp, "by": by, "reasons": reasons}
    pipe.set(place + WHY, json.dumps(why))
    return stamp


def list_all(client: Any, trader: str) -> list[Quarantined]:
    """Return what has been put aside, oldest first."""
    prefix = prefix_of(trader)
    keys: dict[str, list[str]] = defaultdict(list)
    for raw in sorted(client.scan_iter(match=prefix + "*", count=CHUNK)):
        stamp, _, key = raw.decode("utf-8", NAMES).removeprefix(prefix).partition(":")
        keys[stamp].append(key)
    found = []
    for stamp, names in keys.items():
        why = _why(client, prefix, stamp) if WHY in names else {}
        found.append(
            Quarantined(
                stamp=stamp,
                by=str(why.get("by", "")),
                keys=tuple(name for name in names if name != WHY),
                reasons=tuple(why.get("reasons", {})),
            )
        )
    return found


def _why(client: Any, prefix: str, stamp: str) -> dict[str, Any]:
    try:
        why = json.loads(client.get(f"{prefix}{stamp}:{WHY}"))
    except (TypeError, ValueError):
        return {}
    return why if isinstance(why, dict) else {}


def restore(client: Any, trader: str, engine_prefix: str, stamp: str, now_ns: int) -> int:
    """
    Bring back what was put aside at one moment, while no node of the trader runs.

    What stands in its place now is put aside itself. Returns how many keys came back.

    Raises
    ------
    RestoreRefused
        If nothing was put aside then.

    """
    found = next((each for each in list_all(client, trader) if each.stamp == stamp), None)
    if found is None or not found.keys:
        raise RestoreRefused(f"Nothing of {trader} was put aside at {stamp}.")
    place = f"{prefix_of(trader)}{stamp}:"
    reason = f"{engine_prefix[:-1]} gave way to what had been put aside at {stamp}"
    in_the_way = [
        PutAside(key, reason) for key in found.keys if client.exists(_name(engine_prefix + key))
    ]
    pipe = client.pipeline(transaction=True)
    if in_the_way:
        put_aside(pipe, trader, engine_prefix, in_the_way, "restore", now_ns)
    for key in found.keys:
        pipe.rename(_name(place + key), _name(engine_prefix + key))
    pipe.delete(place + WHY)
    pipe.execute()
    return len(found.keys)


def _name(key: str) -> bytes:
    return key.encode("utf-8", NAMES)

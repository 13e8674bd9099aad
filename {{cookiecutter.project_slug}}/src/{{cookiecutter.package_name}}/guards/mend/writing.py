"""A plan as commands of the store, and the look at what they touch just before."""

from collections.abc import Sequence
from typing import Any

from ...engine.stored import Plan, RawKey


def changed(client: Any, prefix: str, touched: Sequence[str], keys: dict[str, RawKey]) -> bool:
    """Return whether the keys that a plan touches are not what was read; they are watched."""
    pipe = client.pipeline(transaction=False)
    for key in touched:
        pipe.type(prefix + key)
    kinds = [each.decode() for each in pipe.execute()]
    asked = []
    for key, kind in zip(touched, kinds, strict=True):
        before = keys.get(key)
        if (before.kind if before is not None else "none") != kind:
            return True
        if before is None or before.value is None:
            continue
        asked.append((key, before))
    pipe = client.pipeline(transaction=False)
    for key, before in asked:
        match before.kind:
            case "list":
                pipe.llen(prefix + key)
            case "string":
                pipe.get(prefix + key)
            case "set":
                pipe.smembers(prefix + key)
            case _:
                pipe.hgetall(prefix + key)
    return any(
        (_length(before) if before.kind == "list" else before.value) != now
        for (_, before), now in zip(asked, pipe.execute(), strict=True)
    )


def _length(raw: RawKey) -> int:
    return len(raw.value or ()) + raw.left_out


def write(pipe: Any, prefix: str, plan: Plan) -> None:
    """Add a plan's writes to a transaction, after what it puts aside."""
    aside = {each.key for each in plan.put_aside}
    if old := [prefix + key for key in plan.writes.lists if key not in aside]:
        pipe.delete(*old)
    for key, rows in plan.writes.lists.items():
        if rows:
            pipe.rpush(prefix + key, *rows)
    for key, value in plan.writes.strings.items():
        pipe.set(prefix + key, value)
    for key, members in plan.writes.set_members.items():
        for command, wanted in ((pipe.sadd, True), (pipe.srem, False)):
            if names := [name for name, is_in in members.items() if is_in is wanted]:
                command(prefix + key, *names)
    for key, fields in plan.writes.hash_fields.items():
        if values := {name: value for name, value in fields.items() if value is not None}:
            pipe.hset(prefix + key, mapping=values)
        if names := [name for name, value in fields.items() if value is None]:
            pipe.hdel(prefix + key, *names)

"""
Whose keys these are: a mark in the store that says which engine's format they have.

It stands in the engine's own space, ``trader-<id>:format``: what copies, restores or deletes the
trader's keys takes it along, and the node's user may write it. The engine reads no such key.
"""

import json
from collections.abc import Mapping

from ...engine.stored import RawKey, StoreFormat

KEY = "format"


def mark(store_format: StoreFormat, trader: str) -> bytes:
    """Return the mark of a trader's keys."""
    return json.dumps({"format": store_format.name, "trader": trader}).encode()


def is_marked(keys: Mapping[str, RawKey], store_format: StoreFormat, trader: str) -> bool:
    """Return whether the keys carry this very mark."""
    raw = keys.get(KEY)
    return raw is not None and raw.value == mark(store_format, trader)


def is_unreadable(keys: Mapping[str, RawKey]) -> bool:
    """Return whether there is a mark, and it says nothing."""
    return KEY in keys and _said(keys[KEY]) is None


def foreign(keys: Mapping[str, RawKey], store_format: StoreFormat, trader: str) -> str:
    """Return a sentence when the keys are another engine's or trader's; else an empty one."""
    said = _said(keys[KEY]) if KEY in keys else None
    if said is None:
        return store_format.foreign(keys)
    name, whose = said
    if whose != trader:
        return (
            f"The store's keys under {store_format.prefix} are a copy of the trader {whose}'s, as "
            "their mark says"
        )
    if name != store_format.name:
        return (
            f"The store's keys under {store_format.prefix} have the format {name}, and this node "
            f"reads {store_format.name}"
        )
    return ""


def _said(raw: RawKey) -> tuple[str, str] | None:
    if raw.kind != "string" or not isinstance(raw.value, bytes) or len(raw.value) > 1_000:
        return None
    try:
        said = json.loads(raw.value)
        return str(said["format"]), str(said["trader"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None

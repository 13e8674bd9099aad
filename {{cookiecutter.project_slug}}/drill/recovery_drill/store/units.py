"""What the store's commands are called in a drill: by command and kind of key, without any id."""

import re

import msgspec

from recovery_drill.record.contract import EVENT_LISTS, KEY_BEGINS, KINDS_OF_KEYS

# What stands behind the name of the trader in an engine's keys; an instance id may stand between.
KEY = re.compile(
    rf"(?:{'|'.join(begin.format('[^:]*') for begin in KEY_BEGINS)})"
    rf"(?:[0-9a-f]{{8}}-[0-9a-f-]{{27}}:)?({'|'.join(KINDS_OF_KEYS)})(?:[:*]|$)".encode()
)
KEYLESS = re.compile(
    "ACL|AUTH|BGREWRITEAOF|BGSAVE|CLIENT|COMMAND|CONFIG|DBSIZE|DISCARD|ECHO|EXEC|FLUSHALL|FLUSHDB"
    "|HELLO|INFO|LASTSAVE|MULTI|PING|PUBLISH|QUIT|RESET|ROLE|SAVE|SCAN|SCRIPT|SELECT|TIME|UNWATCH"
)
BLOCKING = re.compile("B[LRZ].*|WAIT(AOF)?")
SUBSCRIBING = re.compile("[PS]?SUBSCRIBE|MONITOR")

OF_EVENTS = tuple(f"{command} {kind}" for kind in EVENT_LISTS for command in ("RPUSH", "RPUSHX"))
"""What is named by its event, too: between a fill and its position lies another crash point than
between an order and its acceptance."""


def command_of(words: tuple[bytes, ...]) -> str:
    """Return the command of a request, in capitals; empty for an empty line."""
    return words[0].decode(errors="replace").upper() if words else ""


def name_of(words: tuple[bytes, ...]) -> str:
    """Return what a request is called: ``RPUSH orders``, ``SADD index:orders_open``, ``PING``.

    Keys that are not the engine's are called ``other``.
    """
    command = command_of(words)
    if KEYLESS.fullmatch(command) or len(words) < 2:
        return command
    place = 1
    if command.startswith(("EVAL", "FCALL")):
        place = 3  # behind the script and the number of keys
    elif command.startswith("XREAD"):
        place = next((i for i, word in enumerate(words, 1) if word.upper() == b"STREAMS"), 1)
    key = KEY.match(words[place]) if place < len(words) else None
    name = f"{command} {key[1].decode() if key else 'other'}"
    if name in OF_EVENTS and len(words) > place + 1:
        return f"{name} {_event_type(words[place + 1])}".rstrip()
    return name


def _event_type(row: bytes) -> str:
    """Return which event of an order is written; empty when it cannot be read."""
    try:
        event = msgspec.msgpack.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if isinstance(event, dict) and len(event) == 1:
        [event] = event.values()  # an engine may put it under a name
    found = event.get("type") if isinstance(event, dict) else None
    return found if isinstance(found, str) else ""


def blocks(words: tuple[bytes, ...]) -> bool:
    """Say whether the store may answer a request late, when something has happened."""
    command = command_of(words)
    return bool(BLOCKING.fullmatch(command)) or (
        command.startswith("XREAD") and b"BLOCK" in [word.upper() for word in words]
    )


def subscribes(words: tuple[bytes, ...]) -> bool:
    """Say whether the store speaks without being asked from this request on."""
    return SUBSCRIBING.fullmatch(command_of(words)) is not None

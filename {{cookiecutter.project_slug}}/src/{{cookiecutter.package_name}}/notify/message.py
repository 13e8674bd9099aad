"""What is told, and how it goes from the node to the process that sends it. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MOST_TEXT = 2_000
MOST_NAME = 200


class Kind(StrEnum):
    """What a message is about; the setting ``TRADER_NOTIFY_…`` of the same name says how loud."""

    FILLS = "fills"
    STOP_OUTS = "stop_outs"
    CONDITIONS = "conditions"
    HALTS = "halts"
    RESTARTS = "restarts"
    SUMMARY = "summary"


IMPORTANT_FIRST = (
    Kind.HALTS,
    Kind.STOP_OUTS,
    Kind.CONDITIONS,
    Kind.RESTARTS,
    Kind.SUMMARY,
    Kind.FILLS,
)


@dataclass(frozen=True, slots=True)
class Message:
    """
    One thing to tell.

    Parameters
    ----------
    kind : Kind
        What it is about.
    name : str
        What happened, by a name that is the same in every life: it is told once under it, and it
        stands in the text, so that a reader sees what has come twice.
    title, text : str
        For people.
    is_loud : bool
        Whether it may make a sound.
    was_before : bool
        Whether it happened before this start: it is told only where it is known what was told.

    """

    kind: Kind
    name: str
    title: str
    text: str
    is_loud: bool = True
    was_before: bool = False


def encode(message: Message) -> bytes:
    """Return a message as one line."""
    told = {
        "kind": message.kind.value,
        "name": message.name,
        "title": message.title,
        "text": message.text,
        "is_loud": message.is_loud,
        "was_before": message.was_before,
    }
    return json.dumps(told).encode() + b"\n"


def decode(told: Mapping[str, Any]) -> Message:
    """
    Return the message of a line.

    Raises
    ------
    ValueError, KeyError
        If it is none.

    """
    return Message(
        Kind(told["kind"]),
        in_one_line(str(told["name"]))[:MOST_NAME],
        in_one_line(str(told["title"])),
        printable(str(told["text"]))[:MOST_TEXT],
        is_loud=bool(told["is_loud"]),
        was_before=bool(told["was_before"]),
    )


def printable(text: str) -> str:
    """Return a text without what moves a cursor or turns the direction of writing."""
    return "".join(each for each in text if each == "\n" or each.isprintable())


def in_one_line(text: str) -> str:
    """Return a text in one line."""
    return " ".join(printable(text).split())

"""Tell what node, store and exchange have, and where they differ."""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...exit_codes import ExitCode, NodeExit, complain
from ...venue.binance.requests import Requests
from ..doctor.finding import WORST_FIRST
from ..doctor.patient import Quiet, quiet_start
from ..run import load
from ..trader_keys import counted
from .beside import PLACES, Line, lines
from .places import Place, ask_places

SCHEMA = 1
AGREE_SECONDS = 3.0
"""How long a node that trades may differ: what has just happened is known at one place earlier."""
PAUSE_SECONDS = 0.3


def place_sentence(name: str, places: Mapping[str, Place]) -> str:
    """Return how a place is."""
    return places[name].sentence


def lease_sentence(places: Mapping[str, Place]) -> str:
    """Return who holds the lease, as node and store tell it."""
    if places["store"].column is None:
        return "not known: it stands in the store."
    lease = places["store"].more["lease"]
    if lease is None:
        return "nobody has held it in this store yet."
    if "trouble" in lease:
        return f"not known: {lease['trouble']}."
    if lease["is_released"]:
        return f"free; given back by {lease['told']}."
    if lease["has_ended"]:
        return f"free; {lease['told']}, has ended."
    state = places["node"].more["state"] or {}
    held = "holds it" if state.get("lease_epoch") == lease["epoch"] else "holds it or had it last"
    return f"{lease['told']}, {held}."


def halt_sentence(places: Mapping[str, Place]) -> str:
    """Return whether a person has halted it."""
    return str(places["node"].more["halt"])


@dataclass(frozen=True, slots=True)
class Row:
    """
    What is told once, above the places' own.

    Parameters
    ----------
    name : str
        What it is, in a word.
    tell : Callable[[Mapping[str, Place]], str]
        Returns it in a sentence.

    """

    name: str
    tell: Callable[[Mapping[str, Place]], str]


ROWS: tuple[Row, ...] = (
    Row("node", partial(place_sentence, "node")),
    Row("store", partial(place_sentence, "store")),
    Row("exchange", partial(place_sentence, "exchange")),
    Row("lease", lease_sentence),
    Row("halt", halt_sentence),
)
"""A row more is a function like `lease_sentence`, and a line here."""


def state(*, as_json: bool) -> ExitCode:
    """Ask every place, print what they have side by side, and return the exit code."""
    try:
        settings, traded = load()
    except NodeExit as end:
        complain(end.sentence)
        return end.code

    async def ask() -> tuple[dict[str, Place], list[Line]]:
        requests = Requests(settings)
        try:
            return await look(quiet_start(settings, traded, requests))
        finally:
            await requests.close()

    places, found = asyncio.run(ask())
    told = document(settings.id, places, found)
    sys.stdout.write(
        json.dumps(told, indent=2, ensure_ascii=False) + "\n"
        if as_json
        else text(settings.id, places, found)
    )
    return exit_code(places, found)


async def look(start: Quiet) -> tuple[dict[str, Place], list[Line]]:
    """Return what every place has, and side by side; a difference of a node that trades stays."""
    deadline = time.monotonic() + AGREE_SECONDS
    while True:
        places = await ask_places(start)
        columns = {name: place.column for name, place in places.items() if place.column is not None}
        found = lines(columns)
        passes = "node" in columns and any(line.differs for line in found)
        if not passes or time.monotonic() > deadline:
            return places, found
        await asyncio.sleep(PAUSE_SECONDS)


def exit_code(places: Mapping[str, Place], found: Sequence[Line]) -> ExitCode:
    """Return 0 when all that could be compared agrees and nothing is away."""
    if any(line.differs for line in found):
        return ExitCode.REFUSED
    ends = {place.end for place in places.values()}
    return next((code for code in WORST_FIRST if code in ends), ExitCode.STOPPED)


def document(trader: str, places: Mapping[str, Place], found: Sequence[Line]) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    return {
        "schema": SCHEMA,
        "trader_id": trader,
        "exit_code": int(exit_code(places, found)),
        "rows": {row.name: row.tell(places) for row in ROWS},
        **{
            name: {"is_compared": place.column is not None, **place.more}
            for name, place in places.items()
        },
        "beside": [
            {
                "what": line.what,
                "name": line.name,
                **line.cells,
                "differs": line.differs,
                "is_own": line.is_own,
            }
            for line in found
        ],
        "differences": [line.sentence for line in found if line.differs],
    }


def text(trader: str, places: Mapping[str, Place], found: Sequence[Line]) -> str:
    """Return the same for people."""
    told = [f"trader    {trader}"]
    told += [f"{row.name:<8}  {row.tell(places)}" for row in ROWS]
    told += _store_lines(places["store"].more)
    shown = [name for name in PLACES if places[name].column is not None]
    if found:
        told += ["", *_table(found, shown)]
    differing = sum(line.differs for line in found)
    told += ["", _verdict(shown, differing)]
    return "\n".join(told) + "\n"


def _verdict(shown: Sequence[str], differing: int) -> str:
    names = f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else ""
    if not names:
        return "Nothing could be compared."
    if not differing:
        return f"{names[0].upper()}{names[1:]} agree."
    marked = "The line marked ≠ is" if differing == 1 else f"The {differing} lines marked ≠ are"
    return f"{marked} not the same in {names}. The next start mends the store (docs/recovery.md)."


def _store_lines(more: Mapping[str, Any]) -> list[str]:
    if not more:
        return []
    told = [f"format    {more['format'] or 'no mark yet'}"]
    told += [f"memory    {name} = {value}" for name, value in more["memory"].items()]
    if more["decided"]:
        newest = more["decided"][0]
        told.append(
            f"decided   newest {newest['client_order_id']} ({newest['leg']}, {newest['status']})"
        )
    for each in more["quarantine"]:
        count, reasons = counted(each["keys"], "key"), "; ".join(each["reasons"])
        told.append(f"aside     {count} at {each['at']}: {reasons}")
    told += [f"unread    {reason}" for reason in more["unreadable"]]
    return told


def _table(found: Sequence[Line], shown: Sequence[str]) -> list[str]:
    head = ["", "", *shown]
    body = [
        [
            "≠" if line.differs else " ",
            f"{line.what} {line.name}{'' if line.is_own else ' (not this node)'}",
            *(line.cells[place] for place in shown),
        ]
        for line in found
    ]
    widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *body]
    ]

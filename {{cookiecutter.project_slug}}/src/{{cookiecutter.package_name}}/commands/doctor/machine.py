"""What this machine has for the node: versions, disk, HTTP port."""

import asyncio
import json
import os
import platform
import re
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ... import __version__
from ...engine.chosen import NAUTILUS_TRADER, OLDEST_PYTHON, ROOM
from ...face.endpoint import cannot_listen
from ..node import NodeAnswer, ask_node
from .finding import Finding, note, ok, wrong
from .patient import Patient

ENGINE = "nautilus_trader"
OLDEST, NEXT = OLDEST_PYTHON, (3, 15)
"""The Pythons of pyproject.toml: from the one, below the other."""
PYTHONS = (
    ", ".join(f"3.{minor}" for minor in range(OLDEST[1], NEXT[1] - 1)) + f" or 3.{NEXT[1] - 1}"
)
LOCK = Path(__file__).parents[4] / "requirements" / "runtime.txt"
"""Where the project's lock is; a container has none, it was built from it."""
LOW_BYTES = 1_000_000_000
GIGABYTE = 1_000_000_000


async def look_at_versions(_: Patient) -> Sequence[Finding]:
    """Look at Python, the engine against the lock, and the package."""
    return list(version_findings(_installed(), locked(LOCK), sys.version_info[:2]))


def version_findings(
    installed: str | None, in_lock: str | None, python: tuple[int, ...]
) -> Iterator[Finding]:
    """
    Yield what is to be said of versions.

    Parameters
    ----------
    installed : str, optional
        NautilusTrader's version; ``None`` when there is none.
    in_lock : str, optional
        That of the lock; ``None`` when there is no lock.
    python : tuple[int, ...]
        The first two numbers of this Python's version.

    """
    wanted = in_lock or NAUTILUS_TRADER
    reinstall = "make setup (in containers: make build up) installs what the lock holds."
    if not OLDEST <= python < NEXT:
        yield wrong(
            "versions",
            f"Python {platform.python_version()} is none that this node is made for.",
            f"Use CPython {PYTHONS}: PYTHON=python3.13 make setup.",
        )
    if installed is None:
        yield wrong("versions", "NautilusTrader is not installed.", reinstall)
    elif installed != wanted:
        yield wrong(
            "versions",
            f"NautilusTrader {installed} is installed, and the lock has {wanted}.",
            reinstall,
        )
    elif installed != NAUTILUS_TRADER:
        yield wrong(
            "versions",
            f"NautilusTrader {installed} is installed, and engine/{ROOM} is made for "
            f"{NAUTILUS_TRADER}: what it mends of the engine may be wrong.",
            "Put requirements/runtime.txt back, or update the template (docs/updating.md).",
        )
    else:
        yield ok(
            "versions",
            f"Package {__version__}, NautilusTrader {installed} as locked, "
            f"Python {platform.python_version()}.",
        )


def _installed() -> str | None:
    try:
        return version(ENGINE)
    except PackageNotFoundError:
        return None


def locked(lock: Path) -> str | None:
    """Return the engine's version in a lock; ``None`` when there is no lock."""
    try:
        text = lock.read_text("utf-8")
    except OSError:
        return None
    match = re.search(r"^nautilus[-_]trader==([^\s;\\]+)", text, re.MULTILINE)
    return match[1] if match else None


async def look_at_disk(_: Patient) -> Sequence[Finding]:
    """Look at the disk that `make` targets write to; the node itself writes to its store alone."""
    folder = Path.cwd()
    if not os.access(folder, os.W_OK):
        return [ok("disk", f"Nothing is written to {folder}: the node keeps all in its store.")]
    free = shutil.disk_usage(folder).free
    told = f"{free / GIGABYTE:.1f} GB are free where runs/ and backups/ are written."
    if free >= LOW_BYTES:
        return [ok("disk", told)]
    return [note("disk", told, "Remove old runs/ and backups/, or give the disk more room.")]


async def look_at_port(patient: Patient) -> Sequence[Finding]:
    """Look whether the HTTP port is free, or the node's own."""
    hold = patient.hold
    place = f"{hold.http_host}:{hold.http_port}"
    error = await asyncio.to_thread(_listen, hold.http_host, hold.http_port)
    if error is None:
        return [ok("port", f"The HTTP port is free ({place}).")]
    answer = await ask_node(hold.http_host, hold.http_port)
    own = patient.start.settings.id if patient.start else None
    if answer.is_node and own in (None, answer.trader):
        return [ok("port", f"The node runs: it answers at {place}, at {answer.stage}.")]
    sentence = cannot_listen(hold.http_host, hold.http_port, error)
    return [wrong("port", sentence, _who(answer, hold.http_port))]


def _who(answer: NodeAnswer, port: int) -> str:
    if answer.is_node:
        return f"The node of {json.dumps(answer.trader)} answers there: give one of them another."
    return f"`ss -ltnp 'sport = :{port}'` (as root) names the process that has it."


def _listen(host: str, port: int) -> OSError | None:
    """Return why the endpoint could not listen there; nothing is heard there meanwhile."""
    try:
        [family, kind, protocol, _, address] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            # Bound alone, a port that another one listens on may pass.
            listener.listen(1)
    except OSError as error:
        return error
    return None

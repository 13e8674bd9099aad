"""
Which engine this project has; the rest of the package asks here, and names no room itself.

A project has one room: `v1` for NautilusTrader 1, `v2` for NautilusTrader 2. The two versions are
one distribution, so that an environment holds one of them, and the lock says which.
"""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .mending.formats import FORMATS
from .mending.store_format import KeysFormat

if TYPE_CHECKING:
    from ..config.settings import Settings
    from .desk import Engine

ROOM = "v1" if find_spec(f"{__package__}.v1") else "v2"
"""The folder beside this module that is used."""


@cache
def _of_room(module: str) -> Any:
    return import_module(f".{ROOM}{module}", __package__)


NAUTILUS_TRADER: str = _of_room("").NAUTILUS_TRADER
"""The version that the room is made for; another one is as good as untried."""
OLDEST_PYTHON: tuple[int, int] = _of_room("").OLDEST_PYTHON
"""The first two numbers of the oldest Python that this version runs on."""


def store_format(trader: str) -> KeysFormat:
    """Return how the engine keeps a trader's orders in the store; no engine is loaded for it."""
    return FORMATS[ROOM](trader)


def engine(settings: "Settings") -> "Engine":
    """Return the engine, not loaded yet; its import takes a second."""
    made: Engine = _of_room(".start").engine(settings)
    return made

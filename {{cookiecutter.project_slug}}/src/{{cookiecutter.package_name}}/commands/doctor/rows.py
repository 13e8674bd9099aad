"""
What is looked at, in the order in which it is told.

A row more is a module with a function like the others, and a line in `ROWS`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from .exchange import look_at_exchange
from .finding import Finding
from .halt import look_at_halt
from .lease import look_at_lease
from .limits import look_at_limits
from .machine import look_at_disk, look_at_port, look_at_versions
from .patient import Patient
from .store import look_at_store


@dataclass(frozen=True, slots=True)
class Row:
    """
    One thing that is looked at.

    Parameters
    ----------
    name : str
        What it is, in a word.
    look : Callable[[Patient], Awaitable[Sequence[Finding]]]
        Looks, within a bound of its own; everything is looked at at once.
    needs_settings : bool
        Whether nothing can be said while settings are wrong.

    """

    name: str
    look: Callable[[Patient], Awaitable[Sequence[Finding]]]
    needs_settings: bool = True


ROWS: tuple[Row, ...] = (
    Row("versions", look_at_versions, needs_settings=False),
    Row("disk", look_at_disk, needs_settings=False),
    Row("port", look_at_port, needs_settings=False),
    Row("store", look_at_store),
    Row("lease", look_at_lease),
    Row("halt", look_at_halt),
    Row("limits", look_at_limits),
    Row("exchange", look_at_exchange),
)

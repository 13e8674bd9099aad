"""What `doctor` looks at: what a guard of the preflight would be given, and no engine."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from ...config.settings import HoldSettings, Settings
from ...engine.chosen import store_format
from ...guards.guard import Start
from ...guards.halt.places import Halts
from ...guards.lease.lease import Lease
from ...plan.traded import Traded
from ...venue.binance.requests import Requests

if TYPE_CHECKING:
    from ...engine.desk import Engine
    from ...engine.stored import StoreFormat


@dataclass(frozen=True, slots=True)
class Unloaded:
    """In the place of an engine: guards of the preflight ask one for its store's format alone."""

    store_format: "StoreFormat"


class Quiet(Start):
    """A start that keeps its notes and writes none of them to stderr."""

    def note(self, sentence: str) -> None:
        """Keep a sentence."""
        if sentence not in self.notes:
            self.notes.append(sentence)


@dataclass(frozen=True, slots=True)
class Patient:
    """
    Settings as far as they can be read, and what a start would make of them.

    Parameters
    ----------
    hold : HoldSettings
        Where the endpoint is; it can be read of wrong settings, too.
    start : Quiet, optional
        What guards look at; ``None`` when settings are wrong.

    """

    hold: HoldSettings
    start: Quiet | None = None

    def quiet(self) -> Quiet:
        """Return a start of one's own, with no notes yet; only where settings are right."""
        assert self.start is not None, "The row needs settings, and is looked at without."
        start = self.start
        return quiet_start(start.settings, start.traded, start.requests)


def quiet_start(settings: Settings, traded: Sequence[Traded], requests: Requests) -> Quiet:
    """Return what guards of the preflight look at, without an engine; its lease is not taken."""
    engine = cast("Engine", Unloaded(store_format(settings.id)))
    lease, halts = Lease(settings, time.monotonic()), Halts(settings)
    return Quiet(settings, traded, requests, engine, lease, halts)

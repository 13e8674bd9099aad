"""
The services that take messages, through apprise: it is imported here and nowhere else.

An address holds a token or a password, so nothing here is written that an address is in: a service
is called by its line in the file and by what its address begins with.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ..config.notify import scheme_of
from .outbox import LONGEST_PAUSE, Letter

SILENT: dict[str, str] = {
    "tgram": "silent=yes",
    "ntfy": "priority=min",
    "ntfys": "priority=min",
    "pover": "priority=low",
    "gotify": "priority=low",
    "gotifys": "priority=low",
    "json": ":is_silent=yes",
    "jsons": ":is_silent=yes",
}
"""What a service is told, by the beginning of its address, so that it makes no sound; others know
no such thing, and take silent messages as they take all."""


@dataclass(slots=True)
class Service:
    """
    One address.

    Parameters
    ----------
    line : int
        Where it stands in the file.
    scheme : str
        What it begins with.
    loud, silent : Any
        Take a message; ``None`` where the address is not understood.

    Attributes
    ----------
    missed : int
        How many letters it has not taken since it took one.

    """

    line: int
    scheme: str
    loud: Any
    silent: Any
    missed: int = 0
    _pause: float = 0.0
    _not_before: float = field(default=float("-inf"))

    @property
    def called(self) -> str:
        """How it is called, without its secrets."""
        return f"the service in line {self.line} ({self.scheme})"

    def send(self, letter: Letter, now: Callable[[], float]) -> bool:
        """Send a letter; return whether it was taken. One that took none is asked later again."""
        if self.loud is None or now() < self._not_before:
            self.missed += 1
            return False
        text = letter.text
        if self.missed:
            text = f"({self.missed} before this did not get through.)\n{text}"
        if self._take(self.loud if letter.is_loud else self.silent, letter.title, text):
            self.missed, self._pause = 0, 0.0
            return True
        self.missed += 1
        self._pause = min(max(1.0, self._pause * 2), LONGEST_PAUSE)
        self._not_before = now() + self._pause
        return False

    @staticmethod
    def _take(taker: Any, title: str, text: str) -> bool:
        try:
            return bool(taker.notify(title=title, body=text, body_format="text"))
        except Exception:  # whatever a service's own code raises; its words may hold the address
            return False


def open_services(urls: Sequence[tuple[int, str]]) -> list[Service]:
    """Return a service for each address; one that is not understood takes nothing."""
    # What apprise says of a failure may hold the address.
    logging.disable(logging.CRITICAL)
    apprise: Any = import_module("apprise")  # it takes a second, and this process alone

    def taker(url: str) -> Any:
        made = apprise.Apprise()
        try:
            return made if made.add(url) else None
        except Exception:  # its words may hold the address, too
            return None

    found = []
    for line, url in urls:
        scheme = scheme_of(url)
        loud = taker(url)
        more = SILENT.get(scheme)
        joint = "&" if "?" in url else "?"
        silent = (taker(f"{url}{joint}{more}") if more else None) or loud
        found.append(Service(line, scheme, loud, silent))
    return found

"""The parts of one exchange, put together."""

import hashlib
from dataclasses import dataclass

from .clock import Clock
from .journal.journal import Journal
from .journal.state import State
from .matching.course import Course
from .matching.matching import Matching
from .protocol.signing import Credentials


@dataclass
class Exchange:
    """State, everything that decides about it, and who may ask for it."""

    seed: int
    credentials: Credentials
    state: State
    journal: Journal
    clock: Clock
    matching: Matching
    course: Course
    listen_key: str | None = None
    listen_keys_made: int = 0

    def open_listen_key(self) -> str:
        """Return the key of the user stream; a new one when there is none."""
        if self.listen_key is None:
            self.listen_keys_made += 1
            text = f"{self.seed}:{self.listen_keys_made}".encode()
            self.listen_key = hashlib.sha256(text).hexdigest()
        return self.listen_key

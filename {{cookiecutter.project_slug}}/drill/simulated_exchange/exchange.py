"""The parts of one exchange, put together."""

from dataclasses import dataclass, field

from .clock import Clock
from .journal.journal import Journal
from .journal.state import State
from .matching.course import Course
from .matching.matching import Matching
from .protocol.countdowns import Countdowns
from .protocol.limits import Limits
from .protocol.listen_key import LIFE_MINUTES, ListenKey
from .protocol.signing import Credentials, Keys


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
    limits: Limits = field(default_factory=Limits)
    listen_key_minutes: float = LIFE_MINUTES
    listen_key: ListenKey = field(init=False)
    countdowns: Countdowns = field(init=False)
    keys: Keys = field(init=False)

    def __post_init__(self) -> None:
        """Take listen key and countdowns from the state, and the first key."""
        self.keys = Keys(self.credentials)
        self.listen_key = ListenKey(self.seed, self.state, self.journal, self.listen_key_minutes)
        self.countdowns = Countdowns(self.state, self.journal, self.matching)

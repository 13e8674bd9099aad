"""The parts of one exchange, put together."""

import hashlib
from collections.abc import Sequence
from typing import TextIO

from .clock import Clock, wall_ms
from .course import Course
from .journal import Journal
from .market import MINUTE_MS, Market
from .matching import Matching
from .signing import Credentials
from .state import State
from .symbols import SymbolRules


class Exchange:
    """State, and everything that decides about it.

    Parameters
    ----------
    rules : Sequence[SymbolRules]
        What trades here.
    market : Market
        Where the bars come from.
    epoch_ms : int
        The open time of the market's bar 0.
    history : int
        How many bars are closed before the start.
    clock : Clock
        Market time; its start is the close of the last bar of the history.
    credentials : Credentials
        Who may trade.
    seed : int, default 7
        What listen keys are made from, too.
    journal_file : TextIO, optional
        Where the journal is written.
    """

    def __init__(
        self,
        *,
        rules: Sequence[SymbolRules],
        market: Market,
        epoch_ms: int,
        history: int,
        clock: Clock,
        credentials: Credentials,
        seed: int = 7,
        journal_file: TextIO | None = None,
    ) -> None:
        self.epoch_ms = epoch_ms
        self.clock = clock
        self.credentials = credentials
        self.seed = seed
        self.state = State()
        self.journal = Journal(self.state, journal_file)
        running = None if clock.stepped else self.now_ms
        self.matching = Matching(self.state, self.journal, running)
        self.course = Course(self.state, self.journal, self.matching, market, epoch_ms)
        first_open_ms = clock.start_ms - clock.start_ms % MINUTE_MS - history * MINUTE_MS
        self.course.start(list(rules), first_open_ms, history)
        self.listen_key: str | None = None
        self._listen_keys_made = 0

    def now_ms(self) -> int:
        """Return the market time."""
        return self.clock.now(self.state.market_ms)

    def lag_ms(self) -> int:
        """Return how far the market is behind wall time."""
        return self.clock.lag_ms(self.state.market_ms)

    def may_step(self) -> bool:
        """Return whether the forming bar may close without market time passing wall time."""
        return self.state.forming_open_ms + MINUTE_MS <= wall_ms()

    def open_listen_key(self) -> str:
        """Return the key of the user stream; a new one when there is none."""
        if self.listen_key is None:
            self._listen_keys_made += 1
            text = f"{self.seed}:{self._listen_keys_made}".encode()
            self.listen_key = hashlib.sha256(text).hexdigest()
        return self.listen_key

"""
The lease of this process: taken, renewed by a thread of its own, and given back.

A thread, because the engine keeps the event loop busy for a second or more while it loads.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import redis
import redis.exceptions

from ...config.settings import Settings
from ...exit_codes import one_line
from ...venue.binance.requests import LATE_SECONDS
from .processes import has_ended, this_process
from .record import (
    LEASE_SECONDS,
    RENEW_SECONDS,
    SPARE_SECONDS,
    TAKEN,
    Claim,
    Free,
    Holder,
    decode,
    encode,
    key_of,
)

STORE_SECONDS = 1.0
"""How long one command may take."""
YOUNG_SECONDS = LEASE_SECONDS + 1
"""A store that has run for less may have lost what was written last: it tells whole seconds."""
NEVER = -1
"""Where a store that has never taken another one's place says that it has begun: one that has may
lack what that one was told last, and does not say when it was."""
FAILURES = (redis.exceptions.RedisError, OSError, ValueError)
"""What a look at the store raises that shows no lease."""

type Change = Callable[[Holder | None], Holder | None]
"""Makes the next record of the one that is there, or says by ``None`` that nothing is written."""


class Lease:
    """
    One trader's lease, as one process sees it.

    Parameters
    ----------
    settings : Settings
        The store and the trader's id.
    born : float
        When this process began, by the monotonic clock: one that it was started after has ended by
        then.

    """

    def __init__(self, settings: Settings, born: float) -> None:
        self._key = key_of(settings.id)
        self._client = redis.Redis.from_url(
            settings.store_url.get_secret_value(),
            socket_connect_timeout=STORE_SECONDS,
            socket_timeout=STORE_SECONDS,
            retry=None,
        )
        self._process = this_process()
        self._claim = Claim(self._process, has_ended)
        self._owner = str(uuid.uuid4())
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._own: Holder | None = None
        self._until = self._from = 0.0
        self._not_free = born
        self._needed_until = float("inf")
        self.holder: Holder | None = None
        """Who held it at the last look."""
        self.lost = ""
        """Why this process has lost it for good, in a sentence."""
        self.quiet_from = born + LATE_SECONDS
        """From when on nothing of its holder before can arrive any more, once it is taken."""
        self.trouble = ""
        """Why it could not be renewed the last time, in words."""

    # -- Whether it may send -------------------------------------------------------------------

    @property
    def epoch(self) -> int | None:
        """The number of this holding; ``None`` when it is not held."""
        own = self._own
        return None if own is None else own.epoch

    def left(self) -> float:
        """Return for how many seconds this process may send; zero or less when it may not."""
        now = time.monotonic()
        if self._own is None or self.lost or now < self._from:
            return 0.0
        return self._until - SPARE_SECONDS - now

    def until_in_force(self) -> float:
        """Return in how many seconds it may send, as far as nobody else holds the lease."""
        return self._from - time.monotonic()

    # -- Taking --------------------------------------------------------------------------------

    def try_to_take(self) -> Free:
        """
        Look at the record, and take the lease if it may be taken; the first look seldom decides.

        What is in `TAKEN` says that it has been taken and is renewed from now on.

        Raises
        ------
        redis.exceptions.RedisError, OSError
            If the store does not answer.
        ValueError
            If the record is none.

        """
        asked = time.monotonic()
        may_be_old = self._may_be_old()
        free = Free.NOT_YET

        def take(found: Holder | None) -> Holder | None:
            nonlocal free
            self.holder = found
            free = self._claim.judge(found, asked, time.monotonic(), may_be_old=may_be_old)
            return self._next(found) if free in TAKEN else None

        own, written = self._write(take)
        if own is None:  # it is another's, or another one was quicker
            self._not_free = time.monotonic()
            return free if free not in TAKEN else Free.NOT_YET
        self._from = written + LEASE_SECONDS if free is Free.LATER else written
        self.quiet_from = written if free is Free.RUN_OUT else self._not_free + LATE_SECONDS
        self._until = written + LEASE_SECONDS
        self._own = self.holder = own
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()
        return free

    def look(self) -> Free:
        """
        Return whether the lease could be taken, and take nothing; the first look seldom decides.

        Raises
        ------
        redis.exceptions.RedisError, OSError
            If the store does not answer.
        ValueError
            If the record is none.

        """
        asked = time.monotonic()
        may_be_old = self._may_be_old()
        value: Any = self._client.get(self._key)
        self.holder = decode(value)
        return self._claim.judge(self.holder, asked, time.monotonic(), may_be_old=may_be_old)

    def _next(self, found: Holder | None) -> Holder:
        return Holder(
            owner=self._owner,
            epoch=found.epoch + 1 if found else 1,
            beat=0,
            host=socket.gethostname(),
            pid=os.getpid(),
            since_ms=time.time_ns() // 1_000_000,
            process=self._process,
        )

    def _write(self, change: Change) -> tuple[Holder | None, float]:
        """
        Write what `change` makes of the record, unless another one writes meanwhile.

        Returns
        -------
        Holder, optional
            What was written; ``None`` if nothing was.
        float
            When, at the earliest, in seconds of the monotonic clock.

        """
        with self._client.pipeline() as pipe:
            transaction: Any = pipe  # the library's types know no watched pipeline
            transaction.watch(self._key)
            new = change(decode(transaction.get(self._key)))
            written = time.monotonic()
            if new is None:
                return None, written
            transaction.multi()
            transaction.set(self._key, encode(new))
            try:
                transaction.execute()
            except redis.exceptions.WatchError:
                return None, written
            return new, written

    def _may_be_old(self) -> bool:
        uptime = self._client.info("server").get("uptime_in_seconds", 0)
        replaced_at = self._client.info("replication").get("second_repl_offset", NEVER)
        return int(uptime) < YOUNG_SECONDS or int(replaced_at) != NEVER

    # -- Keeping -------------------------------------------------------------------------------

    def needed(self, seconds: float) -> None:
        """Say that the process is alive: it is renewed for so long from now."""
        self._needed_until = time.monotonic() + seconds

    def _keep(self) -> None:
        while not self._ended.wait(RENEW_SECONDS) and not self.lost:
            if time.monotonic() < self._needed_until:
                self.renew()

    def renew(self) -> None:
        """Write the record once more, if it is still one's own."""
        with self._lock:
            if (own := self._own) is None or self.lost:
                return

            def next_beat(found: Holder | None) -> Holder | None:
                self.holder = found
                if found is not None and found.owner == own.owner:
                    return own.next_beat()
                self.lost = _why_lost(own, found)
                return None

            try:
                renewed, written = self._write(next_beat)
            except FAILURES as error:
                self.trouble = one_line(error)
                return
            self.trouble = ""
            if renewed is not None:
                self._own = self.holder = renewed
                self._until = written + LEASE_SECONDS

    # -- Giving back ---------------------------------------------------------------------------

    def release(self) -> None:
        """Give it back: nothing of this process is on its way any more. Harmless without it."""
        self._ended.set()
        with self._lock:
            own, self._own = self._own, None
            if own is not None and not self.lost:

                def give_back(found: Holder | None) -> Holder | None:
                    is_own = found is not None and found.owner == own.owner
                    return own.given_back() if is_own else None

                with suppress(*FAILURES):  # it runs out
                    self._write(give_back)
            self._client.close()


def _why_lost(own: Holder, found: Holder | None) -> str:
    if found is None:
        return "The store has lost the record of who trades, which this node had written."
    if found.epoch < own.epoch:
        return (
            f"The store has gone back to epoch {found.epoch}, from before this node's "
            f"{own.epoch}: it was restored, or another one has taken its place."
        )
    return f"Another node has taken over: {found.told()}."

"""The key of the user stream: it lives for an hour of wall time, unless it is kept alive.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams,
"Start", "Keepalive" and "Close User Data Stream", "Event: User Data Stream Expired".
"""

import asyncio
import contextlib
import hashlib

from ..clock import wall_ms
from ..errors import ExchangeError
from ..journal.journal import Journal
from ..journal.state import State

LIFE_MINUTES = 60.0


class ListenKey:
    """The one listen key of the account, if there is one."""

    def __init__(self, seed: int, state: State, journal: Journal, minutes: float) -> None:
        self._seed = seed
        self._state = state
        self._journal = journal
        self._minutes = minutes
        self._changed = asyncio.Event()

    @property
    def value(self) -> str | None:
        """The key, or nothing."""
        return self._state.listen_key

    def open(self) -> str:
        """Return the key, and let it live on; a new one when there is none."""
        if self.value is None:
            text = f"{self._seed}:{self._state.listen_keys_made + 1}"
            return self._change(hashlib.sha256(text.encode()).hexdigest())
        return self.keep()

    def keep(self) -> str:
        """Let the key live on; without one it is an `ExchangeError`."""
        if self.value is None:
            raise ExchangeError(-1125)
        return self._change(self.value)

    def close(self) -> None:
        """Let the key end without a word."""
        self._write(None, 0)

    def expire(self) -> None:
        """Let the key end, and its user stream hear of it."""
        self._write(None, 0, expired=self.value)

    async def outlived(self) -> None:
        """Wait until there is a key whose time has passed."""
        while self.value is None or (left := self._state.listen_key_until_ms - wall_ms()) > 0:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if self.value is None else left / 1000):
                    await self._changed.wait()

    def _change(self, key: str) -> str:
        self._write(key, wall_ms() + int(self._minutes * 60_000))
        return key

    def _write(self, key: str | None, until_ms: int, expired: str | None = None) -> None:
        told = {"key": key, "until_ms": until_ms, "expired": expired}
        self._journal.write("listen_key.changed", told)
        self._changed.set()

"""
Ask for what is past, page by page and window by window, as the exchange gives it.

Source: USD-M Futures, Trade: a question covers at most 7 days and tells at most 1,000 rows, the
oldest first when it has a start. Orders are told for 90 days, trades for six months.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from ...config.profiles import Profile
from ...config.settings import Settings
from .contradictions import DAY_MS
from .public import server_now_ms, simulated_clock
from .requests import ExchangeError, NonsenseError, Requests
from .rows import MOST_ROWS

WINDOW_MS = 7 * DAY_MS - 3_600_000
"""A little less than the 7 days that one question may cover."""
OVERLAP_MS = 60_000
"""By how much windows overlap, and how far the last one reaches beyond now."""
MOST_PAGES = 60
"""Of one kind and symbol; what is more would use up the account's limits."""
AT_ONCE = 6
STAMPS_LAG_MS = 200 * DAY_MS


type Key = tuple[int, str]
"""Number and side: when two orders of one account meet, both fills have the number."""


class TooMuchError(ExchangeError):
    """There is more than one start may ask for."""


class ExchangeClock:
    """
    The exchange's now, and how its times are written in a question.

    What the simulated exchange stamps is market time, and what it is asked for is wall time.
    """

    def __init__(self, settings: Settings, requests: Requests) -> None:
        self._is_simulated = settings.profile is Profile.SIMULATED
        self._requests = requests

    async def now_ms(self) -> int:
        """Return the exchange's now in milliseconds of market time."""
        if self._is_simulated:
            return (await simulated_clock(self._requests))[0]
        return await server_now_ms(self._requests)

    async def asked(self, start_ms: int, end_ms: int) -> tuple[int, int]:
        """Return a time of the market as a question gives it, with its end not after now."""
        if not self._is_simulated:
            return start_ms, end_ms
        # Each time anew: a market that stands still falls back behind wall time.
        market_ms, wall_ms = await simulated_clock(self._requests)
        lag = wall_ms - market_ms
        if lag > STAMPS_LAG_MS:  # its own stamps are told from wall time
            return start_ms, min(end_ms, market_ms)
        return start_ms + lag, end_ms + lag


def windows(since_ms: int, until_ms: int) -> list[tuple[int, int]]:
    """Return first and last time of each question, oldest first, that together cover all."""
    found, start = [], since_ms
    while True:
        end = min(start + WINDOW_MS, until_ms + OVERLAP_MS)
        found.append((start, end))
        if end >= until_ms + OVERLAP_MS:
            return found
        start = end - OVERLAP_MS


class Pages:
    """
    One kind of what is past, of one symbol.

    Parameters
    ----------
    requests : Requests
        How to ask.
    clock : ExchangeClock
        Writes times.
    path : str
        Of the question.
    symbol : str
        Of what.
    names : tuple[str, str]
        The fields of a row with its number and its time.

    """

    def __init__(
        self,
        requests: Requests,
        clock: ExchangeClock,
        path: str,
        symbol: str,
        names: tuple[str, str],
    ) -> None:
        self._requests = requests
        self._clock = clock
        self._path = path
        self._symbol = symbol
        self._number, self._time = names
        self._left = MOST_PAGES

    async def newest(self, now_ms: int) -> tuple[list[Any], int]:
        """
        Return the newest rows, and the time since which they are complete, in one question.

        Raises
        ------
        ExchangeError
            If the answer is an error, or absurd.

        """
        rows = await self._rows({})
        if len(rows) < MOST_ROWS:
            return rows, now_ms - WINDOW_MS
        # Of the first moment there may be more than was told.
        return rows, min(self._whole(row, self._time) for row in rows) + 1

    async def between(self, since_ms: int, until_ms: int) -> list[Any]:
        """
        Return the rows of a time, each once, in order of their numbers.

        Raises
        ------
        TooMuchError
            If there are more than one start may ask for.
        ExchangeError
            If an answer is an error, or absurd.

        """
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(start: int, end: int) -> Mapping[Key, Any]:
            async with turn:
                return await self._window(start, end)

        found: dict[Key, Any] = {}
        for rows in await asyncio.gather(*(one(*each) for each in windows(since_ms, until_ms))):
            found.update(rows)
        return [found[key] for key in sorted(found)]

    async def _window(self, start: int, end: int) -> Mapping[Key, Any]:
        found: dict[Key, Any] = {}
        while True:
            self._left -= 1
            if self._left < 0:
                raise TooMuchError(None, f"more than {MOST_PAGES * MOST_ROWS:,} rows")
            rows = await self._page(start, end)
            before = len(found)
            found.update((self._key(row), row) for row in rows)
            if len(rows) < MOST_ROWS:
                return found
            start = max(start, max(self._whole(row, self._time) for row in rows))
            if len(found) == before or start > end:
                raise NonsenseError(
                    f"The exchange answers {self._path} of {self._symbol} with the same rows again."
                )

    async def _page(self, start: int, end: int) -> list[Any]:
        since, until = await self._clock.asked(start, end)
        return await self._rows({"startTime": since, "endTime": until})

    async def _rows(self, time: Mapping[str, int]) -> list[Any]:
        query = {"symbol": self._symbol, "limit": MOST_ROWS, **time}
        rows = await self._requests.get(self._path, query)
        if not isinstance(rows, list):
            raise NonsenseError(
                f"The exchange answers {self._path} with something that is no list."
            )
        if len(rows) > MOST_ROWS:
            raise NonsenseError(
                f"The exchange was asked {self._path} for {MOST_ROWS:,} rows "
                f"and told {len(rows):,}."
            )
        return rows

    def _key(self, row: Any) -> Key:
        return self._whole(row, self._number), str(row.get("side"))

    def _whole(self, row: Any, name: str) -> int:
        value = row.get(name) if isinstance(row, dict) else None
        if not isinstance(value, int) or isinstance(value, bool):
            raise NonsenseError(f"The exchange answers {self._path} with a row without {name}.")
        return value

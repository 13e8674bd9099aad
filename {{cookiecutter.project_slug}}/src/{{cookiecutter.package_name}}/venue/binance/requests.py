"""
Requests to the exchange, plain or signed, over HTTP; no engine is in here.

Source: USD-M Futures, General Info: "SIGNED Endpoint Security", HMAC keys.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp

from ...config.settings import Settings
from ...exit_codes import ExitCode, NodeExit, one_line
from .signing_clock import RECEIVE_WINDOW_MS, SigningClock

ANSWER_SECONDS = 5.0
LATE_SECONDS = RECEIVE_WINDOW_MS / 1000 + 1
"""How long after its signature a request may still be accepted at most: the exchange also forgives
clocks that are a second fast."""
WRONG_TIME = -1021
"""The exchange refuses the time of a request."""
MOST_BYTES = 16_000_000
"""The longest answer that is read; the longest real one, all symbols, has some two million."""
MOST_CONNECTIONS = 8
"""A start asks many questions at once; more connections than these would be rude."""
MOST_LETTERS = 200
"""Of a message of the exchange's."""
OK, BAD_REQUEST = 200, 400
SLOWER = frozenset({418, 429})
"""Statuses by which the exchange asks to wait, with the seconds in ``Retry-After`` (General Info,
"Limits")."""
END_SECONDS = 3.0
"""How long before the end of its bound a start gives up waiting."""
NO_WEIGHT = "/_sim/"
LISTEN_KEY = "/fapi/v1/listenKey"
WEIGHTS = {
    "/fapi/v1/accountConfig": 5,
    "/fapi/v1/allAlgoOrders": 5,
    "/fapi/v1/allOrders": 5,
    "/fapi/v1/income": 30,
    "/fapi/v1/multiAssetsMargin": 30,
    "/fapi/v1/positionSide/dual": 30,
    "/fapi/v1/symbolConfig": 5,
    "/fapi/v1/userTrades": 5,
    "/fapi/v2/account": 5,
    "/fapi/v2/balance": 5,
    "/fapi/v3/account": 5,
    "/fapi/v3/positionRisk": 5,
}
"""What a question counts, where it is not 1 (the page of each, "Request Weight")."""
EVERY_SYMBOL_WEIGHTS = {"/fapi/v1/openOrders": 40, "/fapi/v1/openAlgoOrders": 40}
"""What a question counts when it names no symbol."""


class ExchangeError(Exception):
    """
    The exchange has answered with an error, or with something that cannot be read.

    Parameters
    ----------
    code : int, optional
        The exchange's own code (USD-M Futures, Error Codes); ``None`` when it gave none.
    message : str
        What it said.
    status : int, optional
        The status of the answer; 0 when that says nothing.
    wait : float, optional
        For how many seconds the exchange asks to wait.

    """

    def __init__(self, code: int | None, message: str, status: int = 0, wait: float = 0.0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.wait = wait


class NonsenseError(ExchangeError):
    """
    The exchange has answered with something that cannot be, in a sentence of its own.

    Parameters
    ----------
    sentence : str
        What.

    """

    def __init__(self, sentence: str) -> None:
        super().__init__(None, sentence)


FAILURES = (ExchangeError, OSError, TimeoutError, aiohttp.ClientError)
"""What a question raises that has got no answer that says what was asked."""


class Requests:
    """
    Signed requests of one account; the connection stays open between them.

    Parameters
    ----------
    settings : Settings
        The exchange's address, the key and the secret.
    url : str
        Another address of the exchange's, for what its futures do not tell.

    Attributes
    ----------
    clock : SigningClock
        The time that signed requests carry.
    asked, weight : int
        How many questions there were, and what they count at the exchange.

    """

    def __init__(self, settings: Settings, url: str = "") -> None:
        self._url = url or settings.exchange_http_url
        self._key = settings.api_key
        self._secret = settings.api_secret.get_secret_value().encode()
        self._session: aiohttp.ClientSession | None = None
        self._not_before = 0.0
        self._patience_ends = time.monotonic() + settings.startup_timeout_seconds - END_SECONDS
        self.clock = SigningClock()
        self.asked = 0
        self.weight = 0

    async def get(self, path: str, query: Mapping[str, Any], *, sign: bool = True) -> Any:
        """
        Return the JSON of an answer; ask no earlier than the exchange has asked to wait.

        Raises
        ------
        ExchangeError
            If the answer is an error; a `NonsenseError` if it is none and is not JSON.
        OSError, TimeoutError, aiohttp.ClientError
            If there is no answer.
        NodeExit
            With code 75 when the exchange asks to wait for longer than a start may take.

        """
        return await self._ask("GET", path, query, sign=sign)

    async def change(self, verb: str, path: str, query: Mapping[str, Any]) -> Any:
        """
        Return the JSON of the answer to a request that changes something.

        It is sent once. When there is no answer, nobody knows whether it was carried out.

        Parameters
        ----------
        verb : str
            ``POST``, ``PUT`` or ``DELETE``.
        path : str
            Of the request.
        query : Mapping[str, Any]
            Its parameters.

        Raises
        ------
        NotAllowed
            If this process may change nothing now; nothing was sent then.
        ExchangeError, OSError, TimeoutError, aiohttp.ClientError
            As of `get`.

        """
        return await self._ask(verb, path, query, sign=True)

    async def _ask(self, verb: str, path: str, query: Mapping[str, Any], *, sign: bool) -> Any:
        await self.rest()
        self.weight += weight_of(path, query)
        status, headers, body = await self.pass_on(verb, path, query, sign=sign)
        wait = wait_told(status, headers)
        if wait is not None:
            await self._wait(wait)
        answer = read_json(body)
        if status < BAD_REQUEST and answer is None:
            raise NonsenseError(
                f"The exchange answers {path.rpartition('/')[2]} with something that cannot be "
                f"read (HTTP status {status})."
            )
        if status != OK:
            raise _error(status, answer, wait or 0.0)
        return answer

    async def pass_on(
        self,
        verb: str,
        path: str,
        query: Mapping[str, Any],
        *,
        sign: bool,
        seconds: float = ANSWER_SECONDS,
    ) -> tuple[int, Mapping[str, str], bytes]:
        """
        Send a request at once, with this account's key, and return what comes back as it is.

        Raises
        ------
        NotAllowed
            If it would change something and this process may not now; nothing was sent then.
        ExchangeError, OSError, TimeoutError, aiohttp.ClientError
            If there is no answer, or one that is too long.

        """
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
                connector=aiohttp.TCPConnector(limit=MOST_CONNECTIONS),
            )
        text = urlencode(query)
        headers = {}
        if sign:
            # A key to listen with changes nothing, and is asked for before the lease is in force.
            text = self._signed(text, is_change=verb != "GET" and path != LISTEN_KEY)
            headers["X-MBX-APIKEY"] = self._key
        url = f"{self._url}{path}?{text}"
        self.asked += 1
        timeout = aiohttp.ClientTimeout(total=seconds)
        async with self._session.request(
            verb, url, headers=headers, allow_redirects=False, timeout=timeout
        ) as response:
            return response.status, response.headers, await _body(response)

    async def rest(self) -> float:
        """
        Wait as long as the exchange has asked to, and return for how many seconds.

        Raises
        ------
        NodeExit
            With code 75 when that is longer than a start may take.

        """
        began = time.monotonic()
        await self._wait(self._not_before - began)
        await asyncio.sleep(max(0.0, self._not_before - began))
        return time.monotonic() - began

    async def _wait(self, seconds: float) -> None:
        """Let nothing be asked for so long; when that is too long for a start, end after it."""
        now = time.monotonic()
        self._not_before = max(self._not_before, now + seconds)
        if self._not_before > self._patience_ends > now:
            # Whoever starts this process again does so at once, and would be early.
            await asyncio.sleep(self._patience_ends - now)
            raise NodeExit(
                ExitCode.AWAY,
                f"The exchange asks this machine to wait for {seconds:.0f} s before it asks for "
                "anything again, which is longer than a start may take.",
            )

    def _signed(self, text: str, *, is_change: bool) -> str:
        stamp = urlencode(self.clock.stamp(is_change=is_change))
        text = f"{text}&{stamp}" if text else stamp
        signature = hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
        return f"{text}&signature={signature}"

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def weight_of(path: str, query: Mapping[str, Any]) -> int:
    """Return what a question counts at the exchange."""
    if path.startswith(NO_WEIGHT):
        return 0
    if "symbol" not in query and path in EVERY_SYMBOL_WEIGHTS:
        return EVERY_SYMBOL_WEIGHTS[path]
    return WEIGHTS.get(path, 1)


def failure_words(error: BaseException) -> str:
    """Return why there is no answer, in words and without a full stop."""
    if isinstance(error, ExchangeError):
        late = ": it came late, or a clock was set" if error.code == WRONG_TIME else ""
        return f"{one_line(error).rstrip('.')}{late}"
    if isinstance(error, TimeoutError):  # before the others: some of them are both
        return "there was no answer in time"
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ServerDisconnectedError):
        return "the connection broke off"
    if isinstance(error, aiohttp.ClientResponseError):
        return "the answer is no HTTP"
    if isinstance(error, OSError):
        return "there is no connection"
    return one_line(error)


def wait_told(status: int, headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds an answer asks to wait, if it does."""
    if status not in SLOWER:
        return None
    for name, value in headers.items():
        if name.lower() == "retry-after" and value.strip().isdecimal():
            return float(value.strip()[:9])
    return None


def _error(status: int, answer: Any, wait: float) -> ExchangeError:
    code, message = None, "no JSON"
    if isinstance(answer, dict):
        code, message = answer.get("code"), str(answer.get("msg"))[:MOST_LETTERS]
    if not isinstance(code, int):
        return ExchangeError(None, f"HTTP status {status}: {message}", status, wait)
    return ExchangeError(code, f"HTTP status {status}: {code} {message}", status, wait)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > MOST_BYTES:
            raise NonsenseError(f"The exchange answers with more than {MOST_BYTES:,} bytes.")
        parts.append(part)
    return b"".join(parts)


def read_json(body: bytes) -> Any:
    """Return the JSON of a body; ``None`` when it is something else, or has numbers like NaN."""
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _no_number(name: str) -> None:
    raise ValueError(name)


async def get_once(url: str, path: str) -> tuple[int, Any]:
    """
    Return status and JSON body of the answer to an unsigned request on a connection of its own.

    ``None`` stands for a body that is something else.

    Raises
    ------
    NodeExit
        With code 75 when nothing answers in time.

    """
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{url}{path}", allow_redirects=False) as response,
        ):
            try:
                return response.status, read_json(await _body(response))
            except ExchangeError:
                return response.status, None
    except TimeoutError:
        raise NodeExit(
            ExitCode.AWAY, f"The exchange at {url} did not answer within {ANSWER_SECONDS:.0f} s."
        ) from None
    except aiohttp.ClientConnectionError as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise NodeExit(ExitCode.AWAY, f"The exchange at {url} is away: {reason}.") from None
    except aiohttp.ClientError:  # an answer that is no HTTP
        return 0, None

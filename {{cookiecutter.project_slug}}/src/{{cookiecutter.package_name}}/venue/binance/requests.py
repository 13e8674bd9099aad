"""
Requests to the exchange, plain or signed, over HTTP; no engine is in here.

Source: USD-M Futures, General Info: "SIGNED Endpoint Security", HMAC keys.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp

from ...config.settings import Settings
from ...exit_codes import ExitCode, NodeExit

ANSWER_SECONDS = 5.0
RECEIVE_WINDOW_MS = 5_000
"""How long after its signature the exchange accepts a request (USD-M Futures, ``recvWindow``)."""
OK = 200


class ExchangeError(Exception):
    """
    The exchange has answered with an error, or with something that cannot be read.

    Parameters
    ----------
    code : int, optional
        The exchange's own code (USD-M Futures, Error Codes); ``None`` when it gave none.
    message : str
        What it said.

    """

    def __init__(self, code: int | None, message: str) -> None:
        super().__init__(message)
        self.code = code


class Requests:
    """
    Signed requests of one account; the connection stays open between them.

    Parameters
    ----------
    settings : Settings
        The exchange's address, the key and the secret.

    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.exchange_http_url
        self._key = settings.api_key
        self._secret = settings.api_secret.get_secret_value().encode()
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, query: Mapping[str, Any], *, sign: bool = True) -> Any:
        """
        Return the JSON of an answer.

        Raises
        ------
        ExchangeError
            If the answer is an error, or is not JSON.
        OSError, TimeoutError, aiohttp.ClientError
            If there is no answer.

        """
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)
            )
        text = urlencode(query)
        headers = {}
        if sign:
            text = self._signed(text)
            headers["X-MBX-APIKEY"] = self._key
        url = f"{self._url}{path}?{text}"
        async with self._session.get(url, headers=headers, allow_redirects=False) as response:
            try:
                answer = await response.json(content_type=None)
            except ValueError:
                answer = None
            if response.status != OK or answer is None:
                code = answer.get("code") if isinstance(answer, dict) else None
                message = answer.get("msg") if isinstance(answer, dict) else "no JSON"
                raise ExchangeError(
                    code if isinstance(code, int) else None,
                    f"HTTP status {response.status}: {code} {message}",
                )
            return answer

    def _signed(self, text: str) -> str:
        stamp = urlencode({"recvWindow": RECEIVE_WINDOW_MS, "timestamp": int(time.time() * 1000)})
        text = f"{text}&{stamp}" if text else stamp
        signature = hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
        return f"{text}&signature={signature}"

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None


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
            status = response.status
            try:
                return status, await response.json()
            except (aiohttp.ContentTypeError, ValueError):
                return status, None
    except TimeoutError:
        raise NodeExit(
            ExitCode.AWAY, f"The exchange at {url} did not answer within {ANSWER_SECONDS:.0f} s."
        ) from None
    except aiohttp.ClientConnectionError as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise NodeExit(ExitCode.AWAY, f"The exchange at {url} is away: {reason}.") from None
    except aiohttp.ClientError:  # an answer that is no HTTP
        return 0, None

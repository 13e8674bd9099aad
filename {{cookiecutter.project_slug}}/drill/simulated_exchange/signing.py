"""Who may ask: API key, signature and receive window, as the real exchange checks them.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info,
"Endpoint Security Type" and "SIGNED Endpoint Security".
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import ExchangeError, missing

DEFAULT_WINDOW_MS = 5_000
LONGEST_WINDOW_MS = 60_000
AHEAD_MS = 1_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one key that this exchange knows."""

    key: str
    secret: str

    def check_key(self, headers: Mapping[str, str]) -> None:
        """Refuse a request without the right API key."""
        key = headers.get("X-MBX-APIKEY", "")
        if not key:
            raise ExchangeError(-2014, status=401)
        if not hmac.compare_digest(key.encode(), self.key.encode()):
            raise ExchangeError(-2015, status=401)

    def check_signature(
        self, query: str, body: str, parameters: Mapping[str, str], wall_ms: int
    ) -> None:
        """Refuse a request whose signature or time does not hold.

        Parameters
        ----------
        query, body : str
            As they came over the wire. The signature covers both, without itself.
        parameters : Mapping[str, str]
            What they say.
        wall_ms : int
            The time of the exchange's clock.
        """
        for name in ("timestamp", "signature"):
            if not parameters.get(name):
                raise missing(name)
        signed = "".join(_without_signature(part) for part in (query, body))
        expected = hmac.new(self.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), parameters["signature"].lower().encode()):
            raise ExchangeError(-1022)
        try:
            stamp = int(parameters["timestamp"])
            window = int(parameters.get("recvWindow") or DEFAULT_WINDOW_MS)
        except ValueError:
            raise missing("timestamp") from None
        if window > LONGEST_WINDOW_MS:
            raise ExchangeError(-1131)
        if stamp >= wall_ms + AHEAD_MS:
            msg = f"Timestamp for this request was {AHEAD_MS}ms ahead of the server's time."
            raise ExchangeError(-1021, msg)
        if wall_ms - stamp > window:
            raise ExchangeError(-1021)


def _without_signature(part: str) -> str:
    return "&".join(pair for pair in part.split("&") if not pair.startswith("signature="))

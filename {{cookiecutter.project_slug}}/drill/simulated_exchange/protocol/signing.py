"""Who may ask: API key, signature and receive window, as the real exchange checks them.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info,
"Endpoint Security Type" and "SIGNED Endpoint Security". Not documented: the order of the checks
(here key, then signature, then time), what a signature that is not the last parameter comes to
(here it counts), and the longest window, which is known of the exchange's other markets.
"""

import base64
import contextlib
import hashlib
import hmac
from dataclasses import dataclass

from ..clock import wall_ms
from ..errors import ExchangeError, missing
from .ed25519 import KEY_BYTES, holds
from .parameters import Parameters

DEFAULT_WINDOW_MS = 5_000
LONGEST_WINDOW_MS = 60_000
AHEAD_MS = 1_000
PEM_HEAD = bytes.fromhex("302a300506032b6570032100")
"""What says that the 32 bytes behind it are an Ed25519 public key (RFC 8410)."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key of the account: a HMAC one, or with a public key an Ed25519 one."""

    key: str
    secret: str
    public_key: bytes | None = None

    def check_logon(self) -> None:
        """Refuse to log a connection on by a HMAC key: only Ed25519 keys can."""
        if self.public_key is None:
            raise ExchangeError(-4056)

    def check_request(self, signed: str | None, p: Parameters) -> None:
        """Refuse a request whose signature or time does not hold.

        The signature covers that text, which is what came over the wire without the signature
        itself. Without a text none is needed.
        """
        stamp = p.integer("timestamp")
        if signed is not None:
            p.required("signature")
        if not stamp:
            raise missing("timestamp")
        if signed is not None and not self._is_signed(signed, p["signature"]):
            raise ExchangeError(-1022)
        window = p.integer("recvWindow") or DEFAULT_WINDOW_MS
        if window > LONGEST_WINDOW_MS:
            raise ExchangeError(-1131)
        if stamp >= wall_ms() + AHEAD_MS:
            msg = f"Timestamp for this request was {AHEAD_MS}ms ahead of the server's time."
            raise ExchangeError(-1021, msg)
        if wall_ms() - stamp > window:
            raise ExchangeError(-1021)

    def _is_signed(self, text: str, signature: str) -> bool:
        if self.public_key is None:
            expected = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
            return hmac.compare_digest(expected.encode(), signature.lower().encode())
        with contextlib.suppress(ValueError):
            return holds(self.public_key, text.encode(), base64.b64decode(signature, validate=True))
        return False


class Keys:
    """The keys of the account: what it began with, and what was made and taken away since.

    They are not kept: an exchange that starts again knows the one that it is started with.
    """

    def __init__(self, first: Credentials) -> None:
        self._known = {first.key: first}

    def of(self, key: str) -> Credentials:
        """Return what a key is; refuse one that is unknown, or none."""
        if not key:
            raise ExchangeError(-2014, status=401)
        for each in self._known.values():
            if hmac.compare_digest(key.encode(), each.key.encode()):
                return each
        raise ExchangeError(-2015, status=401)

    def make(self, key: str, secret: str) -> None:
        """Make one more key, or give one another secret."""
        self._known[key] = Credentials(key, secret)

    def take_away(self, key: str) -> bool:
        """Take a key away; return whether there was one."""
        return self._known.pop(key, None) is not None

    @property
    def names(self) -> list[str]:
        """The keys that are accepted."""
        return list(self._known)


def read_public_key(pem: str) -> bytes:
    """Read an Ed25519 public key from the text of a PEM file; a ValueError says that it is none."""
    written = "".join(line for line in pem.split("\n") if line and not line.startswith("-----"))
    content = base64.b64decode(written, validate=True)
    if not pem.startswith("-----BEGIN PUBLIC KEY-----") or content[:-KEY_BYTES] != PEM_HEAD:
        raise ValueError
    return content[-KEY_BYTES:]


def signed_text(part: str) -> str:
    """Return query or body without the signature: what the signature covers."""
    return "&".join(pair for pair in part.split("&") if not pair.startswith("signature="))


def sorted_text(p: Parameters) -> str:
    """Return what the signature covers on the WebSocket API: all others, sorted by name."""
    return "&".join(f"{name}={p[name]}" for name in sorted(p) if name != "signature")

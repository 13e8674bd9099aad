"""Sign requests by hand, as any program that has the simulated account's key."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import urlencode

KEY, SECRET = "simulated-key", "simulated-secret"
HEADERS: Mapping[str, str] = {"X-MBX-APIKEY": KEY}


def signature(text: str, secret: str = SECRET) -> str:
    """Return the signature of a query, a body or both, as they are sent."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def signed(parameters: Mapping[str, object], secret: str = SECRET) -> str:
    """Return the query of these parameters with the time, unless they have one, and signature."""
    now = {} if "timestamp" in parameters else {"timestamp": time.time_ns() // 1_000_000}
    query = urlencode({**parameters, **now})
    return f"{query}&signature={signature(query, secret)}"

"""
What the exchange refuses for good, and what a person has to do about it.

Source: USD-M Futures, Error Codes, and General Info: HTTP status codes.
"""

from ...config.complaints import PREFIX
from ...exit_codes import ExitCode, NodeExit
from .requests import ExchangeError

_KEY = (
    "The exchange refuses the key ({error}): correct "
    f"{PREFIX}API_KEY, and at the exchange allow this key futures and this machine's address."
)
_SENTENCES = {
    -1002: _KEY,
    -2014: _KEY,
    -2015: _KEY,
    -1022: (
        "The exchange refuses the signature ({error}): "
        f"{PREFIX}API_SECRET does not belong to {PREFIX}API_KEY; correct it."
    ),
    -4061: (
        "The account is in hedge mode ({error}), and this node trades in one-way mode: change the "
        "position mode at the exchange."
    ),
}
"""
By the exchange's code. No restart mends what stands here. A refused time (-1021) is not among them:
the request may have been slow, and a clock that is wrong is found by asking for the exchange's.
"""
_STATUSES = {
    401: _KEY,
    451: "The exchange does not serve this machine's place ({error}); run the node elsewhere.",
}


def refusal_of(error: ExchangeError) -> NodeExit | None:
    """Return how the process ends when no restart mends `error`, else ``None``."""
    sentence = _SENTENCES.get(error.code or 0) or _STATUSES.get(error.status)
    if sentence is None:
        return None
    return NodeExit(ExitCode.CONFIGURATION, sentence.format(error=str(error).rstrip(".")))

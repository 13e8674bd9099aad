"""
What a refused order means: whether it may pass, which watch looks at once, what a person can do.

Pure. Source: USD-M Futures, Error Codes.
"""

import re
from dataclasses import dataclass

ACCOUNT, CLOCK, SYMBOLS = "account", "clock", "symbols"
"""The names of the watches that refusals wake."""
_CODE = re.compile(r"-\d{4}\b")
_ADAPTERS_WORDS = re.compile(
    r"\{'code': (?P<code>-\d+), 'msg': (?P<quote>['\"])(?P<message>.*)(?P=quote)\}"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    What is made of one kind of refusal.

    Parameters
    ----------
    passes : bool
        A single one is nothing to worry about, even of a stop: the next bar is another case.
    waits : bool
        Refused again and again, opening waits longer each time; else each bar is another case.
    lasts : bool
        The next bar is the same case: the longest wait begins at once.
    watch : str
        The watch that has to look at once; empty for none.
    advice : str
        What a person can do, in one sentence; empty when there is nothing.

    """

    passes: bool = False
    waits: bool = True
    lasts: bool = False
    watch: str = ""
    advice: str = ""


UNKNOWN = Refusal()
"""A refusal by another code, or by the engine itself before anything was sent."""
_KEY = Refusal(watch=ACCOUNT, advice="Look at the key and its rights at the exchange.")
_STATUS = Refusal(watch=SYMBOLS)
_SIZE = Refusal(lasts=True, advice="Correct the quantity, and start again.")
_RULES = Refusal(
    lasts=True,
    advice="The exchange's rules for the symbol have changed: a new start reads them.",
)
_BAND = Refusal(
    advice="The last price is far from the mark price: such orders are taken again once it is not.",
)
_REFUSALS = {
    # The time of the request.
    -1021: Refusal(passes=True, watch=CLOCK),
    # The key, and the signature.
    -1002: _KEY,
    -1022: _KEY,
    -2014: _KEY,
    -2015: _KEY,
    # The form of price and quantity.
    -1111: _RULES,
    -4014: _RULES,
    -4023: _RULES,
    # Their size.
    -4003: _SIZE,
    -4004: _SIZE,
    -4005: _SIZE,
    -4164: Refusal(advice="The order is worth too little: trade a larger quantity."),
    # What the account has.
    -2018: Refusal(watch=ACCOUNT, advice="Add margin, or trade a smaller quantity."),
    -2019: Refusal(watch=ACCOUNT, advice="Add margin, or trade a smaller quantity."),
    -2027: Refusal(advice="Lower the leverage, or trade a smaller quantity."),
    -2028: Refusal(advice="Lower the leverage, or add margin."),
    -4045: Refusal(advice="Cancel stop orders that are not wanted any more."),
    # What has happened meanwhile.
    -2021: Refusal(passes=True),
    -2022: Refusal(passes=True, watch=ACCOUNT),
    -4118: Refusal(passes=True, watch=ACCOUNT),
    -5022: Refusal(
        passes=True,
        waits=False,
        advice="The market was beyond their price, where a post-only order cannot rest.",
    ),
    # Where the market is, measured from the mark price.
    -4016: _BAND,
    -4024: _BAND,
    -4131: _BAND,
    # The symbol.
    -1121: _STATUS,
    -4108: _STATUS,
    -4140: _STATUS,
}


def refusal_for(reason: str) -> Refusal:
    """Return what the reason of a refused order means, by the exchange's code in it."""
    found = _CODE.search(reason)
    return _REFUSALS.get(int(found[0]), UNKNOWN) if found else UNKNOWN


def known_code(reason: str) -> str:
    """Return the exchange's code in a reason, when it is one that is known; else an empty text."""
    found = _CODE.search(reason)
    return found[0] if found and int(found[0]) in _REFUSALS else ""


def words_of(reason: str) -> str:
    """Return a reason in the exchange's own words and without a full stop."""
    found = _ADAPTERS_WORDS.fullmatch(reason)
    return (f"{found['code']} {found['message']}" if found else reason).rstrip(".")

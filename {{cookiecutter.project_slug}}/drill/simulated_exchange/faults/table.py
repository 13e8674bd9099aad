"""Which faults there are, and what options each takes. Pure."""

import contextlib
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ..errors import TEXTS
from ..market.funding import HIGHEST_RATE

REQUEST_KEYS = ("request", "leg", "symbol", "client_order_id")
EVENT_KEYS = ("event", "execution", "status", "symbol", "client_order_id")
BAR_KEYS = ("symbol",)
MATCH_KEYS = tuple(dict.fromkeys(REQUEST_KEYS + EVENT_KEYS))
"""What requests, events, bars and any of them can be matched by."""

LEGS = ("entry", "exit", "stop", "take_profit")
EVENTS = (
    "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ALGO_UPDATE", "ACCOUNT_CONFIG_UPDATE",
    "listenKeyExpired",
)  # fmt: skip
REQUEST_PHASES = ("received", "processed", "answered")
EVENT_PHASES = ("before", "after")
STREAMS = ("user", "market", "api")
TYPES = ("MARKET", "LIMIT", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET")
LONGEST_DELAY_SECONDS = 600
MOST_TIMES = 1_000_000
MOST_NUMBER = 1_000_000_000
LONGEST_TEXT = 200

Read = Callable[[Any], Any]
"""Takes what JSON holds and returns the option; a ValueError ends "<name> has to be …"."""


class Option:
    """One option of a fault: how it is read, and what it is when it is not given."""

    def __init__(self, read: Read, default: Any = None, *, needed: bool = False) -> None:
        self.read = read
        self.default = default
        self.needed = needed


def _word(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT:
        raise ValueError(f"text of 1 to {LONGEST_TEXT} characters")
    return value


def _one_of(*words: str) -> Read:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return str(value)

    return read


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _whole(least: int, most: int) -> Read:
    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return value

    return read


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= LONGEST_DELAY_SECONDS:
        raise ValueError(f"a number of seconds up to {LONGEST_DELAY_SECONDS}")
    return float(value)


def _over_zero(value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
        number = number if number.is_finite() else Decimal(0)
    except InvalidOperation:
        number = Decimal(0)
    if not 0 < number <= MOST_NUMBER:
        raise ValueError(f"a number over zero, at most {MOST_NUMBER}")
    return number


def _rate(value: Any) -> Decimal:
    with contextlib.suppress(InvalidOperation):
        number = Decimal(str(value))
        if number.is_finite() and 0 < abs(number) <= HIGHEST_RATE:
            return number
    raise ValueError(f"a number but zero, at most {HIGHEST_RATE} either way")


def _match(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or value.keys() - set(MATCH_KEYS):
        raise ValueError(f"an object with any of {', '.join(MATCH_KEYS)}")
    return {key: _word(wanted) for key, wanted in value.items()}


def _code(value: Any) -> int | None:
    return None if value is None else int(_whole(-9_999, -1)(value))


MATCH = Option(_match, {})
NTH = TIMES = Option(_whole(1, MOST_TIMES), 1)
PHASE = Option(_one_of(*REQUEST_PHASES, *EVENT_PHASES), needed=True)
STREAM = Option(_one_of(*STREAMS))
SYMBOL = Option(_word, needed=True)
NUMBER = Option(_over_zero, needed=True)
MET = {"match": MATCH, "nth": NTH, "times": TIMES}

FAULTS: dict[str, dict[str, Option]] = {
    # A request, an event or the end of a bar that is met
    "gate": {"match": MATCH, "nth": NTH, "phase": PHASE, "late": Option(_flag, False)},
    "delay": {**MET, "phase": PHASE, "seconds": Option(_seconds, needed=True)},
    "fail": {
        **MET, "status": Option(_whole(400, 599), 503), "code": Option(_code, -1001),
        "message": Option(_word), "processed": Option(_flag, False),
    },
    "lose_ack": MET,
    "stale": MET,
    "lose_event": MET,
    "duplicate_event": MET,
    "reorder_event": MET,
    "odd_bar": {**MET, "factor": Option(_over_zero, Decimal(10))},
    "correct_bar": {
        **MET, "factor": Option(_over_zero, Decimal("1.01")), "seconds": Option(_seconds, 0.0),
    },
    "late_bar": {**MET, "seconds": Option(_seconds, needed=True)},
    # Sockets and the listen key
    "drop_sockets": {"stream": STREAM},
    "half_open": {"stream": STREAM},
    "expire_listen_key": {},
    # The market
    "reach": {"symbol": SYMBOL, "price": NUMBER},
    "wick": {"symbol": SYMBOL, "price": NUMBER},
    "thin": {"symbol": SYMBOL, "quantity": NUMBER},
    "settle": {"symbol": SYMBOL},
    "mark": {"symbol": SYMBOL, "price": NUMBER},
    "funding": {"symbol": SYMBOL, "rate": Option(_rate, needed=True)},
    # What the owner of the account does elsewhere, and what the exchange does to him
    "cancel": {"client_order_id": Option(_word), "symbol": Option(_word)},
    "close": {"symbol": SYMBOL},
    "order": {
        "symbol": SYMBOL, "side": Option(_one_of("BUY", "SELL"), needed=True),
        "type": Option(_one_of(*TYPES), "MARKET"), "quantity": NUMBER,
        "price": Option(_over_zero), "trigger_price": Option(_over_zero),
    },
    "liquidate": {"symbol": SYMBOL},
    "reduce": {"symbol": SYMBOL, "quantity": NUMBER},
}  # fmt: skip
REQUEST_FAULTS = (*REQUEST_PHASES, "fail", "lose_ack", "stale")
EVENT_FAULTS = (*EVENT_PHASES, "lose_event", "duplicate_event", "reorder_event")
BAR_FAULTS = ("odd_bar", "correct_bar", "late_bar")
"""What a request, an event or a bar can meet: a phase that holds it, or the name of a fault."""
THINGS = {
    **dict.fromkeys(EVENT_FAULTS, ("Events", EVENT_KEYS)),
    **dict.fromkeys(BAR_FAULTS, ("Bars", BAR_KEYS)),
}


def read_options(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options of a fault; a ValueError says in a sentence which is wrong and why."""
    takes = FAULTS[name]
    if unknown := given.keys() - takes.keys():
        known = f"takes {', '.join(takes)}" if takes else "takes no options"
        raise ValueError(f"{name} {known}, but not {', '.join(sorted(unknown))}.")
    options = {}
    for key, option in takes.items():
        if key not in given:
            if option.needed:
                raise ValueError(f"{name} needs {key}.")
            options[key] = option.default
            continue
        try:
            options[key] = option.read(given[key])
        except ValueError as error:
            raise ValueError(f"{key} has to be {error}.") from None
    code = options.get("code")
    if code is not None and code not in TEXTS and options["message"] is None:
        raise ValueError(f"The text of code {code} is not known here: give a message.")
    return options


def check_match(phase: str, match: Mapping[str, str], words: Mapping[str, Collection[str]]) -> None:
    """Refuse what can never be met, with a ValueError; `words` are those of requests and symbols.

    A fault that waits for a misspelled word would stay silent, and a drill would call that held.
    """
    things, keys = THINGS.get(phase, ("Requests", REQUEST_KEYS))
    if unmet := match.keys() - set(keys):
        msg = f"{things} have no {', '.join(sorted(unmet))} to match: use {', '.join(keys)}."
        raise ValueError(msg)
    for key, known in {"leg": LEGS, "event": EVENTS, **words}.items():
        if key in match and match[key] not in known:
            raise ValueError(f"There is no {key} {match[key]!r}: use one of {', '.join(known)}.")

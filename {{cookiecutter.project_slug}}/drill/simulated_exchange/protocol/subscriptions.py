"""What one connection listens to, and the commands that change it. Pure.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures,
"Live Subscribing/Unsubscribing to streams", with its table of error messages. It says that ids are
unsigned integers; the official client libraries send texts, so these are taken, too, and null.
"""

import json
from collections.abc import Iterable
from typing import Any

RequestId = int | str | None

MOST_STREAMS = 1_024
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")


class CommandError(Exception):
    """A command that cannot be obeyed, with the exchange's own code."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


class Subscriptions:
    """The streams of one connection; a combined one wraps each message with its stream."""

    def __init__(self, names: Iterable[str], *, combined: bool) -> None:
        self.streams: dict[str, None] = {}
        self.combined = combined
        self.add(names)

    def add(self, names: Iterable[str]) -> list[str]:
        """Add streams, also unknown ones as on the real exchange; return those asked for."""
        asked = list(names)
        if len(self.streams.keys() | set(asked)) > MOST_STREAMS:
            raise CommandError(2, "Invalid request: too many parameters")
        self.streams.update(dict.fromkeys(asked))
        return asked

    def obey(self, text: str) -> tuple[dict[str, Any], list[str]]:
        """Obey one command; return the answer to it, and the streams that were asked for."""
        told: dict[str, RequestId] = {}
        joined: list[str] = []
        result: Any = None
        try:
            message = _parsed(text)
            told = {"id": _request_id(message)}
            method, params = message["method"], message.get("params") or []
            if method in ("SET_PROPERTY", "GET_PROPERTY"):
                result = self._property(method, params)
            elif not isinstance(params, list) or not all(isinstance(p, str) for p in params):
                raise CommandError(2, "Invalid request: property name must be a string")
            elif method == "SUBSCRIBE":
                joined = self.add(params)
            elif method == "UNSUBSCRIBE":
                for name in params:
                    self.streams.pop(name, None)
            else:
                result = list(self.streams)
        except CommandError as error:
            refusal = {"error": {"code": error.code, "msg": str(error)}}
            return {**refusal, **told}, []
        return {"result": result, **told}, joined

    def _property(self, method: str, params: Any) -> bool | None:
        """Set or tell the one property that there is."""
        if not isinstance(params, list) or params[:1] != ["combined"]:
            raise CommandError(0, "Unknown property")
        if method == "GET_PROPERTY":
            return self.combined
        if len(params) != 2 or not isinstance(params[1], bool):
            raise CommandError(1, "Invalid value type: expected Boolean")
        self.combined = params[1]
        return None


def _parsed(text: str) -> dict[str, Any]:
    """Read a command: an object with a known method."""
    try:
        message = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise CommandError(3, f"Invalid JSON: expected value at {where}") from None
    except (RecursionError, ValueError):  # nested too deep, or a number too long
        raise CommandError(3, "Invalid JSON: recursion limit exceeded") from None
    where = f"at line 1 column {len(text)}"
    if not isinstance(message, dict) or "method" not in message:
        raise CommandError(2, f"Invalid request: missing field method {where}")
    if message["method"] not in METHODS:
        known = f"unknown variant {message['method']}, expected one of {', '.join(METHODS)}"
        raise CommandError(2, f"Invalid request: {known} {where}")
    return message


def _request_id(message: dict[str, Any]) -> RequestId:
    """Return the id of a command; clients give a number, a text or null, and get it back."""
    given = message.get("id", False)
    number = type(given) is int and given >= 0
    if not (number or given is None or isinstance(given, str)):
        raise CommandError(2, "Invalid request: request ID must be an unsigned integer")
    return given  # type: ignore[no-any-return]  # one of these by now

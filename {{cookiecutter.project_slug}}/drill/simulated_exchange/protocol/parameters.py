"""Read the parameters of a request, or refuse them in the exchange's words."""

import contextlib
import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from ..errors import ExchangeError, invalid, missing

DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
WHOLE = re.compile(r"-?[0-9]{1,18}")


class Parameters(dict[str, str]):
    """The parameters of one request; an empty one counts as absent."""

    @classmethod
    def parse(cls, query: str, body: str) -> "Parameters":
        """Read query string and form body; what is in both counts as in the query string."""
        return cls(pair for part in (body, query) for pair in parse_qsl(part))

    def required(self, name: str) -> str:
        """Return a parameter that has to be there."""
        value = self.get(name)
        if not value:
            raise missing(name)
        return value

    def decimal(self, name: str) -> Decimal:
        """Return a decimal that has to be there."""
        value = self.required(name)
        if not DECIMAL.fullmatch(value):
            raise missing(name)
        return Decimal(value)

    def integer(self, name: str) -> int | None:
        """Return a whole number, or None when it was not sent."""
        value = self.get(name)
        if not value:
            return None
        if not WHOLE.fullmatch(value):
            raise missing(name)
        return int(value)

    def limit(self, default: int, highest: int) -> int:
        """Return how many rows are wanted."""
        wanted = self.integer("limit")
        if wanted is not None and not 1 <= wanted <= highest:
            raise invalid("limit")
        return wanted or default

    def flag(self, name: str) -> bool:
        """Return a boolean; clients write it in any case."""
        value = self.get(name, "false").lower()
        if value not in ("true", "false"):
            raise missing(name)
        return value == "true"

    def one_of(self, name: str, allowed: Iterable[str], code: int, default: str = "") -> str:
        """Return a word of a list; without a default it has to be there."""
        value = self.get(name) or default or self.required(name)
        if value not in allowed:
            raise ExchangeError(code)
        return value

    def side(self) -> str:
        """Return the side of an order; positions have none in one-way mode."""
        if self.get("positionSide", "BOTH") != "BOTH":
            raise ExchangeError(-4061)
        return self.one_of("side", ("BUY", "SELL"), -1117)

    def client_id(self, name: str) -> str:
        """Return the client's name for an order, or nothing."""
        value = self.get(name, "")
        if value and not re.fullmatch(r"[.A-Z:/a-z0-9_-]{1,36}", value):
            raise ExchangeError(-4015)
        return value

    def refuse(self, *names: str) -> None:
        """Refuse parameters that do not belong to this request, or are not supported."""
        unwanted = [name for name in names if self.get(name, "false").lower() != "false"]
        if self.get("priceMatch", "NONE") != "NONE":
            unwanted.append("priceMatch")
        if unwanted:
            raise ExchangeError(-1106, f"Parameter '{unwanted[0]}' sent when not required.")

    def listed(self, name: str) -> list[Any]:
        """Return a JSON list, which is empty when it was not sent."""
        with contextlib.suppress(ValueError, RecursionError):
            values = json.loads(self.get(name) or "[]")
            if isinstance(values, list):
                return values
        raise missing(name)

    def each(self, name: str, most: int) -> list["Parameters"]:
        """Return the parameters of each order in a JSON list of them."""
        rows = self.listed(name)
        if not 0 < len(rows) <= most:
            raise ExchangeError(-4082)
        if not all(isinstance(row, dict) for row in rows):
            raise missing(name)
        return [
            Parameters({key: str(value) for key, value in row.items() if value is not None})
            for row in rows
        ]

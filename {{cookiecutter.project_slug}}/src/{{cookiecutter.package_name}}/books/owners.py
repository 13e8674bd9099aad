"""Whose a fill is: its order's client order id says so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..plan.order_ids import owner_of, parse

ANOTHER_HAND = "another hand"
"""A person on the web page, or a program that is none of ours."""
LIQUIDATION = "liquidation"
DELEVERAGING = "deleveraging"
SETTLEMENT = "settlement of the symbol"
FORGOTTEN = "order no longer told"
"""The exchange tells the fill, and no longer the order that it is of."""
NOT_LISTED = "not listed"
"""An id of our form by an owner who is not in strategies/ now: a former line, or another node."""
EXCHANGE_NAMES = (
    ("adl_autoclose", DELEVERAGING),
    ("settlement_autoclose", SETTLEMENT),
    ("autoclose-", LIQUIDATION),
)
"""How the exchange names its own orders (USD-M Futures, "Event: Order Update")."""
STRANGERS = (ANOTHER_HAND, LIQUIDATION, DELEVERAGING, SETTLEMENT, FORGOTTEN)
"""None of them can be a tag, which has at most 10 letters and no blank."""


@dataclass(frozen=True, slots=True)
class Owners:
    """
    The owners of what is traded now.

    Parameters
    ----------
    tags : Mapping[str, str]
        By owner, as `owner_of` makes it, the tag.

    """

    tags: Mapping[str, str]

    @classmethod
    def of(cls, trader_id: str, lines: Iterable[tuple[str, str]]) -> "Owners":
        """Return the owners of lines, each a tag and a symbol."""
        return cls({owner_of(trader_id, tag, symbol): tag for tag, symbol in lines})

    def who(self, client_order_id: str | None) -> str:
        """Return the tag of a strategy, or in words who else; ``None`` is an order forgotten."""
        if client_order_id is None:
            return FORGOTTEN
        owner, dash, _ = client_order_id.partition("-")
        if dash and owner in self.tags:
            return self.tags[owner]
        for beginning, name in EXCHANGE_NAMES:
            if client_order_id.startswith(beginning):
                return name
        if (parts := parse(client_order_id)) is not None:
            return f"{NOT_LISTED} ({parts.owner})"
        return ANOTHER_HAND

"""The keys of NautilusTrader 1.231.0."""

from collections.abc import Mapping

from ..mending.events import BadEvent, anything
from ..mending.store_format import KeysFormat
from ..stored import RawKey
from .encoding import CODEC

NAME = "nautilus-1"


class StoreFormatV1(KeysFormat):
    """
    The keys of one trader.

    Parameters
    ----------
    trader : str
        The trader's id.

    """

    def __init__(self, trader: str) -> None:
        super().__init__(trader, CODEC)

    @property
    def name(self) -> str:
        """What the store's marker calls it."""
        return NAME

    def foreign(self, keys: Mapping[str, RawKey]) -> str:
        """Return a sentence when all orders are another engine's, else an empty one."""
        seen = False
        for key, raw in keys.items():
            if key.startswith("orders:") and isinstance(raw.value, list) and raw.value:
                if not is_v2(raw.value[0]):
                    return ""
                seen = True
        if not seen:
            return ""
        return (
            f"The store's orders under {self.prefix} were written by NautilusTrader 2, and this "
            "node runs version 1"
        )


def is_v2(row: bytes) -> bool:
    """Return whether a stored event is one of NautilusTrader 2: a map with one name in it."""
    try:
        value = anything(row)
    except BadEvent:
        return False
    if not isinstance(value, dict) or len(value) != 1:
        return False
    [(name, inner)] = value.items()
    return isinstance(inner, dict) and str(inner.get("type")) == f"Order{name}"


store_format = StoreFormatV1

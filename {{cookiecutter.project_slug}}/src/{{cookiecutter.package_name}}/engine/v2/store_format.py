"""The keys of NautilusTrader 2.0.0rc7."""

from collections.abc import Mapping

from ..mending.events import BadEvent, anything
from ..mending.store_format import KeysFormat
from ..stored import RawKey
from .encoding import CODEC

NAME = "nautilus-2"


class StoreFormatV2(KeysFormat):
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
                if not is_v1(raw.value[0]):
                    return ""
                seen = True
        if not seen:
            return ""
        return (
            f"The store's orders under {self.prefix} were written by NautilusTrader 1, and this "
            "node runs version 2"
        )


def is_v1(row: bytes) -> bool:
    """Return whether a stored event is one of NautilusTrader 1: a map that says its own type."""
    try:
        value = anything(row)
    except BadEvent:
        return False
    return isinstance(value, dict) and str(value.get("type")).startswith("Order")


def store_format(trader: str) -> KeysFormat:
    """Return how the engine keeps a trader's orders in the store."""
    return StoreFormatV2(trader)

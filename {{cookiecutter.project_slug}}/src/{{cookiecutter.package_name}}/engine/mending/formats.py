"""The keys of each version that this package knows, whichever one it trades with."""

from collections.abc import Mapping
from typing import Any

from ..stored import RawKey
from .encoding_v1 import CODEC as CODEC_V1
from .encoding_v2 import CODEC as CODEC_V2
from .events import BadEvent, anything
from .store_format import KeysFormat


class StoreFormatV1(KeysFormat):
    """
    The keys of one trader, as NautilusTrader 1.231.0 writes them.

    Parameters
    ----------
    trader : str
        The trader's id.

    """

    name = "nautilus-1"

    def __init__(self, trader: str) -> None:
        super().__init__(trader, CODEC_V1)

    def foreign(self, keys: Mapping[str, RawKey]) -> str:
        """Return a sentence when all orders are another engine's, else an empty one."""
        if not _all_orders(keys, _is_v2):
            return ""
        return (
            f"The store's orders under {self.prefix} were written by NautilusTrader 2, and this "
            "node runs version 1"
        )


class StoreFormatV2(KeysFormat):
    """
    The keys of one trader, as NautilusTrader 2.0.0rc7 writes them.

    Parameters
    ----------
    trader : str
        The trader's id.

    """

    name = "nautilus-2"
    adopts_all = True

    def __init__(self, trader: str) -> None:
        super().__init__(trader, CODEC_V2)

    def foreign(self, keys: Mapping[str, RawKey]) -> str:
        """Return a sentence when all orders are another engine's, else an empty one."""
        if not _all_orders(keys, _is_v1):
            return ""
        return (
            f"The store's orders under {self.prefix} were written by NautilusTrader 1, and this "
            "node runs version 2"
        )


FORMATS: Mapping[str, type[StoreFormatV1] | type[StoreFormatV2]] = {
    "v1": StoreFormatV1,
    "v2": StoreFormatV2,
}
"""By the room of the engine that writes them."""


def _all_orders(keys: Mapping[str, RawKey], is_written: Any) -> bool:
    """Return whether there are orders, and each begins as `is_written` says."""
    first = [
        raw.value[0]
        for key, raw in keys.items()
        if key.startswith("orders:") and isinstance(raw.value, list) and raw.value
    ]
    return bool(first) and all(map(is_written, first))


def _is_v1(row: bytes) -> bool:
    """Return whether a stored event is a map that says its own type."""
    value = _value(row)
    return isinstance(value, dict) and str(value.get("type")).startswith("Order")


def _is_v2(row: bytes) -> bool:
    """Return whether a stored event is a map with one name in it."""
    value = _value(row)
    if not isinstance(value, dict) or len(value) != 1:
        return False
    [(name, inner)] = value.items()
    return isinstance(inner, dict) and str(inner.get("type")) == f"Order{name}"


def _value(row: bytes) -> Any:
    try:
        return anything(row)
    except BadEvent:
        return None

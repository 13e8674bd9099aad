"""Collects what is to be written for orders and positions, with the engine's indexes beside it."""

from collections import defaultdict
from collections.abc import Sequence

from ..stored import Plan, PutAside, Writes
from .stored_orders import CLOSED, StoredOrder

CLIENT = "BINANCE"
"""The adapter's name, which the engine stores beside each order that was sent by it."""
OPEN = frozenset({"ACCEPTED", "TRIGGERED", "PENDING_UPDATE", "PENDING_CANCEL", "PARTIALLY_FILLED"})
IN_FLIGHT = frozenset({"SUBMITTED", "PENDING_UPDATE", "PENDING_CANCEL"})


class PlanWriter:
    """A plan in the making."""

    def __init__(self, put_aside: Sequence[PutAside]) -> None:
        self.put_aside = list(put_aside)
        self._aside = {each.key for each in put_aside}
        self.mended: list[str] = []
        self.left: list[str] = []
        self.unexplained: list[str] = []
        self.cold: list[str] = []
        self.is_cold_for_good = False
        self.unknown: dict[str, bool] = {}
        self._lists: dict[str, list[bytes]] = {}
        self._strings: dict[str, bytes] = {}
        self._sets: dict[str, dict[str, bool]] = defaultdict(dict)
        self._hashes: dict[str, dict[str, str | None]] = defaultdict(dict)

    def set_aside(self, key: str, reason: str) -> None:
        """Put a key aside, once."""
        if key not in self._aside:
            self._aside.add(key)
            self.put_aside.append(PutAside(key, reason))

    def order(self, order: StoredOrder, position_id: str) -> None:
        """Write an order's events and where they stand in the index."""
        name, status = order.init.client_order_id, order.status
        self._lists[f"orders:{name}"] = list(order.raw)
        for index, is_in in (
            ("orders", True),
            ("order_ids", order.number is not None),
            ("orders_open", status in OPEN),
            ("orders_closed", status in CLOSED),
            ("orders_inflight", status in IN_FLIGHT),
        ):
            self._sets[f"index:{index}"][name] = is_in
        self.client(name)
        if order.fills:
            self.place(name, position_id)

    def string(self, key: str, value: bytes) -> None:
        """Write a single value."""
        self._strings[key] = value

    def client(self, name: str) -> None:
        """Write which client an order was sent by."""
        self._hashes["index:order_client"][name] = CLIENT

    def place(self, name: str, position_id: str) -> None:
        """Write which position an order belongs to."""
        self._hashes["index:order_position"][name] = position_id

    def unplace(self, hash_name: str, name: str) -> None:
        """Remove an order from a hash of the index."""
        self._hashes[f"index:{hash_name}"][name] = None

    def forget_order(self, name: str) -> None:
        """Remove an order, and all that the index says of it."""
        self._lists[f"orders:{name}"] = []
        self.forget_indexes(name)

    def forget_indexes(self, name: str) -> None:
        """Remove all that the index says of an order."""
        for index in ("orders", "order_ids", "orders_open", "orders_closed", "orders_inflight"):
            self._sets[f"index:{index}"][name] = False
        for index in ("order_client", "order_position"):
            self.unplace(index, name)

    def position(self, name: str, raw: Sequence[bytes], *, is_open: bool) -> None:
        """Write a position's fills and where they stand in the index."""
        self._lists[f"positions:{name}"] = list(raw)
        self._sets["index:positions"][name] = bool(raw)
        self._sets["index:positions_open"][name] = is_open
        self._sets["index:positions_closed"][name] = bool(raw) and not is_open

    def account(self, name: str, raw: Sequence[bytes]) -> None:
        """Write the states of an account."""
        self._lists[f"accounts:{name}"] = list(raw)

    def plan(self) -> Plan:
        """Return the plan."""
        return Plan(
            writes=Writes(
                lists=self._lists,
                strings=self._strings,
                set_members={key: members for key, members in self._sets.items() if members},
                hash_fields={key: fields for key, fields in self._hashes.items() if fields},
            ),
            put_aside=tuple(self.put_aside),
            mended=(*self.mended, *self.left),
            unknown=self.unknown,
        )

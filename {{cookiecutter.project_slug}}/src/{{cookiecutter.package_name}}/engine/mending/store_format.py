"""
How NautilusTrader keeps its orders in the store, and how a mend puts them right.

It imports no engine: what the engine takes is written down here, and a test holds the two together.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...plan.order_ids import owner_of
from ...venue.records import ExchangeRecord
from ..stored import Owner, Plan, PutAside, RawKey
from .codec import Codec
from .event_pen import Maker
from .listed import currency_of, listed_instrument
from .mend_symbol import SymbolMend
from .plan_writes import PlanWriter
from .stored import HASHES, Stored, read

WATCH_MARK = "store-watch"
"""The general value that is the store watch's: each one takes the place of the one before."""
STRATEGY = "TargetStrategy"
"""The class name of the package's strategy, which stands in every stored owner."""
MOST_ACCOUNT_STATES = 2_000
"""With more states than this, an account is cut down to its newest."""
KEPT_ACCOUNT_STATES = 500
COLD_KINDS = ("orders:", "positions:", "accounts:", "index:")
"""What a cold start does without. Instruments, currencies and general values stay."""


class KeysFormat(ABC):
    """
    The keys of one trader, as far as every version keeps them alike.

    Parameters
    ----------
    trader : str
        The trader's id.
    codec : Codec
        How the engine writes.

    """

    name: str
    """What the store's marker calls it."""
    adopts_all = False
    """Whether the engine learns nothing of past orders by itself, so that the mend has to."""

    def __init__(self, trader: str, codec: Codec) -> None:
        self._trader = trader
        self.codec = codec

    @property
    def prefix(self) -> str:
        """What all keys of the trader begin with."""
        return f"trader-{self._trader}:"

    @abstractmethod
    def foreign(self, keys: Mapping[str, RawKey]) -> str:
        """Return a sentence when the keys are another engine's, else an empty one."""

    def read(self, keys: Mapping[str, RawKey]) -> Stored:
        """Return what the keys hold."""
        return read(keys, self._trader, self.codec)

    def cold(self, keys: Mapping[str, RawKey], reason: str) -> Plan:
        """Return what makes the next load a cold one: orders, positions and accounts put aside."""
        aside = [PutAside(key, reason) for key in sorted(keys) if key.startswith(COLD_KINDS)]
        aside += [each for each in self.read(keys).put_aside if _is_warm(each.key)]
        return Plan(put_aside=tuple(aside), cold=reason)

    def mend(
        self,
        keys: Mapping[str, RawKey],
        record: ExchangeRecord,
        owners: Sequence[Owner],
        now_ns: int,
    ) -> Plan:
        """Return what brings the store to what happened; see `StoreFormat.mend`."""
        stored = self.read(keys)
        pen = PlanWriter(stored.put_aside)
        self._mend_broken(stored, pen)
        has_any = stored.orders or stored.broken_orders or stored.positions
        if self.adopts_all or has_any or _has_broken(keys, stored):
            for owner in owners:
                if self.adopts_all:
                    self._adopt_instrument(stored, record, owner, pen)
                maker = self._maker(stored, owner, now_ns)
                SymbolMend(stored, record, owner.symbol, maker, pen).mend()
        self._mend_hashes(stored, pen)
        self._trim_accounts(stored, keys, pen)
        if pen.unexplained:
            return Plan(unexplained=tuple(pen.unexplained))
        if pen.cold:
            plan = self.cold(keys, "; ".join(pen.cold))
            return replace(plan, unknown=pen.unknown, is_cold_for_good=pen.is_cold_for_good)
        return pen.plan()

    def _maker(self, stored: Stored, owner: Owner, now_ns: int) -> Maker:
        instrument_id = f"{owner.symbol}-PERP.BINANCE"
        return Maker(
            trader=self._trader,
            strategy=f"{STRATEGY}-{owner.tag}",
            owner=owner_of(self._trader, owner.tag, owner.symbol),
            instrument_id=instrument_id,
            instrument=stored.instruments.get(instrument_id),
            account=next(iter(stored.accounts), self.codec.account),
            now_ns=now_ns,
            codec=self.codec,
        )

    def _adopt_instrument(
        self, stored: Stored, record: ExchangeRecord, owner: Owner, pen: PlanWriter
    ) -> None:
        """Write the contract of a symbol that has a past at the exchange and none in the store."""
        name = f"{owner.symbol}-PERP.BINANCE"
        has_past = owner.symbol in {
            *(each.symbol for each in record.orders),
            *(each.symbol for each in record.trades),
        }
        if name in stored.instruments or not has_past:
            return
        found = listed_instrument(record.listed, owner.symbol, name)
        if found is None:
            return
        stored.instruments[name] = found
        pen.string(f"instruments:{name}", self.codec.encoded_instrument(found))
        for code in (found.base_currency, found.quote_currency, found.settlement_currency):
            if code not in stored.currencies:
                stored.currencies[code] = currency_of(code)
                pen.string(
                    f"currencies:{code}",
                    self.codec.encoded_currency(code, stored.currencies[code]),
                )

    def _mend_broken(self, stored: Stored, pen: PlanWriter) -> None:
        """Forget what the index says of orders that are put aside; a mend writes it anew."""
        for name in stored.broken_orders:
            pen.forget_indexes(name)

    def _mend_hashes(self, stored: Stored, pen: PlanWriter) -> None:
        """Take out of the index what names no order, and write anew what could not be read."""
        plan = pen.plan()
        lists = plan.writes.lists
        aside = {each.key for each in plan.put_aside}
        there = {
            name
            for name in stored.orders
            if f"orders:{name}" not in aside and lists.get(f"orders:{name}", [b""])
        }
        there |= {key.removeprefix("orders:") for key, rows in lists.items() if rows}
        for name in HASHES:
            for order in stored.hashes.get(name, {}):
                if order not in there:
                    pen.unplace(name, order)
            if f"index:{name}" in aside:
                self._write_hash_anew(name, stored, there, pen)

    def _write_hash_anew(self, name: str, stored: Stored, there: set[str], pen: PlanWriter) -> None:
        for order_name in sorted(there & stored.orders.keys()):
            order = stored.orders[order_name]
            if name == "order_client":
                pen.client(order_name)
            elif order.fills and order.fills[-1].position_id:
                pen.place(order_name, order.fills[-1].position_id)

    def _trim_accounts(self, stored: Stored, keys: Mapping[str, RawKey], pen: PlanWriter) -> None:
        for name, states in stored.accounts.items():
            count = len(states) + keys[f"accounts:{name}"].left_out
            if count > MOST_ACCOUNT_STATES:
                kept = states[-KEPT_ACCOUNT_STATES:]
                pen.account(name, [self.codec.encoded_state(state) for state in kept])
                pen.mended.append(
                    f"The account {name} had {count:,} past states; the newest {len(kept)} stay."
                )


def _has_broken(keys: Mapping[str, RawKey], stored: Stored) -> bool:
    return any(each.key.startswith("positions:") for each in stored.put_aside)


def _is_warm(key: str) -> bool:
    return not key.startswith(COLD_KINDS)

"""
What an engine's store holds, as raw keys, and what a mend would write into it.

Reading and writing knows no engine, and an engine's format knows no store: this is what the two
hand each other. A format is a module in an engine's folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..venue.records import ExchangeRecord

type RawValue = bytes | list[bytes] | set[bytes] | dict[bytes, bytes] | None


@dataclass(frozen=True, slots=True)
class RawKey:
    """
    One key as the store holds it.

    Parameters
    ----------
    kind : str
        The store's name of its type: ``list``, ``string``, ``set``, ``hash`` or another.
    value : RawValue
        What it holds; ``None`` when it has not been read.
    left_out : int
        Of a long list, how many entries besides those of `value` have not been read: older ones of
        an account, later ones of anything else.
    fault : str
        Why it has not been read, in a sentence; empty when it has, or when nobody reads its kind.

    """

    kind: str
    value: RawValue
    left_out: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """
    Who owns what is traded on a symbol.

    Parameters
    ----------
    symbol : str
        As the exchange writes it.
    tag : str
        The tag of its line in ``strategies/``.

    """

    symbol: str
    tag: str


@dataclass(frozen=True, slots=True)
class PutAside:
    """A key that leaves the engine's space, and why, in a sentence."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Writes:
    """
    What is written, each key once; what is not named stays as it is.

    Parameters
    ----------
    lists : Mapping[str, Sequence[bytes]]
        The whole new list of a key; without entries the key goes.
    strings : Mapping[str, bytes]
        The new value of a key.
    set_members : Mapping[str, Mapping[str, bool]]
        Of a set, which members must be in it and which must not.
    hash_fields : Mapping[str, Mapping[str, str | None]]
        Of a hash, the new value of each field; ``None`` removes it.

    """

    lists: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    strings: Mapping[str, bytes] = field(default_factory=dict)
    set_members: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    hash_fields: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)

    def keys(self) -> set[str]:
        """Return every key that is written."""
        return {*self.lists, *self.strings, *self.set_members, *self.hash_fields}


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What brings a store to what happened at the exchange.

    Parameters
    ----------
    writes : Writes
        What is written.
    put_aside : Sequence[PutAside]
        What leaves the engine's space first; a key may be put aside and then written anew.
    mended : Sequence[str]
        A sentence about each thing that was mended.
    cold : str
        Why nothing but a start without orders and positions is left; empty when there is more.
    is_cold_for_good : bool
        Whether `cold` is a matter of the store alone: another answer of the exchange changes
        nothing.
    unexplained : Sequence[str]
        Where the exchange's answers contradict each other, as a lagging history does. Then nothing
        else is in the plan: ask again.
    unknown : Mapping[str, bool]
        Orders that are open here and that the exchange has not told of, and of each whether it may
        never have been sent. Unless the exchange was asked for them by name, and no request of the
        process before can arrive any more, ask again before this plan is written.

    """

    writes: Writes = field(default_factory=Writes)
    put_aside: Sequence[PutAside] = ()
    mended: Sequence[str] = ()
    cold: str = ""
    is_cold_for_good: bool = False
    unexplained: Sequence[str] = ()
    unknown: Mapping[str, bool] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.writes.keys() or self.put_aside or self.cold)


class StoreFormat(Protocol):
    """How one engine version keeps its orders, positions and accounts in the store."""

    @property
    def name(self) -> str:
        """What the store's marker calls it."""

    @property
    def prefix(self) -> str:
        """What all keys of the trader begin with."""

    @property
    def adopts_all(self) -> bool:
        """Whether the engine learns nothing of past orders by itself, so that the mend has to."""

    def foreign(self, keys: Mapping[str, RawKey]) -> str:
        """Return a sentence when the keys are another engine's; an empty one when they are not."""

    def mend(
        self,
        keys: Mapping[str, RawKey],
        record: ExchangeRecord,
        owners: Sequence[Owner],
        now_ns: int,
    ) -> Plan:
        """
        Return what brings the store to what happened.

        Parameters
        ----------
        keys : Mapping[str, RawKey]
            All keys of the trader, by their names without the prefix.
        record : ExchangeRecord
            What the exchange says has happened.
        owners : Sequence[Owner]
            What is traded, one a symbol.
        now_ns : int
            Stamped on what is written.

        """

    def cold(self, keys: Mapping[str, RawKey], reason: str) -> Plan:
        """Return what makes the next load a cold one: orders, positions and accounts put aside."""

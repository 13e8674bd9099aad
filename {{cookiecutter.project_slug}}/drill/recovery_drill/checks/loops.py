"""What the exchange refuses is not tried again and again."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from recovery_drill.checks.triggered import turned_into
from recovery_drill.record.contract import ANOTHER_HAND, SENT_ORDERS
from recovery_drill.record.evidence import Evidence

BARS = 10
"""Within so many bars entries that came to nothing are counted together."""
ERROR = 400


@dataclass
class Position:
    """What is held, from when it was opened until it is gone.

    Parameters
    ----------
    was_protected : bool
        Whether a stop has ever worked for it.
    refused_stops : int
        How many of its stops were refused.
    commission : Decimal
        What its fills have cost.

    """

    was_protected: bool = False
    refused_stops: int = 0
    commission: Decimal = Decimal(0)


@dataclass
class Follower:
    """Follows one symbol through the journal.

    Parameters
    ----------
    triggered : frozenset[str]
        The orders that conditional ones turned into.

    """

    triggered: frozenset[str]
    bar: int = 0
    held: Position | None = None
    vain: list[tuple[int, Decimal]] = field(default_factory=list)
    """In which bar an entry was left again because its stop was refused, and what that has cost."""
    refused: dict[int, list[str]] = field(default_factory=dict)
    """By bar: the orders that were refused."""

    def take_up(self, kind: str, row: dict[str, Any]) -> None:
        """Take up one record."""
        match kind:
            case "market.bar_closed":
                self.bar += 1
            case "request" if row["request"] in SENT_ORDERS and int(row["status"]) >= ERROR:
                leg = row.get("leg")
                self.refused.setdefault(self.bar, []).append(f"{leg} {row['code']}")
                if self.held is not None and leg == "stop":
                    self.held.refused_stops += 1
            case "conditional.accepted" if row["reduce_only"] or row["close_position"]:
                if self.held is not None and str(row["type"]).startswith("STOP"):
                    self.held.was_protected = True
            case "order.filled":
                self._fill(row)
            case _:
                pass

    def _fill(self, row: dict[str, Any]) -> None:
        fill = row["fill"]
        quantity, after = Decimal(fill["quantity"]), Decimal(fill["position_after"])
        before = after - (quantity if fill["side"] == "BUY" else -quantity)
        if before * after < 0 or before == 0:
            self.held = Position()
        if self.held is None:
            return
        self.held.commission += Decimal(fill["commission"])
        if after == 0:
            if self._is_left_in_vain(self.held, row):
                self.vain.append((self.bar, self.held.commission))
            self.held = None

    def _is_left_in_vain(self, held: Position, row: dict[str, Any]) -> bool:
        """Tell a node that gives up what it cannot protect from a stop, and from another hand."""
        is_own = not str(row["client_order_id"]).startswith(ANOTHER_HAND)
        is_stop = str(row["exchange_order_id"]) in self.triggered
        return held.refused_stops > 0 and not held.was_protected and is_own and not is_stop


def refusals_do_not_loop(evidence: Evidence) -> Iterator[str | None]:
    """Bound what is refused between two bars, and the entries that come to nothing because of it.

    A position that cannot be protected is closed, and that is right. A node that enters again in
    the next bar, and in the one after it, pays two commissions a bar for nothing. So a bounded
    number of such round trips may lie within ten bars: entered, every stop refused, left by an
    order of its own. One that was ever protected is none, however short it was: how often a
    strategy trades is its own affair.
    """
    triggered = turned_into(evidence.journal)
    for symbol in evidence.policy.symbols:
        follower = Follower(triggered)
        for record in evidence.journal:
            if record.data.get("symbol") == symbol:
                follower.take_up(record.kind, record.data)
        yield from _refused(follower, symbol, evidence.policy.refused_orders)
        yield from _vain(follower, symbol, evidence.policy.vain_entries)


def _refused(follower: Follower, symbol: str, allowed: int) -> Iterator[str | None]:
    for refused in follower.refused.values():
        kinds = ", ".join(sorted(set(refused)))
        yield (
            None
            if len(refused) <= allowed
            else f"Within one bar {len(refused)} orders of {symbol} were refused, of {allowed} "
            f"allowed: {kinds}."
        )


def _vain(follower: Follower, symbol: str, allowed: int) -> Iterator[str | None]:
    """Judge each such entry with those in the bars before it; the worst of them is told."""
    worst: list[Decimal] = []
    for bar, _ in follower.vain:
        yield None
        near = [cost for at, cost in follower.vain if bar - BARS < at <= bar]
        worst = max(worst, near, key=len)
    if len(worst) > allowed:
        yield (
            f"Within {BARS} bars {len(worst)} entries in {symbol} were left again because their "
            f"stops were refused, of {allowed} allowed; that cost {sum(worst)} of commission."
        )

"""No order is sent on cold indicators."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from recovery_drill.failures import UsageError
from recovery_drill.record.contract import QUESTION_OF_BARS, SENT_ORDERS, Stage
from recovery_drill.record.evidence import Evidence, Life
from recovery_drill.record.model import Record
from recovery_drill.record.policy import Policy
from recovery_drill.record.traded import Traded

NAME = "no-decision-before-warm-up"
UNTOLD = (
    "Nobody says how many closed bars the node must have before it may trade: give warm_up_bars in "
    "[tool.recovery-drill], or let the node tell at /state what is traded."
)


class Needed(NamedTuple):
    """How many bars must have been asked for before an order in one of the symbols.

    Parameters
    ----------
    symbols : Sequence[str]
        Whose orders need them, and whose bars count.
    bars : int
        How many.
    interval : str
        How long ones, as the exchange calls them; empty where nobody says.

    """

    symbols: Sequence[str]
    bars: int
    interval: str = ""

    def counts(self, asked: Record) -> bool:
        """Tell whether a request asked for such bars; one of an older exchange has no interval."""
        return (
            asked.data["request"] == QUESTION_OF_BARS
            and asked.data["symbol"] in self.symbols
            and (not self.interval or asked.data.get("interval", self.interval) == self.interval)
        )


def check_warm_up_is_told(policy: Policy, traded: Sequence[Traded]) -> None:
    """Find out whether anybody says how many bars the node needs.

    Raises
    ------
    UsageError
        If neither policy nor node does, and the check is not left out.

    """
    if policy.warm_up_bars is None and not traded and NAME not in policy.leave_out:
        raise UsageError(UNTOLD)


def no_decision_before_warm_up(evidence: Evidence) -> Iterator[str | None]:
    """Each life asks for enough closed bars, and says that it trades, before its first order.

    What is enough the policy says, or else the node: for each symbol that it trades, so many bars
    of the length that it decides on.

    What is sent beside a rival is the other node's until the rival trades: the exchange cannot tell
    them apart. What arrives before a life says that it connects is the last word of the one before.
    """
    if any(snapshot.state is not None for snapshot in evidence.snapshots):
        check_warm_up_is_told(evidence.policy, evidence.traded)
    for life in evidence.lives:
        trading = life.reached(Stage.TRADING)
        if life.rival and trading is None:
            continue
        requests = [r for r in evidence.journal if r.kind == "request" and _within(r, life)]
        since = trading if life.rival and trading is not None else life.started_ns
        sent = [r for r in requests if r.data["request"] in SENT_ORDERS and r.mono_ns >= since]
        for first, needed in _firsts(evidence, sent):
            name = f"Life {life.number} of the node sent order {first.data.get('client_order_id')}"
            if trading is None or first.mono_ns < trading:
                yield f"{name} before it said that it trades."
            else:
                yield _cold(name, [r for r in requests if r.mono_ns < first.mono_ns], needed)


def _firsts(
    evidence: Evidence, sent: Sequence[Record]
) -> Iterator[tuple[Record, Sequence[Needed]]]:
    """Yield the first orders that need bars, each with the bars that it needs."""
    policy = evidence.policy
    told: dict[str, list[Needed]] = {}
    if policy.warm_up_bars is None:
        for t in evidence.traded:
            told.setdefault(t.symbol, []).append(Needed((t.symbol,), t.window, t.interval))
    if not told:
        needed = [] if policy.warm_up_bars is None else [_by_policy(evidence, policy.warm_up_bars)]
        yield from ((first, needed) for first in sent[:1])
        return
    if sent and sent[0].data.get("symbol") not in told:
        yield sent[0], ()
    for symbol, wanted in told.items():
        first = next((r for r in sent if r.data.get("symbol") == symbol), None)
        if first is not None:
            yield first, wanted


def _by_policy(evidence: Evidence, bars: int) -> Needed:
    """Return what the policy asks for: of the length that the node tells, if it tells only one."""
    lengths = {t.interval for t in evidence.traded}
    return Needed(evidence.policy.symbols, bars, lengths.pop() if len(lengths) == 1 else "")


def _cold(name: str, asked: Sequence[Record], needed: Sequence[Needed]) -> str | None:
    """Say which bars were lacking; None when none were."""
    for wanted in needed:
        bars = sum(int(r.data.get("rows") or 0) for r in asked if wanted.counts(r))
        if bars < wanted.bars:
            length = f" ({wanted.interval})" if wanted.interval else ""
            return f"{name} after {bars} of {wanted.bars} warm-up bars{length}."
    return None


def _within(record: Record, life: Life) -> bool:
    began, ended = life.reached(Stage.CONNECT) or life.started_ns, life.ended_ns
    return record.mono_ns >= began and (ended is None or record.mono_ns <= ended)

"""
What a life tells people: fills, stop-outs, what is wrong, halts, starts and ends, days' results.

All of it is told under names that are the same in the next life, so what happened while the node
was down is told once it is up, and nothing twice. Without a file of addresses nothing of this is
made, and whatever fails here fails alone.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import wraps

from ..config.notify import Volume
from ..config.settings import Settings
from ..exit_codes import NodeExit, complain, one_line
from ..face.conditions import Condition
from ..face.last_fills import LastFills
from ..face.status import leg_in_words
from ..guards.halt.record import Counting, Halt
from ..notify.message import Kind, Message
from ..notify.notifier import Notifier
from ..plan.order_ids import Leg, parse
from ..plan.rows import FillRow

LASTS_SECONDS = 3.0
"""What is wrong for less is not told."""
FLUSH_SECONDS = 1.0
"""How long an end waits for its last words, where nobody waits to start the node again."""


def harmless[**P](method: Callable[P, None]) -> Callable[P, None]:
    """Let a failure of a method be said, and nothing else: trading goes on."""

    @wraps(method)
    def tried(*arguments: P.args, **named: P.kwargs) -> None:
        try:
            method(*arguments, **named)
        except Exception as error:
            reason = f"{type(error).__name__}: {one_line(error)}"
            complain(f"A notification could not be made ({reason}); trading goes on.")

    return tried


class Notices:
    """
    What one life tells.

    Parameters
    ----------
    settings : Settings
        To whom, and how loud.
    fills : LastFills
        What each fill has brought.

    """

    def __init__(self, settings: Settings, fills: LastFills) -> None:
        self._settings = settings
        self._fills = fills
        self._notifier = Notifier(settings) if settings.notify_urls_file else None
        self._born = time.monotonic()
        self._life = f"{time.time_ns() // 1_000_000}-{os.getpid()}"
        self._is_reconciled = False
        self._lasting: dict[tuple[str, int], Condition] = {}
        self._now: dict[tuple[str, int], Condition] = {}
        self._halt_at = -1

    @property
    def sentence(self) -> str:
        """How notifications fare."""
        return self._notifier.sentence if self._notifier else "None are sent."

    def wants(self, kind: Kind) -> bool:
        """Return whether anything of a kind is told."""
        return self._notifier is not None and self._volume(kind) is not Volume.OFF

    # -- What happens --------------------------------------------------------------------------

    @harmless
    def reconciled(self, fills: Iterable[FillRow]) -> None:
        """Tell what has filled while the node was down: all that is known is offered again."""
        self._is_reconciled = True
        for fill in fills:
            self._tell_fill(fill, was_before=True)

    @harmless
    def filled(self, fill: FillRow) -> None:
        """Tell a fill, once the engine has reckoned what it has brought."""
        # What is heard earlier is among what the engine has when it is reconciled.
        if self._notifier is not None and self._is_reconciled:
            asyncio.get_running_loop().call_soon(self._tell_fill, fill)

    @harmless
    def trades(self, halt: Counting) -> None:
        """Tell that the node trades, and begin to send."""
        if self._notifier is None:
            return
        took = time.monotonic() - self._born
        text = f"It trades; the start took {took:.1f} s."
        self._tell(Kind.RESTARTS, f"start {self._life}", "the node has started", text)
        if self.wants(Kind.RESTARTS):
            self._notifier.will(
                Message(
                    Kind.RESTARTS,
                    f"killed {self._life}",
                    "the node was killed, or has crashed",
                    "It has ended without a word. Orders and stops at the exchange work on.",
                    self._volume(Kind.RESTARTS) is Volume.ON,
                )
            )
        self.halted(halt, was_before=True)
        self._notifier.begin()

    @harmless
    def ends(self, end: NodeExit | None) -> None:
        """Tell that the node ends, and why."""
        if end is None:
            self._tell(Kind.RESTARTS, f"end {self._life}", "the node stops", "It was asked to.")
        else:
            title = f"the node ends with {int(end.code)}"
            self._tell(Kind.RESTARTS, _name_of(end, time.time()), title, end.sentence)

    async def ended(self, end: NodeExit | None, *, is_awaited: bool) -> None:
        """Let the last words be sent, and wait for that unless a next start is awaited."""
        if self._notifier is not None:
            how = "it was asked to stop" if end is None else f"it ended with {int(end.code)}"
            seconds = 0.0 if is_awaited else FLUSH_SECONDS
            await asyncio.to_thread(self._notifier.end, how, seconds)

    @harmless
    def wrong_or_right(self, conditions: Iterable[Condition], halt: Counting) -> None:
        """Tell what has become wrong and stays so, and what was told and is right again."""
        if self._notifier is None:
            return
        before = self._now
        self._now = {(each.name, each.since_ms): each for each in conditions if not _is_halt(each)}
        for key in self._now.keys() - before.keys():
            asyncio.get_running_loop().call_later(LASTS_SECONDS, self._tell_if_lasting, key)
        for key in self._lasting.keys() - self._now.keys():
            name, since_ms = key
            del self._lasting[key]
            text = f"It was wrong for {time.time() - since_ms / 1000:.0f} s."
            title = f"{name}: all right again"
            self._tell(Kind.CONDITIONS, f"right {name} {since_ms}", title, text)
        self.halted(halt)

    def halted(self, halt: Counting, *, was_before: bool = False) -> None:
        """Tell what a person has said of a halt, once."""
        if isinstance(halt, Halt) and halt.at_ms and halt.at_ms != self._halt_at:
            self._halt_at = halt.at_ms
            title = "halted" if halt.is_halted else "resumed"
            self._tell(Kind.HALTS, f"{title} {halt.at_ms}", title, halt.told(), was_before)

    @harmless
    def day(self, name: str, text: str) -> None:
        """Tell what a day has brought."""
        self._tell(Kind.SUMMARY, f"summary {name}", f"the result of {name}", text)

    # -- How it is told ------------------------------------------------------------------------

    @harmless
    def _tell_if_lasting(self, key: tuple[str, int]) -> None:
        condition = self._now.get(key)
        if condition is not None and key not in self._lasting:
            self._lasting[key] = condition
            name, since_ms = key
            text = f"{condition.sentence} {condition.doing}"
            self._tell(Kind.CONDITIONS, f"wrong {name} {since_ms}", f"{name}: wrong", text)

    @harmless
    def _tell_fill(self, fill: FillRow, *, was_before: bool = False) -> None:
        parts = parse(fill.client_order_id)
        is_stop = parts is not None and parts.leg is Leg.STOP
        kind = Kind.STOP_OUTS if is_stop else Kind.FILLS
        leg = "stopped out" if is_stop else leg_in_words(fill.client_order_id)
        title = f"{leg}: {fill.side} {fill.quantity} {fill.symbol} at {fill.price}"
        text = f"Order {fill.client_order_id}, fee {_plain(fill.commission)} {fill.currency}"
        if profit := self._fills.profit(fill.name):
            text += f", realized {_plain(profit)} without it"
        self._tell(kind, f"fill {fill.name}", title, f"{text}.", was_before)

    def _tell(self, kind: Kind, name: str, title: str, text: str, was_before: bool = False) -> None:
        if self._notifier is not None and self.wants(kind):
            is_loud = self._volume(kind) is Volume.ON
            self._notifier.tell(Message(kind, name, title, text, is_loud, was_before))

    def _volume(self, kind: Kind) -> Volume:
        volume: Volume = getattr(self._settings, f"notify_{kind.value}")
        return volume


def _name_of(end: NodeExit, now: float) -> str:
    """Return a name that is the same for an hour: a supervisor may start a node again and again."""
    about = "".join(each for each in end.sentence if not each.isdigit())
    digest = hashlib.sha256(about.encode()).hexdigest()[:8]
    hour = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H")
    return f"end {int(end.code)} {digest} {hour}"


def _is_halt(condition: Condition) -> bool:
    return condition.name == "halt" or condition.name.startswith("halt of ")


def _plain(number: Decimal) -> str:
    return f"{number.quantize(Decimal('0.0001')).normalize():f}"

"""
What an event-driven strategy wants done: held back, remembered as one value, and then sent.

What a call of the strategy leads to is written to the store before any of it is sent. So a kill
takes back all of the call or nothing, and after a restart an order is sent if the store has it and
the exchange does not.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from ..engine.desk import EventDesk
from ..exit_codes import ExitCode, NodeExit
from ..plan.event_record import Deed, EventRecord, from_json
from ..plan.memory import Json, copy_of
from ..plan.order_ids import Leg, leg_of, parse
from ..plan.traded import EventDriven
from .around import About, Listener
from .memory import Memory
from .memory_store import NotRememberedError
from .memory_writing import AGAIN_SECONDS, WHILE_AWAY

SPARE_BYTES = 8_000
"""What a strategy remembers leaves so much of the record for its orders and its levels."""


class EventSending:
    """
    Remember what an event-driven strategy wants done, then send it.

    Parameters
    ----------
    line : EventDriven
        What is traded.
    owner : str
        Whose orders these are: the first part of each client order id.
    desk : EventDesk
        The strategy's desk.
    listener : Listener
        Told when the store does not take what is remembered.
    memory : Memory
        What is remembered, loaded.
    refusal : Callable[[Deed], str]
        Says why something must not be done; empty when it may be.
    background : Callable
        Begins work, and ends the node if it fails.
    look_again : Callable[[], None]
        Called once the store has answered.

    """

    def __init__(
        self,
        line: EventDriven,
        owner: str,
        desk: EventDesk,
        listener: Listener,
        memory: Memory,
        refusal: Callable[[Deed], str],
        background: Callable[[Callable[[], Coroutine[Any, Any, None]]], None],
        look_again: Callable[[], None],
    ) -> None:
        self._line = line
        self._owner = owner
        self._desk = desk
        self._listener = listener
        self._memory = memory
        self._refusal = refusal
        self._background = background
        self._look_again = look_again
        self.now = self.kept = _record_of(memory, line.tag)
        """What is to be remembered, and what the store has of it."""
        self.unsent: list[Deed] = []
        self._sent: dict[str, Deed] = {}
        self._known: Collection[str] = ()
        self._newest_ms = 0
        self._is_open = False
        self._has_ended = False
        self._is_writing = False
        self._is_away = False

    # -- Begin and end ---------------------------------------------------------------------------

    def take_up_due(self, last_ms: int, known: Collection[str]) -> None:
        """
        Take up what was remembered and may not have been sent.

        Parameters
        ----------
        last_ms : int
            Close time of the last bar, in milliseconds.
        known : Collection[str]
            The client order ids that the exchange knows.

        """
        self._known = known
        for deed in self.now.due:
            parts = parse(deed.client_order_id)
            if deed.order is None or (parts and parts.close_seconds == last_ms // 1000):
                self.unsent.append(deed)
            elif not self.is_known(deed.client_order_id):
                self._desk.warn(
                    f"{deed.client_order_id} was not sent before the end, and its bar is over: it "
                    "is dropped"
                )

    def open(self) -> None:
        """Remember and send from now on."""
        self._is_open = True

    def close(self) -> None:
        """Remember and send nothing any more."""
        self._has_ended = True

    # -- How it stands ---------------------------------------------------------------------------

    @property
    def is_awaited(self) -> bool:
        """Whether the store is being asked, and will have answered, or not, in a moment."""
        return self._is_writing and not self._is_away

    def may_go(self) -> list[Deed]:
        """
        Return what is not sent and need not wait.

        While a condition holds nothing is opened, nor is it once another bar has closed, whether
        the strategy has been given that or not.
        """
        if not self._listener.trades():
            return []
        may_open = self._listener.may_open(self._line.symbol)
        return [
            deed for deed in self.unsent if not deed.opens or (may_open and self._is_in_time(deed))
        ]

    def _is_in_time(self, deed: Deed) -> bool:
        parts = parse(deed.client_order_id)
        return parts is not None and parts.close_seconds >= self._newest_ms // 1000

    @property
    def is_due(self) -> bool:
        """Whether there is something to remember, or to send."""
        return bool(self.may_go()) or self.now is not self.kept

    def is_known(self, name: str) -> bool:
        """Return whether an order has been sent before."""
        return name in self._known or self._desk.order(name) is not None

    # -- What the strategy wants done ------------------------------------------------------------

    def change(self, now: EventRecord) -> None:
        """Take up what is to be remembered from now on."""
        self.now = now
        self.write_soon()

    def remember(self, value: Json) -> None:
        """
        Remember a value of the strategy's.

        Raises
        ------
        ValueError
            If it is no JSON value, or a very long one.

        """
        now = replace(self.now, value=copy_of(value))
        if self._memory.room_besides(replace(now, due=()).to_json()) < SPARE_BYTES:
            raise ValueError("what is to be remembered is so long that no order fits in besides")
        self.change(now)

    def next_id(self, close_ms: int, leg: Leg) -> str:
        """Return the client order id of the strategy's next order of a bar."""
        name, self.now = self.now.next_id(self._owner, close_ms, leg)
        return name

    def do(self, deed: Deed) -> None:
        """Do it once it is remembered; deny it if it must not be."""
        if reason := self._refusal(deed):
            self._deny(deed, reason)
        elif deed.order is None and (waiting := self._waiting(deed.client_order_id)):
            self.unsent.remove(waiting)
            self.now = replace(self.now, due=tuple(self.unsent))
            self._deny(waiting, "It was cancelled before it was sent.")
            self.write_soon()
        elif deed.order is not None and self.is_known(deed.client_order_id):
            self._desk.warn(f"{deed.client_order_id} is known already, and not sent again")
        else:
            self.unsent.append(deed)
            self.write_soon()

    def never_arrived(self, client_order_id: str) -> None:
        """Send an order again that the exchange has never known, as long as its bar is the last."""
        deed = self._sent.pop(client_order_id, None)
        if Deed(client_order_id) in self.unsent:
            return  # it was to be cancelled: it is as it should be
        if deed is not None:
            self.unsent.append(deed)
            self.write_soon()
        elif leg_of(client_order_id, self._owner) in (Leg.ENTRY, Leg.EXIT):
            self._desk.warn(f"{client_order_id} never arrived, and its bar is over: it is dropped")

    def bar_closed(self, close_ms: int) -> None:
        """Take up that a bar has closed: entries of an earlier one are not sent any more."""
        self._newest_ms = close_ms

    def end_bar(self) -> None:
        """Deny the orders that were not sent before another bar has closed; a cancel stays due."""
        over = [deed for deed in self.unsent if deed.order is not None]
        self.unsent = [deed for deed in self.unsent if deed.order is None]
        for deed in over:
            self._deny(deed, "Until its bar was over, a condition held: /state names it.")
        self._sent.clear()

    def _waiting(self, name: str) -> Deed | None:
        found = (deed for deed in self.unsent if deed.client_order_id == name)
        return next((deed for deed in found if deed.order is not None), None)

    def _too_late(self, deed: Deed) -> str:
        """Return why an order that was to make the position smaller might open another by now."""
        if deed.order is None or deed.opens or not self._desk.opens(deed):
            return ""
        return "What it was to make smaller is smaller by now, or gone."

    def _deny(self, deed: Deed, reason: str) -> None:
        self._desk.warn(f"{deed.client_order_id} is not sent: {reason}")
        if deed.order is not None:
            self._desk.deny(deed, reason)

    # -- Remembered, then sent -------------------------------------------------------------------

    def write_soon(self) -> None:
        """Begin to remember and send what is due, unless that is going on."""
        if self._is_open and not (self._is_writing or self._has_ended):
            self._is_writing = True
            self._background(self._write)

    async def _write(self) -> None:
        try:
            while self.is_due and not self._has_ended:
                if await self._remember():
                    self._send_all([deed for deed in self.may_go() if deed in self.kept.due])
                else:
                    await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._is_writing = self._is_away = False
        self._look_again()

    async def _remember(self) -> bool:
        """Bring all of it to the store; return whether the store has it."""
        writing = self.now = replace(self.now, due=tuple(self.unsent))
        about = (About.MEMORY, self._line.symbol)
        try:
            await self._memory.remember(writing.to_json())
        except (NotRememberedError, ValueError) as error:  # the latter: it is very long
            self._is_away = True
            told = f"The store does not take what {self._line.tag} remembers: {error}."
            self._listener.wrong(*about, told, WHILE_AWAY)
            # What closes a position does not wait: under its id, it is known after a restart.
            self._send_all(self.may_go())
            return False
        self._is_away = False
        self.kept = writing
        self._listener.right(*about)
        return True

    def _send_all(self, deeds: Sequence[Deed]) -> None:
        for deed in deeds:
            if deed not in self.unsent:
                continue  # it was cancelled by whom an earlier one has called
            self.unsent.remove(deed)
            name = deed.client_order_id
            if reason := self._refusal(deed) or self._too_late(deed):
                self._deny(deed, reason)
                # After a restart it must not be due, since the strategy has heard of this.
                self.now = replace(self.now, due=tuple(self.unsent))
            elif deed.order is None:
                self._sent.pop(name, None)
                if (row := self._desk.order(name)) is not None and not row.is_closed:
                    self._desk.send(deed)
            elif not self.is_known(name):
                self._sent[name] = deed
                self._desk.send(deed)


def _record_of(memory: Memory, tag: str) -> EventRecord:
    try:
        return from_json(memory.value)
    except ValueError as error:
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"What {tag} remembers {error}; look at it with the command `state`, then correct it, "
            "or delete its key in the store and let it begin anew.",
        ) from None

"""Naming: the node says what is wrong with it, and what a person should know."""

import asyncio
import time
from typing import Literal

import msgspec

from recovery_drill.play.site import Site
from recovery_drill.record.evidence import Named
from recovery_drill.record.health import Condition
from recovery_drill.record.model import NodeState

ASK_AGAIN_SECONDS = 0.05


class Naming:
    """Waits until the node says something, and records what it said.

    Parameters
    ----------
    site : Site
        The play.
    disturbed : bool
        Whether anything goes wrong; if not, there is nothing to say.

    """

    def __init__(self, site: Site, *, disturbed: bool) -> None:
        self._site = site
        self._disturbed = disturbed

    async def until(
        self,
        what: str,
        seconds: float | None = None,
        where: Literal["conditions", "notes"] = "conditions",
    ) -> None:
        """Wait until the node names something at ``/state``, or its time is over.

        Nothing is recorded of a node that tells no conditions, or no notes. What ``/health``
        answers is recorded of a condition that stood before and after it was asked: one may end in
        between, and what was only ever seen so has been said, and ``/health`` is not judged.

        Parameters
        ----------
        what : str
            What the name of the condition has to hold, or the note.
        seconds : float, optional
            How long it has for that; by default as long as for noticing a loss.
        where : {"conditions", "notes"}
            Whether something is wrong, so that ``/health`` has to say so, too.

        """
        if not self._disturbed:
            return
        seconds = seconds or self._site.policy.budgets.notice_seconds
        node = self._site.lives.node
        deadline = time.monotonic() + seconds
        health: int | None = None
        sentence = ""
        while node.child.running and time.monotonic() < deadline:
            state = await node.state()
            if state is not None and getattr(state, where) is None:
                return
            if where == "notes":
                sentence = _noted(state, what)
                is_clear = bool(sentence)
            else:
                answer = await node.health()
                said = _said(state, what)
                is_clear = said is not None and said.is_still(_said(await node.state(), what))
                if said is not None:
                    sentence = f"{said.name}: {said.sentence}"
                health = answer if is_clear or not sentence else None
            if is_clear:
                break
            await asyncio.sleep(ASK_AGAIN_SECONDS)
        ended = None if node.child.running else node.child.exit_code
        named = Named(what, seconds, sentence, health, ended)
        self._site.history.record("drill", "named", msgspec.to_builtins(named))


def _said(state: NodeState | None, what: str) -> Condition | None:
    """Return the condition that names it, if there is one."""
    conditions = (state.conditions if state is not None else None) or ()
    return next((each for each in conditions if what in each.name), None)


def _noted(state: NodeState | None, what: str) -> str:
    """Return the note that names it; empty when there is none."""
    notes = (state.notes if state is not None else None) or ()
    return next((note for note in notes if what in note), "")

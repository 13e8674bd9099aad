"""Naming: the node says what is wrong with it, and what a person should know."""

import asyncio
import time
from typing import Literal

import msgspec

from recovery_drill.play.site import Site
from recovery_drill.record.evidence import Named
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

        Nothing is recorded of a node that tells no conditions, or no notes.

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
        while not sentence and node.child.running and time.monotonic() < deadline:
            state = await node.state()
            if state is not None and getattr(state, where) is None:
                return
            sentence = "" if state is None else _said(state, what, where)
            if where == "conditions":
                health = await node.health()
            if not sentence:
                await asyncio.sleep(ASK_AGAIN_SECONDS)
        ended = None if node.child.running else node.child.exit_code
        named = Named(what, seconds, sentence, health, ended)
        self._site.history.record("drill", "named", msgspec.to_builtins(named))


def _said(state: NodeState, what: str, where: Literal["conditions", "notes"]) -> str:
    """Return the sentence that names it; empty when there is none."""
    if where == "notes":
        return next((note for note in state.notes or () if what in note), "")
    conditions = state.conditions or ()
    return next((f"{c.name}: {c.sentence}" for c in conditions if what in c.name), "")

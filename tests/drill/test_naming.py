"""What a node says is waited for and recorded: in time, not at all, or that it has ended."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from aiohttp import web

from drill.evidence_builder import POLICY, state
from drill.test_lives import ENDS, WAITS, Nodes
from recovery_drill.play.lives import Lives
from recovery_drill.play.naming import Naming
from recovery_drill.record.evidence import Evidence, Named
from recovery_drill.record.history import History
from recovery_drill.record.policy import Policy
from recovery_drill.record.rebuild import from_records

SECONDS = 0.3
STORE = {"name": "store", "sentence": "The store does not answer.", "since_ms": 1}
OTHERS = "The order web_9 is not this node's."


class Site(NamedTuple):
    """What of a play is needed to wait for a node's words."""

    lives: Lives
    history: History
    policy: Policy = POLICY


class Saying(Nodes):
    """A runtime of nodes that say what they are told to."""

    url = ""

    def node(self, number: int, *, rival: bool, stands_by: bool = False) -> tuple[Any, str]:
        return super().node(number, rival=rival)[0], self.url


@asynccontextmanager
async def node(
    folder: Path, *said: dict[str, Any], health: int = 503, program: str = WAITS
) -> AsyncIterator[Site]:
    """Run a node whose endpoint tells these at ``/state``, one after the other, and the last on."""
    answers = list(said)

    async def tell(_request: web.Request) -> web.Response:
        told = msgspec.to_builtins(state())
        for name in ("conditions", "notes"):
            del told[name]
        now = answers.pop(0) if len(answers) > 1 else answers[0]
        return web.Response(body=msgspec.json.encode(told | now))

    async def tell_health(_request: web.Request) -> web.Response:
        return web.json_response({}, status=health)

    app = web.Application()
    app.add_routes([web.get("/state", tell), web.get("/health", tell_health)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    nodes: Any = Saying(folder, program)  # all of a runtime that is needed here
    nodes.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    history = History(folder / "history.jsonl")
    lives = Lives(nodes, history, lambda _: None)
    await lives.begin()
    try:
        yield Site(lives, history)
    finally:
        await lives.close()
        await runner.cleanup()


def naming(site: Site, *, disturbed: bool = True) -> Naming:
    found: Any = site
    return Naming(found, disturbed=disturbed)


def named(site: Site) -> tuple[Named, ...]:
    evidence: Evidence = from_records(POLICY, site.history.records, ())
    return tuple(replace(each, mono_ns=0) for each in evidence.named)


async def test_what_is_wrong_is_recorded_with_what_health_says(tmp_path: Path) -> None:
    async with node(tmp_path, {"conditions": [STORE]}) as site:
        await naming(site).until("store", 5)
        sentence = "store: The store does not answer."
        assert named(site) == (Named("store", 5, sentence, 503),)


@pytest.mark.parametrize("later", [[], [{**STORE, "since_ms": 9}]])
async def test_what_has_ended_when_health_is_asked_is_no_lie_of_it(
    tmp_path: Path, later: list[dict[str, Any]]
) -> None:
    said = [{"conditions": each} for each in ([STORE], later, [])]
    async with node(tmp_path, *said, health=200) as site:
        await naming(site).until("store", SECONDS)
        assert named(site) == (Named("store", SECONDS, "store: The store does not answer."),)


async def test_what_stands_while_health_is_asked_is_judged_by_it(tmp_path: Path) -> None:
    words = {**STORE, "sentence": "The store has not answered for 2 s."}
    said = [{"conditions": each} for each in ([STORE], [], [STORE], [words])]
    async with node(tmp_path, *said, health=200) as site:
        await naming(site).until("store", 5)
        assert named(site) == (Named("store", 5, "store: The store does not answer.", 200),)


async def test_what_a_person_should_know_is_asked_of_the_notes_alone(tmp_path: Path) -> None:
    async with node(tmp_path, {"notes": [OTHERS], "conditions": [STORE]}) as site:
        await naming(site).until("web_9", 5, "notes")
        assert named(site) == (Named("web_9", 5, OTHERS),)


async def test_that_nothing_is_said_is_recorded_once_the_time_is_over(tmp_path: Path) -> None:
    async with node(tmp_path, {"conditions": [STORE]}) as site:
        for what in ("clock", "answer"):  # the second is in the sentence, and not what it is about
            await naming(site).until(what, SECONDS)
        assert named(site) == tuple(Named(w, SECONDS, "", 503) for w in ("clock", "answer"))


async def test_a_node_that_ends_instead_is_not_waited_for(tmp_path: Path) -> None:
    async with node(tmp_path, {"conditions": []}, program=ENDS.format(code=75)) as site:
        await site.lives.node.child.wait(10)
        await naming(site).until("clock", 600)
        assert named(site) == (Named("clock", 600, ended=75),)


@pytest.mark.parametrize("disturbed", [True, False])
async def test_a_node_that_tells_no_conditions_is_not_judged(
    tmp_path: Path, *, disturbed: bool
) -> None:
    async with node(tmp_path, {} if disturbed else {"conditions": []}) as site:
        await naming(site, disturbed=disturbed).until("clock", SECONDS)
        assert named(site) == ()

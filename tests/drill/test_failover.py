"""A store with replicas fails over for real, and its node loses nothing unnoticed."""

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis.asyncio import Redis
from redis.exceptions import RedisError

from baking import BakedProject
from drill.drilled import NODES, Drilled
from recovery_drill.store import replicated
from recovery_drill.store.protocol import StoreAbility
from recovery_drill.store.replica import SERVER
from recovery_drill.store.replicated import BEFORE, SENTINEL, ReplicatedStore

pytestmark = pytest.mark.processes

needs_haproxy = pytest.mark.skipif(
    bool(ReplicatedStore(Path()).lacks(StoreAbility.FAIL_OVER)),
    reason="HAProxy is not installed here (apt: haproxy).",
)
SCENARIOS = (
    *("store-failover", "store-failover-split", "store-failover-cut"),
    *("store-failover-before-intent", "store-failover-after-intent", "store-failovers"),
)
SECONDS = 900.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ReplicatedStore]:
    """A store with replicas that runs."""
    store = ReplicatedStore(tmp_path)
    try:
        await store.start()
        yield store
    finally:
        await store.stop()


async def written(store: ReplicatedStore, value: str) -> bool:
    """Return whether the store has taken a value at its address."""
    client = Redis.from_url(store.url, socket_timeout=2, retry=None)
    try:
        return bool(await client.set("kept", value))
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()


async def kept(store: ReplicatedStore) -> str:
    """Return what the store has at its address."""
    client = Redis.from_url(store.url, socket_timeout=2, retry=None)
    try:
        found = await client.get("kept")
        return found.decode() if isinstance(found, bytes) else ""
    finally:
        await client.aclose()


@needs_haproxy
@pytest.mark.parametrize("how", ["lose_primary", "pause_primary"])
async def test_another_server_takes_the_place_of_the_primary(
    store: ReplicatedStore, how: str
) -> None:
    assert await written(store, "before")
    await getattr(store, how)()
    assert not await written(store, "nobody is there")
    await store.until_other()
    assert await kept(store) == "before"
    assert await written(store, "after")
    await store.bring_back()
    assert await kept(store) == "after"


@needs_haproxy
async def test_what_a_primary_takes_that_is_cut_off_is_lost(store: ReplicatedStore) -> None:
    assert await written(store, "before")
    await store.cut_primary()
    assert await written(store, "taken, and lost")
    await store.until_other()
    assert await kept(store) == "before"
    await store.bring_back()
    assert await kept(store) == "before"


@needs_haproxy
@pytest.mark.long
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_node_holds(scenario: str, baked_project: BakedProject, tmp_path: Path) -> None:
    drilled = Drilled(baked_project, tmp_path, scenario, "--jobs", "1", seconds=SECONDS)
    assert drilled.verdict["outcome"] == "held", drilled.output


@needs_haproxy
@pytest.mark.long
def test_a_node_that_believes_its_store_is_found_out(
    baked_project: BakedProject, tmp_path: Path
) -> None:
    command = f"{{python}} {NODES / 'believes_its_store.py'} {baked_project.package}"
    drilled = Drilled(
        baked_project,
        tmp_path,
        *("store-failover-cut", "--jobs", "1", "--node-command", command),
        seconds=SECONDS,
    )
    assert "store-holds-what-node-holds" in drilled.broken("store-failover-cut"), drilled.output


def test_where_there_is_no_haproxy_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicated, "PROXY", "no-such-program")
    assert ReplicatedStore(tmp_path).lacks(StoreAbility.FAIL_OVER) == replicated.NO_PROXY
    assert "no way to kill" in ReplicatedStore(tmp_path).lacks(StoreAbility.KILL)


# -- What is drilled is what the containers run ----------------------------------------------------

RULES = ("tcp-check", "tcp-request", "default-server", "timeout", "option tcp-check")
ONLY_IN_CONTAINERS = ("AUTH", "+OK")


def lines(text: str) -> list[str]:
    """Return the lines that say something, without what stands before them."""
    return [line.strip() for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]


def test_the_proxy_of_the_containers_has_the_rules_that_are_drilled(
    baked_project: BakedProject,
) -> None:
    shipped = lines(baked_project.read("deploy/ha/haproxy.cfg"))
    drilled = [line for line in lines(BEFORE.format(port=1)) if line.startswith(RULES)]
    assert len(drilled) >= 9
    for line in drilled:
        assert any(each.startswith(line) for each in shipped), line
    added = [
        line
        for line in shipped
        if line.startswith(("tcp-check", "tcp-request")) and line not in drilled
    ]
    assert all(any(word in line for word in ONLY_IN_CONTAINERS) for line in added), added


def test_its_servers_and_sentinels_have_the_bounds_that_are_drilled(
    baked_project: BakedProject,
) -> None:
    servers = lines(baked_project.read("deploy/ha/replicas.conf"))
    for line in lines(SERVER):
        if line.startswith(("min-replicas", "repl-diskless")):
            assert line in servers
    sentinels = lines(baked_project.read("deploy/ha/sentinel.conf"))
    for line in lines(SENTINEL):
        if line.startswith("sentinel") and "monitor" not in line:
            assert line in sentinels


def test_a_primary_that_is_cut_off_stops_before_another_begins(baked_project: BakedProject) -> None:
    """And the lease of a holder that it has renewed last is over before anybody else's begins."""
    lag = int(re.findall(r"min-replicas-max-lag (\d+)", SERVER)[0])
    down = int(re.findall(r"down-after-milliseconds trader (\d+)", SENTINEL)[0]) / 1000
    record = baked_project.read(f"src/{baked_project.package}/guards/lease/record.py")
    lease, spare = (
        float(re.findall(rf"^{name}_SECONDS = ([\d.]+)", record, re.MULTILINE)[0])
        for name in ("LEASE", "SPARE")
    )
    takes_until = lag + 2  # it counts whole seconds, and looks once a second
    assert takes_until < down
    assert takes_until + lease - spare < down + lease


@pytest.mark.skipif(shutil.which("haproxy", path="/usr/sbin:/usr/bin") is None, reason="No haproxy")
def test_haproxy_takes_the_shipped_file(baked_project: BakedProject) -> None:
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
    assert program is not None
    checked = baked_project.run(program, "-c", "-f", "deploy/ha/haproxy.cfg")
    assert checked.returncode == 0, checked.stderr


def test_servers_and_sentinels_cannot_be_reached_by_the_node(baked_project: BakedProject) -> None:
    class Loader(yaml.SafeLoader):
        pass

    def override(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        assert isinstance(node, yaml.SequenceNode)
        return loader.construct_sequence(node, deep=True)

    Loader.add_constructor("!override", override)
    overlay = yaml.load(baked_project.read("compose.ha.yaml"), Loader)  # noqa: S506 - it is a safe one
    services = overlay["services"]
    assert overlay["networks"]["stores"] == {"internal": True}
    for name, service in services.items():
        if name not in ("node", "store-proxy"):
            assert list(service["networks"]) == ["stores"], name
    assert services["store-proxy"]["networks"]["store"] == {"aliases": ["store"]}

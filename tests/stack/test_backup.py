"""``make backup`` and ``make restore``: the store of one moment, and nothing lost on the way."""

import time
from pathlib import Path

import pytest

from engine import Stack, needs_engine
from processes import Process
from stack.conftest import MakeStack

pytestmark = needs_engine

ORDERS = 10_000
SECONDS_TO_RESTORE = 120
EVENTS_OF_AN_ORDER = 4

FILL = """
local pattern, copies = ARGV[1], tonumber(ARGV[2])
local keys = redis.call('KEYS', pattern)
table.sort(keys)
local key = nil
for _, name in ipairs(keys) do
    if redis.call('LLEN', name) >= tonumber(ARGV[3]) then key = name end
end
if not key then return 0 end
local events = redis.call('LRANGE', key, 0, -1)
for number = 1, copies do
    redis.call('RPUSH', 'trader-OTHER-001:orders:O-' .. number, unpack(events))
end
return redis.call('DBSIZE')
"""
"""Copy the events of an order that the node has stored, under the keys of another trader."""

DIGEST = """
local keys = redis.call('KEYS', '*')
table.sort(keys)
local digest = ''
for _, key in ipairs(keys) do
    local value = redis.sha1hex(redis.call('DUMP', key))
    local left = redis.call('PTTL', key) > 0 and 'expires' or 'stays'
    digest = redis.sha1hex(digest .. key .. value .. left)
end
return digest
"""
"""One number for all that the store holds: keys, values as they are dumped, whether they expire."""


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack) -> Stack:
    """A stack with Valkey, whose node has traded and whose store holds 10,000 orders besides."""
    stack = make_stack("backup", store="valkey")
    stack.compose("up", "--detach", "--wait")
    deadline = time.monotonic() + 120
    while stack.ask("EVAL", FILL, "0", "trader-*:orders:*", "0", str(EVENTS_OF_AN_ORDER)) == "0":
        assert time.monotonic() < deadline, "The node stored no whole order within 120 s."
        time.sleep(0.2)
    filled = int(
        stack.ask("EVAL", FILL, "0", "trader-*:orders:*", str(ORDERS), str(EVENTS_OF_AN_ORDER))
    )
    assert filled > ORDERS
    return stack


def digest(stack: Stack) -> str:
    return stack.ask("EVAL", DIGEST, "0")


def backup(stack: Stack) -> str:
    """Make a backup; return its file's name."""
    return stack.run("make", "--no-print-directory", "backup").split()[-1]


def test_what_was_changed_is_as_it_was(stack: Stack) -> None:
    # So that the digest is of the same moment as the backup.
    stack.compose("stop", "node")
    began = time.monotonic()
    name = backup(stack)
    print(f"Backup of {stack.ask('DBSIZE')} keys: {time.monotonic() - began:.1f} s.")
    before = digest(stack)  # a backup writes where it was taken

    stack.ask(
        "EVAL",
        "for i = 1, 5000 do redis.call('DEL', KEYS[1] .. i) end",
        "1",
        "trader-OTHER-001:orders:O-",
    )
    stack.ask("RPUSH", "trader-OTHER-001:orders:O-9000", "one too many")
    stack.ask("SET", "trader-OTHER-001:general:new", "1")
    assert digest(stack) != before

    began = time.monotonic()
    said = stack.run("make", "--no-print-directory", "restore", f"BACKUP={name}")
    print(f"Restored: {time.monotonic() - began:.1f} s.")
    assert digest(stack) == before
    # Only what ran was started again; what was there before is kept.
    assert stack.inspect("node")["State"]["Status"] == "exited"
    kept = said.split("is in ")[1].split()[0]
    assert "appendonlydir" in stack.compose("exec", "-T", "store", "ls", kept)
    # And it lasts: the server reads the same from its files once more.
    stack.compose("restart", "store")
    stack.compose("up", "--detach", "--wait", "store")
    assert digest(stack) == before


def test_it_is_taken_while_the_node_trades_and_the_node_comes_back_with_it(stack: Stack) -> None:
    stack.compose("up", "--detach", "--wait", "node")
    stack.until_stage("trading")
    name = backup(stack)
    assert stack.until_stage("trading", seconds=1)
    stack.run("make", "--no-print-directory", "restore", f"BACKUP={name}")
    stack.until_stage("trading")


def test_the_store_is_up_all_the_while(stack: Stack) -> None:
    started = stack.inspect("store")["State"]["StartedAt"]
    backup(stack)
    assert stack.inspect("store")["State"]["StartedAt"] == started


def test_others_cannot_read_a_backup(stack: Stack) -> None:
    assert (stack.project / backup(stack)).stat().st_mode & 0o077 == 0


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def turn_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def something_else(path: Path) -> None:
    path.write_text("This is no backup.", encoding="utf-8")


@pytest.mark.parametrize("damage", [cut_off, turn_a_byte, something_else])
def test_a_damaged_backup_changes_nothing(stack: Stack, damage: object) -> None:
    path = stack.project / backup(stack)
    assert callable(damage)
    damage(path)
    before = {
        service: stack.inspect(service)["State"]["StartedAt"] for service in ("store", "node")
    }
    said = stack.run("sh", "scripts/restore", str(path), code=65)
    assert "nothing was changed" in said
    assert {s: stack.inspect(s)["State"]["StartedAt"] for s in before} == before


def test_what_cannot_start_any_more_comes_back_by_a_restore(stack: Stack) -> None:
    """A damaged append-only file: the store is started again and again, and so is the node."""
    name = backup(stack)
    stack.compose("stop", "node", "store")
    damage = "printf XXXX >>/data/appendonlydir/$(ls /data/appendonlydir | grep incr)"
    stack.compose("run", "--rm", "--no-deps", "-T", "--entrypoint", "sh", "store", "-c", damage)
    stack.compose("start", "store")
    deadline = time.monotonic() + 60
    while "restarting" not in stack.compose("ps", "--all", "--format", "{{.State}}", "store"):
        assert time.monotonic() < deadline, "The store reads a file that is damaged."
        time.sleep(0.1)
    stack.run("sh", "scripts/restore", name)
    assert stack.inspect("store")["State"]["Health"]["Status"] == "healthy"
    stack.compose("up", "--detach", "--wait")
    assert stack.until_stage("trading")


def test_another_trader_s_backup_is_refused(stack: Stack) -> None:
    name = backup(stack)
    other = {"TRADER_ID": "NOBODY-001"}
    stack.compose("stop", "node")
    said = stack.run("sh", "scripts/restore", name, code=65, environment=other)
    assert "The backup holds nothing of NOBODY-001." in said
    assert "nothing was changed" in said
    stack.compose("up", "--detach", "--wait")
    assert stack.ask("EXISTS", "trader-OTHER-001:orders:O-1") == "1"


def test_an_interrupted_restore_starts_again_what_ran(stack: Stack) -> None:
    stack.until_stage("trading")
    name = backup(stack)
    restore = Process(["sh", "scripts/restore", name], stack.project, inherits=stack.environment)
    restore.until_seen(lambda: stack.inspect("node")["State"]["Status"] != "running", 60)
    code = restore.stop(seconds=SECONDS_TO_RESTORE)
    assert code == 130, restore.everything()
    assert "Interrupted; what ran is started again." in restore.everything()
    assert stack.until_stage("trading")


def test_an_interrupted_restore_does_not_start_empty(stack: Stack) -> None:
    """As if the restore had ended between taking the old files away and putting the new ones."""
    name = backup(stack)
    stack.compose("stop", "node", "store")
    move = "mkdir /data/restoring && mv /data/appendonlydir /data/was"
    stack.compose("run", "--rm", "--no-deps", "-T", "--entrypoint", "sh", "store", "-c", move)
    stack.compose("up", "--detach", "store")
    deadline = time.monotonic() + 30
    while "A restore was interrupted: run make restore again." not in stack.compose(
        "logs", "store"
    ):
        assert time.monotonic() < deadline, "The store did not say why it does not start."
        time.sleep(0.1)
    said = stack.run("sh", "scripts/restore", name)
    assert "Restored" in said
    stack.compose("up", "--detach", "--wait")
    assert stack.until_stage("trading")


@pytest.mark.parametrize(
    ("command", "code", "why"),
    [
        (("scripts/restore",), 64, "BACKUP="),
        (("scripts/restore", "backups/none.rdb"), 64, "There is no backup"),
        (("scripts/backup", "one", "two"), 64, "at most one FILE"),
        (("scripts/backup", "compose.yaml"), 64, "is there already"),
        (("scripts/backup", "no/such/folder/x.rdb"), 64, "cannot be written"),
    ],
)
def test_wrong_usage(stack: Stack, command: tuple[str, ...], code: int, why: str) -> None:
    assert why in stack.run("sh", *command, code=code)


def test_a_store_that_loads_its_files_is_not_healthy(stack: Stack) -> None:
    """Else a node would be started at it, which takes the empty answers for the truth."""
    stack.compose("stop", "node", "store")
    # A millisecond for each key: ten seconds for these.
    slow = ("run", "--detach", "--rm", "--no-deps", "store", "--key-load-delay", "1000")
    container = stack.compose(*slow).split()[-1]
    ask = ("docker", "exec", container, "sh", "/etc/store/ask", "PING")
    try:
        deadline = time.monotonic() + 60
        answers = [stack.run(*ask, code=None)]
        while answers[-1]:
            answers.append(stack.run(*ask, code=None))
            assert time.monotonic() < deadline, (
                f"It did not come to an end of loading: {answers[-1]}"
            )
            time.sleep(0.2)
        assert any(answer.startswith("LOADING") for answer in answers), answers
        stack.run(*ask)
    finally:
        stack.run("docker", "stop", container)
    stack.compose("up", "--detach", "--wait")


def test_no_backup_of_a_store_that_does_not_run(stack: Stack) -> None:
    stack.compose("stop", "node", "store")
    assert "The store does not run" in stack.run("sh", "scripts/backup", code=75)

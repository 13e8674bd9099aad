"""Which tests start processes; the others are `make test-quick`.

They ask what can be asked of code without a bake, a node, an exchange or a store of its own.
"""

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent

START_PROCESSES = (
    *("stack/", "stock_nodes/", "template/", "guides/test_guides.py", "guides/test_table.py"),
    "guides/test_walk.py",
    *("drill/test_archive.py", "drill/test_child.py", "drill/test_warm.py"),
    *("drill/test_command_line.py", "drill/test_compose.py"),
    *("drill/test_containers.py", "node/test_alerts.py", "node/test_health.py"),
    "node/test_told.py",
    "node/test_history.py",
    *(
        "node/test_bad_",
        "node/test_archive.py",
        "node/test_archive_command.py",
        "node/test_archive_node.py",
        "node/test_books_commands.py",
        "node/test_doctor.py",
        "node/test_state_command.py",
        "node/test_status_page.py",
        "node/test_taxes_commands.py",
        "node/test_notify_node.py",
        "node/test_store_address.py",
        "node/test_mend_",
        "node/test_preflight",
        "node/test_quarantine.py",
    ),
    *("drill/test_drill.py", "drill/test_every_crash_point.py", "drill/test_explore.py"),
    *("drill/test_lives.py", "drill/test_mutants.py", "drill/test_naming.py"),
    *(
        "drill/test_proxy.py",
        "drill/test_random.py",
        "drill/test_report.py",
        "drill/test_report_in_chromium.py",
    ),
    "drill/test_testing.py",
    *("drill/test_scenarios.py", "drill/test_store.py", "drill/test_store_faults.py"),
    *("exchange/test_adapter_schemas.py", "exchange/test_bad_clients.py", "exchange/test_ccxt"),
    *("exchange/test_cli.py", "exchange/test_control.py", "exchange/test_durability.py"),
    *("exchange/test_faults", "exchange/test_history.py", "exchange/test_limits.py"),
    *("exchange/test_market_data.py", "exchange/test_matching_over_sockets.py"),
    *("exchange/test_official_samples.py", "exchange/test_page.py", "exchange/test_rest.py"),
    *("exchange/test_rust_adapter.py", "exchange/test_signing.py", "exchange/test_soak.py"),
    *("exchange/test_streams.py", "exchange/test_ws_api.py", "exchange/test_funding.py"),
    "exchange/test_countdown.py",
)
"""Folders and modules whose tests start processes; a test of any other that does so fails."""

FIXTURES = frozenset({"exchange", "processes", "store", "user"})
"""What starts them for whoever asks for it: a node and all around it, or an exchange."""

STARTS = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"})

_started: list[str] = []
_shared = 0
_before = pytest.StashKey[int]()


@contextmanager
def shared_by_all() -> Iterator[None]:
    """Count no process that is started in here: whichever test came first would be blamed."""
    global _shared
    _shared += 1
    try:
        yield
    finally:
        _shared -= 1


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if event in STARTS and not _shared:
        _started.append(" ".join(str(argument) for argument in arguments[:2]) or event)


sys.addaudithook(_hear)


def starts_processes(path: Path) -> bool:
    """Say whether the tests of a module may start processes."""
    return path.is_relative_to(TESTS) and path.relative_to(TESTS).as_posix().startswith(
        START_PROCESSES
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what starts processes, so that `-m "not processes"` leaves it out."""
    for item in items:
        if starts_processes(item.path) or FIXTURES & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.processes)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember what had been started before the test's first fixture."""
    item.stash[_before] = len(_started)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Fail a test that started a process without being among those that may.

    What is started while the fixtures end is not counted: those of a module or of the whole run
    end with whichever test is the last.
    """
    started = _started[item.stash[_before] :]
    yield
    if started and item.get_closest_marker("processes") is None:
        pytest.fail(
            f"It started {started[0]}, so it is none for `make test-quick`: mark it with "
            "`processes`, or name its module in START_PROCESSES of tests/quick.py."
        )

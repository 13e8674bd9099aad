"""`make test-quick` is quick because none of its tests starts a process."""

import subprocess
import sys
from pathlib import Path

import pytest

from baking import TEMPLATE, clean_environment
from quick import START_PROCESSES, TESTS

STARTING = (
    "import subprocess, sys\n\n{0}def start():\n    subprocess.run([sys.executable, '-c', ''])\n"
)
IN_A_TEST = "\ndef test_it():\n    start()\n"
IN_A_FIXTURE = "\ndef test_it(start):\n    pass\n"
FIXTURE = "import pytest\n\n@pytest.fixture(scope='session')\n"


@pytest.mark.parametrize("entry", START_PROCESSES)
def test_what_is_named_is_there(entry: str) -> None:
    """A name that is left over would let a new test of that name start what it likes."""
    modules = [path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")]
    assert [name for name in modules if name.startswith(entry)]


@pytest.mark.parametrize(
    ("test", "passes"),
    [
        (STARTING.format("") + IN_A_TEST, False),
        (STARTING.format(FIXTURE) + IN_A_FIXTURE, False),
        (STARTING.format("") + "import pytest\n\n@pytest.mark.processes" + IN_A_TEST, True),
        ("def test_it():\n    pass\n", True),
    ],
    ids=["in the test", "in a fixture", "declared", "none"],
)
def test_a_test_that_starts_a_process_must_say_so(tmp_path: Path, test: str, passes: bool) -> None:
    (tmp_path / "test_it.py").write_text(test, encoding="utf-8")
    (tmp_path / "conftest.py").write_text("from quick import *\n", encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = processes\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**clean_environment(), "PYTHONPATH": str(TEMPLATE / "tests")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == (0 if passes else 1), done.stdout
    assert passes or "name its module in START_PROCESSES" in done.stdout

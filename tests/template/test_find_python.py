"""`find-python` finds a Python that the project runs on, or says in one sentence why not."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from baking import PROJECT

SCRIPT = PROJECT / "scripts" / "find-python"
NEEDED = "CPython 3.12, 3.13 or 3.14"

Fake = Callable[..., Path]
Find = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """Make commands that are this Python, but say that they are of another version or make."""

    def make(name: str, version: str, lie: str = "pass", folder: Path | None = None) -> Path:
        path = (folder or tmp_path / "bin") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        numbers = tuple(int(part) for part in version.split("."))
        program = f"import sys; sys.version_info = {numbers}; {lie}; exec(sys.stdin.read())"
        path.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c \"{program}\"\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Run the script where nothing but the fakes is to be found."""

    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        shell = shutil.which("sh")
        assert shell is not None
        return subprocess.run(
            [shell, str(SCRIPT)],
            env={"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home"), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_a_project_may_need_a_newer_one(fake: Fake, tmp_path: Path) -> None:
    """The engine says which one is the oldest, and pyproject.toml has it."""
    (tmp_path / "scripts").mkdir()
    copy = shutil.copy(SCRIPT, tmp_path / "scripts" / "find-python")
    (tmp_path / "pyproject.toml").write_text('requires-python = ">=3.13,<3.15"\n', encoding="utf-8")
    shell = shutil.which("sh")
    assert shell is not None
    environment = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")}

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [shell, copy], env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    fake("python3.12", "3.12.4")
    refused = run()
    assert refused.returncode == 78
    assert "CPython 3.13 or 3.14 with venv is needed" in refused.stderr
    wanted = fake("python3.13", "3.13.1")
    assert run().stdout == f"{wanted}\n"


def assert_refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 78
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert NEEDED in result.stderr
    assert "install one" in result.stderr
    for word in words:
        assert word in result.stderr


def test_none_at_all_is_said(find: Find) -> None:
    assert_refused(find(), "found none")


def test_too_old_and_too_new_are_said_with_their_versions(fake: Fake, find: Find) -> None:
    fake("python3", "3.11.7")
    fake("python", "3.15.0")
    assert_refused(find(), "3.11.7", "3.15.0")


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ("sys.modules['ensurepip'] = None", "without venv"),
        ("sys.modules['venv'] = None", "without venv"),
        ("sys.implementation.name = 'pypy'", "not CPython"),
        ("import sysconfig; sysconfig.get_config_var = lambda name: 1", "free-threaded"),
    ],
)
def test_what_could_not_run_the_project_is_refused(
    fake: Fake, find: Find, lie: str, reason: str
) -> None:
    fake("python3", "3.13.1", lie)
    assert_refused(find(), "3.13.1", reason)


def test_a_command_that_does_not_start_is_passed_over(
    tmp_path: Path, fake: Fake, find: Find
) -> None:
    right = fake("python3.12", "3.12.1")
    broken = tmp_path / "bin" / "python3.13"
    broken.write_text("#!/bin/sh\necho not chosen here >&2\nexit 127\n", encoding="utf-8")
    broken.chmod(0o755)
    result = find()
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{right}\n", "")


def test_of_several_on_the_path_the_preferred_is_taken(fake: Fake, find: Find) -> None:
    for name, version in [
        ("python3", "3.12.9"),
        ("python3.12", "3.12.1"),
        ("python3.14", "3.14.0"),
    ]:
        fake(name, version)
    preferred = fake("python3.13", "3.13.0")
    assert find().stdout == f"{preferred}\n"
    preferred.unlink()
    assert find().stdout.endswith("/python3.12\n")


def test_an_unversioned_name_will_do(fake: Fake, find: Find) -> None:
    fake("python3", "3.11.2")
    right = fake("python", "3.14.0")
    assert find().stdout == f"{right}\n"


def test_versions_of_pyenv_are_found_without_being_on_the_path(
    tmp_path: Path, fake: Fake, find: Find
) -> None:
    fake("python3", "3.11.7")
    versions = tmp_path / "pyenv" / "versions"
    for version in ("3.11.7", "3.12.1", "3.13.0"):
        fake("python3", version, folder=versions / version / "bin")
    result = find(PYENV_ROOT=str(tmp_path / "pyenv"))
    assert result.stdout == f"{versions}/3.13.0/bin/python3\n"


def test_versions_of_uv_are_found(tmp_path: Path, fake: Fake, find: Find) -> None:
    right = fake("python3", "3.13.2", folder=tmp_path / "uv")
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(f'#!/bin/sh\necho "{right}"\n', encoding="utf-8")
    uv.chmod(0o755)
    assert find().stdout == f"{right}\n"


def test_the_named_one_is_the_only_candidate(tmp_path: Path, fake: Fake, find: Find) -> None:
    fake("python3.13", "3.13.0")
    mine = fake("mine", "3.12.4", folder=tmp_path / "a folder")
    assert find(PYTHON=str(mine)).stdout == f"{mine}\n"
    old = fake("old", "3.9.1")
    assert_refused(find(PYTHON="old"), str(old), "3.9.1")
    assert_refused(find(PYTHON=str(tmp_path / "absent")), "absent")


def test_a_real_one_is_found() -> None:
    result = subprocess.run(
        ["sh", str(SCRIPT)], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    version = subprocess.run(
        [result.stdout.strip(), "-c", "import sys; print(*sys.version_info[:2])"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert version.stdout.split() in (["3", "12"], ["3", "13"], ["3", "14"])

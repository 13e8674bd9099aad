"""The make targets do what they say, whatever the package is called and the folder."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from baking import PROJECT, TEMPLATE, BakedProject, bake, clean_environment

PACKAGES = ["a", "z_last_of_all", "m" * 40]

MakeVenv = Callable[..., subprocess.CompletedProcess[str]]


# -- a real bake --------------------------------------------------------------------------------


def ended_well(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_a_bake_sets_up_and_passes_its_checks(tmp_path: Path, package: str) -> None:
    slug = package.replace("_", "-")
    output = tmp_path / "a folder"
    output.mkdir()
    project = bake(output, project_slug=slug, package_name=package, author_name='O\'Brien "x" \\')

    started = time.monotonic()
    ended_well(project.make("setup"))
    made = time.monotonic()
    ended_well(project.make("check"))
    checked = time.monotonic()
    print(f"make setup {made - started:.1f} s, make check {checked - made:.1f} s")

    # What the metadata asks for is what the locks hold, and the commands are there.
    ended_well(project.run(".venv/bin/python", "-m", "pip", "check"))
    for command in (slug, "recovery-drill", "simulated-exchange"):
        ended_well(project.run(f".venv/bin/{command}", "--help"))

    # A second call is instant and changes nothing, not even answers of this machine.
    example = project.read(".env.example").splitlines()
    own = {line for line in project.read(".env").splitlines() if line not in example}
    assert {line.partition("=")[0] for line in own if not line.startswith("#")} == {
        "COMPOSE_PROJECT_NAME",
        "NODE_IMAGE",
        "EXCHANGE_IMAGE",
    }
    (project.path / ".env").write_text("TRADER_ID=MINE-001\n", encoding="utf-8")
    started = time.monotonic()
    assert ended_well(project.make("setup")) == ""
    assert time.monotonic() - started < 2
    assert project.read(".env") == "TRADER_ID=MINE-001\n"


def test_a_check_fails_on_what_it_checks(tmp_path: Path, baked_project: BakedProject) -> None:
    """Ruff's rules and format and mypy see the package, the drill and the tests."""
    project = BakedProject(tmp_path / "copy")
    shutil.copytree(baked_project.path, project.path)
    bin_folder = Path(sys.executable).parent
    commands = [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]]
    for folder in (f"src/{project.package}", "drill/simulated_exchange", "drill/recovery_drill"):
        path = project.path / folder / "wrong.py"
        path.write_text('"""Wrong."""\nimport os\nx : int = ""\n', encoding="utf-8")
        for command in commands:
            if command == ["mypy"]:
                continue
            result = project.run(str(bin_folder / command[0]), *command[1:], "--no-cache", ".")
            assert result.returncode == 1
            assert f"{folder}/wrong.py" in result.stdout
    types = project.run(str(bin_folder / "mypy"), "--no-incremental")
    assert types.returncode == 1
    for folder in (f"src/{project.package}", "drill/simulated_exchange", "drill/recovery_drill"):
        assert f"{folder}/wrong.py:3: error" in types.stdout


def test_no_suitable_python_is_one_sentence(tmp_path: Path, baked_project: BakedProject) -> None:
    project = BakedProject(tmp_path / "copy")
    shutil.copytree(baked_project.path, project.path)
    result = project.make("setup", "PYTHON=/nowhere/python")
    assert result.returncode == 2
    said, after = result.stderr.splitlines()
    assert "CPython 3.12, 3.13 or 3.14" in said
    assert "/nowhere/python" in said
    assert after.startswith("make: ***")
    assert "78" in after
    assert not (project.path / ".venv").exists()


# -- make-venv ----------------------------------------------------------------------------------


def wheel(folder: Path, version: str) -> str:
    """Write a wheel of a distribution without code, and return its hash."""
    name = f"nothing-{version}"
    path = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        info = f"{name}.dist-info"
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: nothing\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text(f"nothing==1.0 --hash=sha256:{wheel(tmp_path, '1.0')}\n", encoding="utf-8")
    return path


@pytest.fixture
def make_venv(tmp_path: Path) -> MakeVenv:
    """Call the script offline, with this Python."""

    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        offline: Mapping[str, str] = {
            **clean_environment(),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": tmp_path.as_uri(),
            "PYTHON": sys.executable,
        }
        return subprocess.run(
            ["sh", str(PROJECT / "scripts" / "make-venv"), *arguments],
            cwd=tmp_path,
            env={**offline, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call


def installed(venv: Path) -> list[str]:
    return sorted(path.name for path in venv.glob("lib/python*/site-packages/nothing-*"))


def test_an_environment_is_made_once_and_anew_when_the_lock_changes(
    tmp_path: Path, lock: Path, make_venv: MakeVenv
) -> None:
    venv = tmp_path / "my venv"
    first = make_venv("my venv", lock.name)
    assert first.returncode == 0, first.stderr
    assert first.stderr.startswith("Making my venv with Python 3.")
    assert installed(venv) == ["nothing-1.0.dist-info"]
    (venv / "mine").touch()

    again = make_venv("my venv", lock.name)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert make_venv("my venv", lock.name, PYTHON="").stderr == ""
    assert (venv / "mine").exists()

    lock.write_text(f"nothing==2.0 --hash=sha256:{wheel(tmp_path, '2.0')}\n", encoding="utf-8")
    assert make_venv("my venv", lock.name).returncode == 0
    assert installed(venv) == ["nothing-2.0.dist-info"]
    assert not (venv / "mine").exists()


def test_what_was_interrupted_or_broken_is_made_anew(
    tmp_path: Path, lock: Path, make_venv: MakeVenv
) -> None:
    venv = tmp_path / "venv"
    # pip has not run, as after Ctrl-C: the lock names what is not there yet
    named = lock.read_text("utf-8")
    lock.write_text(named.replace("==1.0", "==9.0"), encoding="utf-8")
    assert make_venv("venv", lock.name).returncode != 0
    assert (venv / "bin" / "python").exists()
    lock.write_text(named, encoding="utf-8")
    assert make_venv("venv", lock.name).returncode == 0
    assert installed(venv) == ["nothing-1.0.dist-info"]
    # the Python that it was made with was removed
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to("/nowhere/python3")
    assert make_venv("venv", lock.name).returncode == 0
    assert (venv / "bin" / "python").exists()


def test_an_activated_environment_can_replace_itself(
    tmp_path: Path, lock: Path, make_venv: MakeVenv
) -> None:
    assert make_venv("venv", lock.name).returncode == 0
    lock.write_text(f"nothing==2.0 --hash=sha256:{wheel(tmp_path, '2.0')}\n", encoding="utf-8")
    activated = os.pathsep.join([str(tmp_path / "venv" / "bin"), os.environ["PATH"]])
    again = make_venv("venv", lock.name, PYTHON="", PATH=activated)
    assert again.returncode == 0, again.stderr
    assert installed(tmp_path / "venv") == ["nothing-2.0.dist-info"]


def test_another_python_is_used_when_asked_for(
    tmp_path: Path, lock: Path, make_venv: MakeVenv
) -> None:
    other = tmp_path / "other-python"
    other.write_text(f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n", encoding="utf-8")
    other.chmod(0o755)
    assert make_venv("venv", lock.name).stderr != ""
    assert make_venv("venv", lock.name, PYTHON=str(other)).stderr != ""
    assert make_venv("venv", lock.name, PYTHON=str(other)).stderr == ""


@pytest.mark.parametrize(
    ("line", "complaint"),
    [("nothing==1.0", "--hash"), (f"nothing==1.0 --hash=sha256:{'0' * 64}", "DO NOT MATCH")],
    ids=["no hash", "another hash"],
)
def test_what_has_not_the_locked_hash_is_not_installed(
    tmp_path: Path, lock: Path, make_venv: MakeVenv, line: str, complaint: str
) -> None:
    lock.write_text(f"{line}\n", encoding="utf-8")
    result = make_venv("venv", lock.name)
    assert result.returncode != 0
    assert complaint in result.stderr
    assert installed(tmp_path / "venv") == []
    assert make_venv("venv", lock.name).returncode != 0


@pytest.mark.parametrize("name", ["mine.txt", "pyvenv.cfg"])
def test_a_folder_of_somebody_else_is_left_alone(
    tmp_path: Path, lock: Path, make_venv: MakeVenv, name: str
) -> None:
    mine = tmp_path / "precious" / name
    mine.parent.mkdir()
    mine.write_text("mine", encoding="utf-8")
    result = make_venv("precious", lock.name)
    assert result.returncode == 78
    assert result.stderr == (
        "precious is not empty and was not made by this project: name another folder in VENV.\n"
    )
    assert [path.name for path in mine.parent.iterdir()] == [name]


# -- the template's own -------------------------------------------------------------------------


def test_the_drill_has_its_own_environment_whatever_make_was_told() -> None:
    said = subprocess.run(
        ["make", "--dry-run", "drill", "VENV=/elsewhere", "ARGS=--mine", "-j2"],
        cwd=TEMPLATE,
        env={**clean_environment(), "VIRTUAL_ENV": "/activated"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    calls = [line for line in said.stdout.splitlines() if "-C " in line]
    assert [line.rpartition(" ")[2] for line in calls] == ["setup", "drill"]
    for line in calls:
        assert line.startswith("MAKEFLAGS= MFLAGS= MAKEOVERRIDES= VENV=.venv ARGS= ")
        assert "/elsewhere" not in line


@pytest.mark.long
def test_the_first_command_of_the_readme_ends_with_its_report(tmp_path: Path) -> None:
    build = tmp_path / "build"
    started = time.monotonic()
    drilled = subprocess.run(
        ["make", "drill", f"BUILD={build}"],
        cwd=TEMPLATE,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    print(f"make drill took {time.monotonic() - started:.0f} s")
    assert drilled.returncode == 0, drilled.stdout + drilled.stderr
    last = drilled.stdout.splitlines()[-1]
    report = last.rpartition(" ")[2]
    assert report.endswith("report.html")
    assert (build / "my-trader" / report).is_file()


@pytest.mark.parametrize("neighbours", [True, False], ids=["with neighbours", "alone"])
def test_ci_hands_on_the_neighbours_that_are_there(tmp_path: Path, neighbours: bool) -> None:
    checkout = tmp_path / "a checkout"
    for name in (".ci/run", f"{PROJECT.name}/scripts/find-python"):
        (checkout / name).parent.mkdir(parents=True)
        shutil.copy2(TEMPLATE / name, checkout / name)
    data = tmp_path / ("sha" + "red") / "data"
    bars = data / "btc-perp-2022-01-1m.csv.gz"
    payloads = data / "binance-usdm-payloads"
    if neighbours:
        payloads.mkdir(parents=True)
        bars.touch()
    make = tmp_path / "bin" / "make"
    make.parent.mkdir()
    make.write_text(
        '#!/bin/sh\necho "$*|${RECORDED_BARS-unset}|${OFFICIAL_PAYLOADS-unset}|$PYTHON"\nexit 7\n',
        encoding="utf-8",
    )
    make.chmod(0o755)
    path = os.pathsep.join([str(make.parent), os.environ["PATH"]])
    told = {
        name: value
        for name, value in clean_environment().items()
        if name not in ("RECORDED_BARS", "OFFICIAL_PAYLOADS")
    }
    result = subprocess.run(
        ["bash", checkout / ".ci" / "run"],
        env={**told, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    command, given_bars, given_payloads, python = result.stdout.rstrip("\n").split("|")
    assert command == "test"
    assert given_bars == (str(bars) if neighbours else "unset")
    assert given_payloads == (str(payloads) if neighbours else "unset")
    assert Path(python).is_file()
    # The tests' own exit code is what CI sees.
    assert result.returncode == 7

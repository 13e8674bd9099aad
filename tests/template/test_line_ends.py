"""Text has LF, whatever git is set to: in the template's checkout, in a bake and in its clones."""

import hashlib
import os
from pathlib import Path

import pytest

from baking import (
    PROJECT,
    TEMPLATE,
    BakedProject,
    bake,
    clean_environment,
    cookiecutter,
    copy_of_the_template,
)
from engine import needs_engine
from workflows import git

AS_ON_WINDOWS = ("-c", "core.autocrlf=true")


def with_windows_ends(folder: Path) -> list[str]:
    """Return the text files that have a CR."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
        and ".git" not in path.parts
        and b"\r" in (text := path.read_bytes())
        and b"\0" not in text
    )


def commit(folder: Path, message: str = "As it stands") -> None:
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it stands, in a repository of its own."""
    folder = copy_of_the_template(tmp_path_factory.mktemp("line-ends") / "template")
    commit(folder)
    return folder


def test_no_file_was_committed_with_windows_line_ends() -> None:
    listed = git(TEMPLATE, "ls-files", "--eol", "--cached", "--others", "--exclude-standard")
    assert [line for line in listed.splitlines() if line.startswith(("i/crlf", "i/mixed"))] == []
    attributes = git(TEMPLATE, "check-attr", "eol", "README.md", f"{PROJECT.name}/scripts/backup")
    assert attributes.count("eol: lf") == 2


def test_a_clone_made_as_on_windows_bakes_and_so_does_a_clone_of_the_bake(
    tmp_path: Path, template: Path
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, *AS_ON_WINDOWS, "clone", "--quiet", str(template), str(clone))
    assert with_windows_ends(clone) == []
    project = bake(tmp_path, clone)
    assert with_windows_ends(project.path) == []
    assert project.read("secrets/store_password")
    commit(project.path)
    second = tmp_path / "second"
    git(tmp_path, *AS_ON_WINDOWS, "clone", "--quiet", str(project.path), str(second))
    assert with_windows_ends(second) == []


def without_attributes(template: Path, folder: Path) -> Path:
    """Check the template out as before it had attributes, with Windows line ends everywhere."""
    old = folder / "old"
    git(folder, "clone", "--quiet", str(template), str(old))
    git(old, "rm", "--quiet", ".gitattributes", f"{PROJECT.name}/.gitattributes")
    git(old, "commit", "--quiet", "--message", "Before")
    checkout = folder / "checkout"
    git(folder, *AS_ON_WINDOWS, "clone", "--quiet", str(old), str(checkout))
    git(checkout, "config", "core.autocrlf", "true")
    git(old, "revert", "--no-edit", "HEAD")
    assert len(with_windows_ends(checkout)) > 200
    return checkout


def test_a_checkout_that_has_windows_line_ends_bakes_lf_all_the_same(
    tmp_path: Path, template: Path
) -> None:
    checkout = without_attributes(template, tmp_path)
    git(checkout, "pull", "--quiet")
    assert f"{PROJECT.name}/scripts/make-settings" in with_windows_ends(checkout)
    project = bake(tmp_path, checkout)
    assert with_windows_ends(project.path) == []
    assert project.read("secrets/store_password")
    (tmp_path / "right").mkdir()
    right = bake(tmp_path / "right", template)
    assert {name: path.read_bytes() for name, path in project.files().items()} == {
        name: path.read_bytes() for name, path in right.files().items()
    }


def test_such_a_bake_changes_no_line_end_of_a_file_that_is_the_users(
    tmp_path: Path, template: Path
) -> None:
    checkout = without_attributes(template, tmp_path)
    project = bake(tmp_path, checkout)
    mine = project.path / "scripts" / "mine.bat"
    mine.write_bytes(b"@echo\r\n")
    assert cookiecutter(tmp_path, checkout, "--overwrite-if-exists").returncode == 0
    assert with_windows_ends(project.path) == ["scripts/mine.bat"]


def test_the_command_of_the_page_gives_a_checkout_its_line_ends(
    tmp_path: Path, template: Path
) -> None:
    checkout = without_attributes(template, tmp_path)
    git(checkout, "pull", "--quiet")
    page = (PROJECT / "docs" / "updating.md").read_text("utf-8")
    first, second = ("git rm -r --cached --quiet .", "git reset --hard")
    assert f"`{first} && {second}`" in page
    git(checkout, *first.split()[1:])
    git(checkout, *second.split()[1:])
    assert with_windows_ends(checkout) == []
    assert git(checkout, "status", "--porcelain") == ""


def test_a_password_written_on_windows_is_the_same_password(
    tmp_path: Path, baked_project: BakedProject
) -> None:
    """What git does not keep has the line ends of the editor that wrote it."""
    server = tmp_path / "stub-server"
    server.write_text("#!/bin/sh\n", encoding="utf-8")
    server.chmod(0o755)
    users = []
    for number, end in enumerate([b"", b"\n", b"\r\n"]):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "store_password").write_bytes(b"one" + end)
        (place / "store_operator_password").write_bytes(b"two" + end)
        script = baked_project.read("deploy/store/start")
        for path, here in [
            ("/run/secrets", place),
            ("/etc/store", baked_project.path / "deploy" / "store"),
            ("/tmp/users.acl", place / "users.acl"),  # noqa: S108 - the container's, replaced here
        ]:
            assert path in script
            script = script.replace(path, str(here))
        (place / "start").write_text(script, encoding="utf-8")
        environment = {
            **clean_environment(),
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "STORE_SERVER": "stub",
            "STORE_APPENDFSYNC": "no",
            "STORE_MAXMEMORY": "1mb",
            "TRADER_ID": "A-1",
        }
        started = baked_project.run("sh", str(place / "start"), environment=environment)
        assert started.returncode == 0, started.stderr
        users.append((place / "users.acl").read_text("utf-8"))
    assert hashlib.sha256(b"one").hexdigest() in users[0]
    assert users[0] == users[1] == users[2]


@needs_engine
def test_compose_reads_settings_that_were_written_on_windows(tmp_path: Path) -> None:
    project = bake(tmp_path)
    read = []
    for end in (b"\n", b"\r\n"):
        settings = (project.path / ".env").read_bytes().replace(b"\r\n", b"\n")
        (project.path / ".env").write_bytes(settings.replace(b"\n", end))
        said = project.run("docker", "compose", "config", environment=clean_environment())
        assert said.returncode == 0, said.stderr
        read.append(said.stdout)
    assert read[0] == read[1]

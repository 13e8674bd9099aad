"""A bake ends as a git repository with a record of its origin, and says what comes next."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from baking import (
    QUESTIONS,
    TEMPLATE,
    BakedProject,
    bake,
    clean_environment,
    cookiecutter,
    copy_of_the_template,
)
from workflows import git

BIN = Path(sys.executable).parent


def said_by(baked: subprocess.CompletedProcess[str]) -> list[str]:
    assert baked.returncode == 0, baked.stderr
    assert baked.stderr == ""
    return [line.strip() for line in baked.stdout.splitlines() if line.strip()]


def test_a_bake_says_what_comes_next(tmp_path: Path) -> None:
    said = said_by(cookiecutter(tmp_path, project_slug="a-1"))
    project = BakedProject(tmp_path / "baked" / "a-1")
    assert said[0] == "a-1 is made. What comes next:"
    (into,) = [line.removeprefix("cd ") for line in said if line.startswith("cd ")]
    assert Path(into) == project.path
    assert [line for line in said if line.startswith("make drill ")]
    assert [line for line in said if line.startswith("git add --all && git commit ")]
    for name in ("README.md", "docs/updating.md"):
        assert name in said[-1]
        assert (project.path / name).is_file()


def test_a_bake_is_a_repository_without_a_commit_and_without_secrets(tmp_path: Path) -> None:
    project = bake(tmp_path)
    assert git(project.path, "symbolic-ref", "--short", "HEAD") == "main\n"
    assert git(project.path, "rev-list", "--all") == ""
    git(project.path, "add", "--all")
    added = git(project.path, "ls-files").splitlines()
    assert {"README.md", ".cruft.json", ".gitattributes"} <= {*added}
    assert [name for name in added if name == ".env" or name.startswith("secrets")] == []
    # What the README says works from here.
    installed = project.run(str(BIN / "pre-commit"), "install", environment=clean_environment())
    assert installed.returncode == 0, installed.stdout + installed.stderr


def test_within_another_repository_none_is_made(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    said = said_by(cookiecutter(tmp_path))
    assert not (tmp_path / "baked" / "my-trader" / ".git").exists()
    # It would add everything of the other one, too.
    assert not [line for line in said if line.startswith("git add")]


def test_a_repository_that_is_there_stays(tmp_path: Path) -> None:
    folder = tmp_path / "baked" / "my-trader"
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=mine")
    said_by(cookiecutter(tmp_path, TEMPLATE, "--overwrite-if-exists"))
    assert git(folder, "symbolic-ref", "--short", "HEAD") == "mine\n"


def test_a_bake_at_a_commit_of_another_repository_makes_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git tells its hooks where it is, and cookiecutter may be called by one."""
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    said_by(cookiecutter(tmp_path))
    assert (tmp_path / "baked" / "my-trader" / ".git").is_dir()


def test_without_git_everything_else_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "cat", "tr", "sed", "od", "mv", "rm", "cp", "mkdir", "chmod", "dirname"):
        (tools / name).symlink_to(shutil.which(name) or name)
    (tools / "basename").symlink_to(shutil.which("basename") or "basename")
    monkeypatch.setenv("PATH", str(tools))
    said = said_by(cookiecutter(tmp_path))
    project = BakedProject(tmp_path / "baked" / "my-trader")
    assert not [line for line in said if line.startswith("git ")]
    assert not (project.path / ".git").exists()
    assert (project.path / ".env").is_file()
    assert project.read("secrets/store_password")
    assert json.loads(project.read(".cruft.json"))["commit"] == "unknown"


def test_the_record_holds_every_answer_and_no_password(tmp_path: Path) -> None:
    questions = {name for name in QUESTIONS if not name.startswith("_")}
    project = bake(tmp_path, author_name='O\'Brien "x" \\', symbol="ETHUSDT")
    state = json.loads(project.read(".cruft.json"))
    answers = state["context"]["cookiecutter"]
    assert {name for name in answers if not name.startswith("_")} == questions
    assert answers["author_name"] == 'O\'Brien "x" \\'
    assert answers["symbol"] == "ETHUSDT"


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("https://me:token@example.org/a/b.git", "https://example.org/a/b.git"),
        ("https://example.org/a/b.git", "https://example.org/a/b.git"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
        ("ssh://git@example.org/a/b.git", "ssh://git@example.org/a/b.git"),
    ],
)
def test_an_address_is_written_down_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, written: str
) -> None:
    """Cloned by cookiecutter, whatever abbreviation it was given: what git calls its origin."""
    template = copy_of_the_template(tmp_path / "template")
    git(template, "init", "--quiet", "--initial-branch=main")
    git(template, "add", "--all")
    git(template, "commit", "--quiet", "--message", "As it stands")
    # Nobody is asked: git takes the folder in the address's place.
    configuration = tmp_path / "gitconfig"
    configuration.write_text(
        f'[url "file://{template}"]\n    insteadOf = {address}\n', encoding="utf-8"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    project = bake(tmp_path, address)
    state = json.loads(project.read(".cruft.json"))
    assert state["template"] == written
    assert state["commit"] == git(template, "rev-parse", "HEAD").strip()
    assert "token" not in project.read(".cruft.json")

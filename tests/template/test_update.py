"""A project takes in a newer template as docs/updating.md says; its user's work stays as it was."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from baking import (
    PROJECT,
    TEMPLATE,
    BakedProject,
    bake,
    clean_environment,
    copy_of_the_template,
)
from workflows import git

CRUFT = Path(sys.executable).parent / "cruft"
BEFORE_UPDATES = "1020043cc38df022ffea69cf824a16ef9d682e96"
"""A commit of the template from before its projects knew what an update leaves alone."""

STRATEGIES = Path("src", "my_trader", "strategies")
IN_TEMPLATE = Path("src", "{{cookiecutter.package_name}}", "strategies")
SKIPPED = 'skip = [".cruft.json", ".env", "backups", "runs", "secrets"]'

type Made = Callable[[Path, Path], BakedProject]


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


def append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def cruft(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call cruft's command line in a folder, with nothing of this user's configuration."""
    return subprocess.run(
        [str(CRUFT), *arguments],
        cwd=folder,
        env={**clean_environment(), "COOKIECUTTER_CONFIG": os.devnull},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it stands, tagged `old`, and a newer one, tagged `new`."""
    folder = copy_of_the_template(tmp_path_factory.mktemp("update") / "template")
    project = folder / PROJECT.name
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "As it stands")
    git(folder, "tag", "old")
    # A newer template: every kind of file, the example in the user's room among them.
    replace(project / "README.md", "## Settings\n", "## All settings\n")
    replace(project / "Makefile", "Say what there is", "Say what else there is")
    replace(project / ".env.example", "NODE_PORT=8080", "NODE_PORT=8082")
    append(project / IN_TEMPLATE / "ema_cross.py", "NEWER = 1\n")
    append(project / "tests" / "test_ema_cross.py", "NEWER = 1\n")
    append(project / "drill" / "recovery_drill" / "newer.py", '"""Newer."""\n')
    append(project / "docs" / "newer.md", "# Newer, for {{ cookiecutter.project_name }}\n")
    append(project / "scripts" / "make-settings", "# Newer\n")
    (project / "drill" / "exchange.md").unlink()
    commit(folder, "Newer")
    git(folder, "tag", "new")
    return folder


def by_cookiecutter(folder: Path, template: Path) -> BakedProject:
    checkout = folder / "template"
    git(folder, "clone", "--quiet", str(template), str(checkout))
    git(checkout, "checkout", "--quiet", "old")
    project = bake(folder, checkout)
    # It was baked from a clone that stands still; updates come from where that came from.
    replace(project.path / ".cruft.json", str(checkout), str(template))
    return project


def by_cruft(folder: Path, template: Path) -> BakedProject:
    made = cruft(
        folder, "create", "--no-input", "--default-config", "--checkout", "old", str(template)
    )
    assert made.returncode == 0, made.stderr
    project = BakedProject(folder / "my-trader")
    git(project.path, "init", "--quiet", "--initial-branch=main")
    assert project.make("settings").returncode == 0
    return project


def used(project: BakedProject) -> BakedProject:
    """Commit it as it was generated, and change it as a user would."""
    commit(project.path, "As generated")
    append(project.path / STRATEGIES / "mine.py", '"""My rule."""\n\nTAG = "MINE"\n')
    append(project.path / STRATEGIES / "ema_cross.py", "TAG = 'MINE'\n")
    append(project.path / "tests" / "test_mine.py", "def test_mine() -> None:\n    assert True\n")
    append(project.path / "tests" / "test_ema_cross.py", "MINE = 1\n")
    append(project.path / "README.md", "\nA line of my own.\n")
    commit(project.path, "Mine")
    append(project.path / ".env", "# mine\nMINE=1\n")
    for name in ("store_password", "api_key"):
        path = project.path / "secrets" / name
        path.unlink(missing_ok=True)
        path.write_text("secret of mine", encoding="utf-8")
    return project


def what_is_the_users(project: BakedProject) -> dict[str, bytes]:
    names = (
        ".env",
        "secrets/*",
        f"{STRATEGIES}/**/*",
        "tests/test_mine.py",
        "tests/test_ema_cross.py",
    )
    paths = [path for name in names for path in project.path.glob(name) if path.is_file()]
    assert len(paths) >= 7
    return {path.relative_to(project.path).as_posix(): path.read_bytes() for path in paths}


def staged(project: BakedProject) -> set[str]:
    return set(git(project.path, "diff", "--cached", "--name-only").splitlines())


def updated(project: BakedProject, *arguments: str) -> None:
    done = cruft(project.path, "update", "--skip-apply-ask", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Good work!" in done.stdout


@pytest.mark.parametrize("made", [by_cookiecutter, by_cruft])
def test_an_update_brings_what_is_new_and_leaves_what_is_the_users(
    tmp_path: Path, template: Path, made: Made
) -> None:
    project = used(made(tmp_path, template))
    before = what_is_the_users(project)
    updated(project)
    assert what_is_the_users(project) == before
    assert staged(project) == {
        *("README.md", "Makefile", ".env.example", "scripts/make-settings"),
        *("drill/recovery_drill/newer.py", "drill/exchange.md", "docs/newer.md"),
    }
    unstaged = git(project.path, "status", "--porcelain").splitlines()
    assert [line for line in unstaged if line[1] != " "] == [" M .cruft.json"]
    readme = project.read("README.md")
    assert "## All settings\n" in readme
    assert readme.endswith("\nA line of my own.\n")
    assert project.read("docs/newer.md") == "# Newer, for My Trader\n"
    assert not (project.path / "drill" / "exchange.md").exists()
    newest = git(template, "rev-parse", "new").strip()
    assert json.loads(project.read(".cruft.json"))["commit"] == newest

    commit(project.path, "Template: updated")
    assert "already up to date" in cruft(project.path, "update").stdout
    assert git(project.path, "status", "--porcelain") == ""


def test_an_update_without_the_list_stages_no_secret_either(tmp_path: Path, template: Path) -> None:
    """The hook makes none for cruft, which would take them for a change of the template."""
    project = by_cookiecutter(tmp_path, template)
    text = project.read("pyproject.toml")
    shorter, times = re.subn(r"(?<=^skip = )\[[^]]*\]", "[]", text, flags=re.MULTILINE)
    assert times == 1
    (project.path / "pyproject.toml").write_text(shorter, encoding="utf-8")
    used(project)
    before = what_is_the_users(project)
    updated(project)
    after = what_is_the_users(project)
    kept = [name for name in before if not name.endswith("ema_cross.py")]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    # A secret in the difference would keep git from merging the rest of it, too.
    assert {"README.md", "Makefile"} <= staged(project)
    assert not {name for name in staged(project) if name.startswith((".env", "secrets"))} - {
        ".env.example"
    }


def test_a_conflict_is_shown_by_git_and_taken_back_by_one_command(
    tmp_path: Path, template: Path
) -> None:
    project = by_cookiecutter(tmp_path, template)
    used(project)
    replace(project.path / "README.md", "## Settings\n", "## My settings\n")
    commit(project.path, "Mine, too")
    before = what_is_the_users(project)
    updated(project)
    status = git(project.path, "status", "--porcelain").splitlines()
    assert "UU README.md" in status
    assert "## My settings" in project.read("README.md")
    assert "## All settings" in project.read("README.md")
    git(project.path, "reset", "--hard")
    assert git(project.path, "status", "--porcelain") == ""
    assert what_is_the_users(project) == before
    assert "## My settings" in project.read("README.md")


def test_a_project_from_before_is_updated_as_the_page_says(tmp_path: Path) -> None:
    """Its bake had no record and no list: the list comes first, then the link."""
    history = tmp_path / "template"
    try:
        git(tmp_path, "clone", "--quiet", str(TEMPLATE), str(history))
        git(history, "checkout", "--quiet", "-B", "now", BEFORE_UPDATES)
    except subprocess.CalledProcessError:
        pytest.skip("needs the template's history, which a shallow clone has not")
    project = bake(tmp_path, history)
    git(history, "checkout", "--quiet", "-B", "now", "-")
    git(history, "rm", "--quiet", "-r", ".")
    copy_of_the_template(history)
    commit(history, "As it stands")

    assert not (project.path / ".cruft.json").exists()
    git(project.path, "init", "--quiet", "--initial-branch=main")
    commit(project.path, "As generated")
    page = (PROJECT / "docs" / "updating.md").read_text("utf-8")
    assert SKIPPED in page
    append(project.path / "pyproject.toml", f"\n[tool.cruft]\n{SKIPPED}\n")
    commit(project.path, "What an update leaves alone")
    append(project.path / "README.md", "\nA line of my own.\n")
    append(project.path / "tests" / "test_mine.py", "def test_mine() -> None:\n    assert True\n")
    append(project.path / ".env", "MINE=1\n")
    before = {
        path: path.read_bytes()
        for path in [project.path / ".env", *(project.path / "secrets").iterdir()]
    }
    linked = cruft(project.path, "link", "--no-input", "--checkout", BEFORE_UPDATES, str(history))
    assert linked.returncode == 0, linked.stderr
    commit(project.path, "Linked")
    updated(project, "--checkout", "now")
    assert {path: path.read_bytes() for path in before} == before
    assert {".gitattributes", "docs/updating.md", "scripts/make-settings"} <= staged(project)
    assert not {name for name in staged(project) if name.startswith((".env", "secrets"))} - {
        ".env.example"
    }
    assert "A line of my own." in project.read("README.md")
    assert (project.path / "tests" / "test_mine.py").is_file()


@pytest.mark.long
def test_an_updated_project_is_drilled(tmp_path: Path, template: Path) -> None:
    project = used(by_cookiecutter(tmp_path, template))
    updated(project)
    commit(project.path, "Template: updated")
    for target in (("setup",), ("drill", "ARGS=kill-holding-position --seed 7")):
        done = project.make(*target)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "Verdict: held." in done.stdout
    # Nothing of the run holds the secret that its nodes sign with: no log, no store, no state.
    secret = b"simulated-" + b"secret"
    files = [path for path in (project.path / "runs").rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files if secret in path.read_bytes()] == []

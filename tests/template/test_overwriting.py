"""A bake over a project takes nothing of its user's, and tools' leftovers do not get into one."""

import fnmatch
import json
import shutil
from pathlib import Path

import pytest

from baking import (
    PROJECT,
    QUESTIONS,
    TEMPLATE,
    BakedProject,
    bake,
    cookiecutter,
    copy_of_the_template,
)

CACHES = ("__pycache__", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache")

RENDERED = PROJECT / "deploy" / "kubernetes"
"""What a namespace and an image are called is an answer."""


def matched(path: Path) -> bool:
    patterns = QUESTIONS["_copy_without_render"]
    assert isinstance(patterns, list)
    name = path.relative_to(PROJECT).as_posix()
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def is_cache(path: Path) -> bool:
    return any(part in CACHES for part in path.relative_to(PROJECT).parts)


def test_no_folder_is_copied_as_a_whole() -> None:
    """For cookiecutter removes such a folder first, with all that its user has put there."""
    folders = [path for path in PROJECT.rglob("*") if path.is_dir() and not is_cache(path)]
    assert folders
    assert [path for path in folders if matched(path)] == []
    assert matched(PROJECT / "drill" / "__pycache__")


def test_drill_and_package_are_copied_without_rendering() -> None:
    for folder in ("drill", "src", ".github", "deploy", "requirements", "scripts"):
        files = [path for path in (PROJECT / folder).rglob("*") if path.is_file()]
        assert files
        left = [path for path in files if not is_cache(path) and not matched(path)]
        assert [path for path in left if RENDERED not in path.parents] == []
    assert any(path.is_file() for path in RENDERED.rglob("*"))


MINE = {
    name: f"{name} of the user\n"
    for name in (
        *("scripts/mine", "deploy/mine.conf", "deploy/store/mine", "deploy/mine/too/deep"),
        *(".github/mine.md", ".github/workflows/mine.yml", "requirements/mine.in"),
        *("drill/mine.py", "drill/recovery_drill/checks/mine.py", "drill/mine/LICENSE"),
        *("src/my_trader/mine.py", "src/my_trader/strategies/mine.py", "src/mine.txt"),
        *("tests/test_mine.py", "tests/test_recovery.py", "docs/mine.md", "mine.txt"),
        *("compose.mine.yaml", ".venv/mine", "runs/mine", "backups/mine.rdb", ".env"),
    )
}


@pytest.mark.parametrize("times", [1, 2])
def test_a_bake_over_a_project_loses_no_file_of_its_user(tmp_path: Path, times: int) -> None:
    project = bake(tmp_path, project_name="My Trader")
    for name, text in MINE.items():
        path = project.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (project.path / "Makefile").write_text("mine\n", encoding="utf-8")
    passwords = project.read("secrets/store_password")
    for _ in range(times):
        baked = cookiecutter(tmp_path, TEMPLATE, "--overwrite-if-exists", project_name="My Trader")
    assert baked.returncode == 0, baked.stderr
    assert {name: project.read(name) for name in MINE} == MINE
    assert project.read("secrets/store_password") == passwords
    assert not list(project.path.glob(".before*"))
    # Everything else is the template's, as the option says.
    assert project.read("Makefile") == (PROJECT / "Makefile").read_text("utf-8")


def test_what_an_interrupted_bake_was_to_keep_is_not_lost(tmp_path: Path) -> None:
    project = bake(tmp_path)
    kept = project.path / ".before-this-bake" / "tests" / "test_mine.py"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine\n", encoding="utf-8")
    again = cookiecutter(tmp_path, TEMPLATE, "--overwrite-if-exists")
    assert again.returncode != 0
    assert f"{kept.parents[1]} holds the files that an interrupted bake" in again.stderr
    assert kept.read_text("utf-8") == "mine\n"
    shutil.rmtree(kept.parents[1])
    assert cookiecutter(tmp_path, TEMPLATE, "--overwrite-if-exists").returncode == 0


def test_what_tools_left_in_the_template_stays_there(tmp_path: Path) -> None:
    template = copy_of_the_template(tmp_path / "template")
    folders = [
        Path(),
        Path("drill", "recovery_drill"),
        Path("src", "{{cookiecutter.package_name}}"),
    ]
    for folder in [*folders, Path("scripts"), Path("tests"), Path("deploy"), Path("requirements")]:
        for cache in CACHES:
            left = template / PROJECT.name / folder / cache / "3.13" / "left.json"
            left.parent.mkdir(parents=True)
            # Neither can be rendered.
            left.write_text(json.dumps({"text": "{{ nothing.known }} {% raw"}), encoding="utf-8")
            (left.parent / "left.bin").write_bytes(bytes(range(256)))
    project = bake(tmp_path, template)
    made = [path.name for path in project.path.rglob("*")]
    assert not {"left.json", "left.bin", *CACHES} & set(made)
    assert {*project.files()} == {*bake_of(tmp_path).files()}


def bake_of(tmp_path: Path) -> BakedProject:
    other = tmp_path / "other"
    other.mkdir()
    return bake(other)

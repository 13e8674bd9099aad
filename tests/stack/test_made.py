"""What a stack needs and git does not keep is made by the bake, and again by ``make setup``."""

import stat
from pathlib import Path

import pytest

from baking import BakedProject, bake

PASSWORDS = ("store_password", "store_operator_password")


@pytest.fixture
def project(tmp_path: Path) -> BakedProject:
    """A fresh bake in a repository of its own."""
    project = bake(tmp_path)
    for command in (
        ("init", "-q"),
        ("config", "user.email", "nobody@example.invalid"),
        ("config", "user.name", "Nobody"),
        ("add", "--all"),
        ("commit", "-q", "-m", "As baked"),
    ):
        done = project.run("git", *command)
        assert done.returncode == 0, done.stderr
    return project


def password(project: BakedProject, name: str) -> str:
    return project.read(f"secrets/{name}")


def test_a_bake_has_its_settings_and_passwords(project: BakedProject) -> None:
    assert project.read(".env") == project.read(".env.example")
    for name in PASSWORDS:
        assert len(password(project, name)) == 48
        # In a URL it stands as it is.
        assert set(password(project, name)) <= set("0123456789abcdef")
    assert password(project, PASSWORDS[0]) != password(project, PASSWORDS[1])


def test_others_on_the_machine_cannot_reach_the_passwords(project: BakedProject) -> None:
    assert stat.S_IMODE((project.path / "secrets").stat().st_mode) == 0o700


def test_git_keeps_neither_settings_nor_passwords(project: BakedProject) -> None:
    tracked = project.run("git", "ls-files").stdout.splitlines()
    assert "compose.yaml" in tracked
    assert not [name for name in tracked if name == ".env" or name.startswith("secrets")]
    assert project.run("git", "status", "--porcelain").stdout == ""


def test_each_bake_has_passwords_of_its_own(project: BakedProject, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = bake(tmp_path / "other")
    for name in PASSWORDS:
        assert password(project, name) != password(other, name)


def test_a_fresh_clone_gets_them_from_make(project: BakedProject, tmp_path: Path) -> None:
    clone = BakedProject(tmp_path / "clone")
    assert project.run("git", "clone", "-q", ".", str(clone.path)).returncode == 0
    assert not (clone.path / ".env").exists()
    made = clone.make("settings")
    assert made.returncode == 0, made.stderr
    assert clone.read(".env") == project.read(".env")
    for name in PASSWORDS:
        assert len(password(clone, name)) == 48


def test_what_is_there_stays(project: BakedProject) -> None:
    before = {name: password(project, name) for name in PASSWORDS}
    (project.path / ".env").write_text("MINE=1\n", encoding="utf-8")
    assert project.make("settings").returncode == 0
    assert {name: password(project, name) for name in PASSWORDS} == before
    assert project.read(".env") == "MINE=1\n"


def test_an_empty_password_is_made_anew(project: BakedProject) -> None:
    path = project.path / "secrets" / PASSWORDS[0]
    path.unlink()
    path.touch()
    assert project.make("settings").returncode == 0
    assert len(password(project, PASSWORDS[0])) == 48


@pytest.mark.parametrize(
    ("store", "image"), [("redis", "redis:8.0"), ("valkey", "valkey/valkey:8.1")]
)
def test_the_store_is_the_one_that_was_asked_for(tmp_path: Path, store: str, image: str) -> None:
    settings = bake(tmp_path, store=store).read(".env").splitlines()
    assert f"STORE_SERVER={store}" in settings
    assert f"STORE_IMAGE={image}" in settings

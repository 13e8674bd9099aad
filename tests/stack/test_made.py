"""What a stack needs and git does not keep is made by the bake, and again by ``make setup``."""

import re
import shutil
import stat
from pathlib import Path

import pytest

from baking import BakedProject, bake

PASSWORDS = ("store_password", "store_operator_password", "store_replication_password")


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


NAMED = re.compile(r"(COMPOSE_PROJECT_NAME|NODE_IMAGE|EXCHANGE_IMAGE)=(.*)")
"""What two clones on one machine must not share."""


def names(project: BakedProject) -> set[str]:
    """Return the names that a clone's containers, volumes and images have."""
    found = dict(NAMED.findall(project.read(".env")))
    assert len(found) == 3
    return set(found.values())


def without_names(project: BakedProject) -> list[str]:
    """Return the settings as the example has them: without names of this clone's own."""
    example = dict(NAMED.findall(project.read(".env.example")))
    own = f"{project.path.name}-[0-9a-f]{{6}}"
    head, project_name, empty, *lines = project.read(".env").splitlines()[1:]
    assert head.startswith("# ")
    assert re.fullmatch(f"COMPOSE_PROJECT_NAME={own}", project_name)
    assert empty == ""
    for number, line in enumerate(lines):
        if line.startswith(("NODE_IMAGE=", "EXCHANGE_IMAGE=")):
            setting, image = line.split("=")
            assert re.fullmatch(f"{own}-{setting.partition('_')[0].lower()}", image)
            lines[number] = f"{setting}={example[setting]}"
    return lines


def test_a_bake_has_its_settings_and_passwords(project: BakedProject) -> None:
    assert without_names(project) == project.read(".env.example").splitlines()
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
    assert without_names(clone) == without_names(project)
    assert names(clone).isdisjoint(names(project))
    for name in PASSWORDS:
        assert len(password(clone, name)) == 48


def test_what_is_there_stays(project: BakedProject) -> None:
    before = {name: password(project, name) for name in PASSWORDS}
    (project.path / ".env").write_text("MINE=1\n", encoding="utf-8")
    assert project.make("settings").returncode == 0
    assert {name: password(project, name) for name in PASSWORDS} == before
    assert project.read(".env") == "MINE=1\n"


@pytest.mark.parametrize("line", ["MINE=1\r\n", "STORE_SERVER=redis\n"])
def test_settings_from_before_there_were_names_keep_their_volumes(
    project: BakedProject, line: str
) -> None:
    """Without a name compose takes the folder's, as it did when those volumes were made."""
    (project.path / ".env").write_bytes(line.encode())
    assert project.make("settings").returncode == 0
    assert (project.path / ".env").read_bytes() == line.encode()


@pytest.mark.parametrize("folder", ["My Trader!", "-a-", "Ä"])
def test_any_folder_gives_a_name_that_compose_takes(tmp_path: Path, folder: str) -> None:
    clone = BakedProject(tmp_path / folder)
    shutil.copytree(bake(tmp_path).path, clone.path)
    (clone.path / ".env").unlink()
    assert clone.make("settings").returncode == 0
    for name in names(clone):
        assert re.fullmatch(r"[a-z0-9](-?[a-z0-9]+)*", name), name


def test_an_image_with_a_name_of_your_own_keeps_it(project: BakedProject) -> None:
    example = project.path / ".env.example"
    text = example.read_text("utf-8").replace("=my-trader-node", "=registry.example/trader:1.4")
    example.write_text(text, encoding="utf-8")
    (project.path / ".env").unlink()
    assert project.make("settings").returncode == 0
    assert "registry.example/trader:1.4" in names(project)


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

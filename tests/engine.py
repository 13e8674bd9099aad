"""The container engine that some tests need: whether there is one, and stacks that run in it."""

import functools
import hashlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from baking import TEMPLATE, clean_environment
from processes import free_port

SECONDS_TO_ANSWER = 20
SECONDS_FOR_DOCKER = 900
BETWEEN_LOOKS = 0.1


@functools.cache
def why_none() -> str:
    """Say why no container can be run here; empty when one can."""
    if shutil.which("docker") is None:
        return "There is no docker command."
    for question in (("version",), ("compose", "version")):
        try:
            answer = subprocess.run(
                ["docker", *question],
                capture_output=True,
                text=True,
                timeout=SECONDS_TO_ANSWER,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"docker {' '.join(question)} did not answer within {SECONDS_TO_ANSWER} s."
        if answer.returncode:
            return f"docker {' '.join(question)}: {answer.stderr.strip().splitlines()[-1:]}"
    return ""


PLACE = hashlib.sha256(os.fsencode(TEMPLATE)).hexdigest()[:8]
"""Tells this clone's images from those that another one builds meanwhile."""
REQUIRED = "ENGINE_REQUIRED"
"""Set where there must be an engine: its tests then fail without one, instead of being skipped."""

needs_engine = pytest.mark.skipif(
    bool(why_none()) and REQUIRED not in os.environ,
    reason=f"needs a container engine: {why_none()}",
)


class Stack:
    """The stack of a baked project, in a compose project of its own and on ports of its own.

    Parameters
    ----------
    project
        The baked project's folder.
    name
        Of the compose project.
    """

    def __init__(self, project: Path, name: str) -> None:
        self.project = project
        self.name = name
        self.node_port, self.exchange_port = free_port(), free_port()
        # What a developer's shell says about a stack of theirs is not for this one.
        names = (project / ".env.example").read_text(encoding="utf-8").splitlines()
        settings = {line.partition("=")[0] for line in names if "=" in line}
        self.environment = {
            **{k: v for k, v in clean_environment().items() if k not in settings},
            "COMPOSE_PROJECT_NAME": name,
            "NODE_PORT": str(self.node_port),
            "EXCHANGE_PORT": str(self.exchange_port),
            "NODE_IMAGE": f"stack-test-{PLACE}-node",
            "EXCHANGE_IMAGE": f"stack-test-{PLACE}-exchange",
        }

    def run(
        self, *command: str, code: int | None = 0, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run a command in the project's folder; return what it printed, both streams together."""
        done = subprocess.run(
            command,
            cwd=self.project,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_FOR_DOCKER,
            check=False,
        )
        if code is not None:
            assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def compose(
        self, *arguments: str, code: int | None = 0, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run a command of ``docker compose``."""
        return self.run("docker", "compose", *arguments, code=code, environment=environment)

    def ask(self, *command: str) -> str:
        """Put a command to the store as its operator."""
        return self.compose("exec", "-T", "store", "sh", "/etc/store/ask", *command).strip()

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what the engine says of a service's container."""
        container = self.compose("ps", "--all", "--quiet", service).strip()
        found: dict[str, Any] = json.loads(self.run("docker", "inspect", container))[0]
        return found

    def get(self, port: int, path: str) -> tuple[int, dict[str, Any]]:
        """Ask a published port; return status and answer."""
        url = f"http://127.0.0.1:{port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def until_stage(self, stage: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until the node says at ``/health`` that it is in a stage; return what it says."""
        deadline, said = time.monotonic() + seconds, "nothing"
        while time.monotonic() < deadline:
            try:
                _, answer = self.get(self.node_port, "/health")
            except (OSError, ValueError) as error:
                said = repr(error)
            else:
                if answer["stage"] == stage:
                    return answer
                said = str(answer)
            time.sleep(BETWEEN_LOOKS)
        pytest.fail(f"The node was not {stage} within {seconds} s but said {said}.")

    def ledger(self) -> dict[str, Any]:
        """Return what the exchange has on its books."""
        return self.get(self.exchange_port, "/_sim/ledger")[1]

    def kill_node(self) -> None:
        """End the node's process inside its container with SIGKILL, as the README does."""
        self.compose("exec", "-T", "node", "sh", "-c", "kill -9 -1")

    def remove(self) -> None:
        """Remove its containers, networks and volumes."""
        self.compose("--profile", "*", "kill", code=None)
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "1")


def own_name(purpose: str) -> str:
    """Return a name for a compose project that no other process has."""
    return f"test-{purpose}-{os.getpid()}"

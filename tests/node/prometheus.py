"""A Prometheus in a container beside the node's processes, with the rules that a bake deploys."""

import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from processes import free_port

SECONDS_FOR_DOCKER = 120
SECONDS_TO_START = 30.0


def images(project: Path) -> dict[str, str]:
    """Return by service the image that compose.yaml names where .env names none."""
    services = yaml.safe_load((project / "compose.yaml").read_text("utf-8"))["services"]
    return {
        name: service["image"].partition(":-")[2].removesuffix("}")
        for name, service in services.items()
        if "monitoring" in service.get("profiles", ())
    }


def command(project: Path, service: str) -> list[str]:
    """Return the deployed arguments of a service."""
    services = yaml.safe_load((project / "compose.yaml").read_text("utf-8"))["services"]
    found: list[str] = services[service]["command"]
    return found


class Container:
    """A container on this machine's own network; ended by `end`."""

    def __init__(self, name: str, *arguments: str) -> None:
        self.name = f"alerts-{name}-{os.getpid()}"
        docker("run", "--detach", "--rm", "--network", "host", "--name", self.name, *arguments)

    def end(self) -> None:
        """Remove it; harmless when it is gone."""
        docker("rm", "--force", self.name)


def docker(*arguments: str) -> str:
    """Run a command of ``docker``; return what it printed."""
    done = subprocess.run(
        ["docker", *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS_FOR_DOCKER,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Prometheus(Container):
    """
    The deployed configuration, asked once a second instead of every five.

    Parameters
    ----------
    project : Path
        The baked project.
    folder : Path
        Where its own configuration is written.
    tells : str
        Where Alertmanager is; nobody is told without.

    """

    def __init__(self, project: Path, folder: Path, tells: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        deployed = project / "deploy" / "monitoring"
        configuration = yaml.safe_load((deployed / "prometheus.yml").read_text("utf-8"))
        every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        configuration["global"] = every
        [whom] = configuration["alerting"]["alertmanagers"]
        whom["static_configs"] = [{"targets": [tells]}] if tells else []
        configuration["scrape_configs"] = [
            {
                "job_name": each["job_name"],
                "file_sd_configs": [
                    {"files": [f"/asked/{each['job_name']}.json"], "refresh_interval": "1s"}
                ],
            }
            for each in configuration["scrape_configs"]
        ]
        (folder / "asked").mkdir(parents=True)
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration), "utf-8")
        (folder / "rules.yml").write_text((deployed / "rules.yml").read_text("utf-8"), "utf-8")
        for each in configuration["scrape_configs"]:
            self.ask(each["job_name"])
        # Another user than this one reads it.
        subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
        super().__init__(
            "prometheus",
            *("--volume", f"{folder}:/etc/prometheus:ro", "--volume", f"{folder}/asked:/asked:ro"),
            *("--tmpfs", "/data:mode=1777"),
            images(project)["prometheus"],
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/data",
            *(each for each in command(project, "prometheus") if "resend-delay" in each),
            f"--web.listen-address=127.0.0.1:{self.port}",
        )
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                self.alerts()
                return
            except OSError:
                assert time.monotonic() < deadline, docker("logs", self.name)
                time.sleep(0.1)

    def ask(self, job: str, **places: str) -> None:
        """Ask these places from now on, each under a name, and no others of this job."""
        told = [
            {"targets": [place], "labels": {"instance": name}} for name, place in places.items()
        ]
        new = self.folder / f"{job}.new"
        new.write_text(json.dumps(told), "utf-8")
        new.chmod(0o644)
        new.replace(self.folder / "asked" / f"{job}.json")

    def get(self, path: str) -> Any:
        """Return what its interface answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=5) as at:
            return json.load(at)["data"]

    def alerts(self, instance: str = "") -> set[str]:
        """Return the names of the alerts that fire, of one instance or of all."""
        return {
            each["labels"]["alertname"]
            for each in self.get("alerts")["alerts"]
            if each["state"] == "firing" and each["labels"].get("instance", "") in ("", instance)
        }

    def until(self, alert: str, instance: str, seconds: float) -> float:
        """Wait until an alert fires; return for how long."""
        began = time.monotonic()
        while alert not in (firing := self.alerts(instance)):
            assert time.monotonic() < began + seconds, f"{alert} does not fire, but {firing}."
            time.sleep(0.1)
        return time.monotonic() - began

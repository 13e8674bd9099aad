"""What the drill lays over a project's ``compose.yaml`` for one play; pure."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recovery_drill.record.contract import PREFIX, SIMULATED, Variable
from recovery_drill.record.policy import FOLDER, Policy, fill_in

STORE, EXCHANGE, NODE = "store", "exchange", "node"
SERVICES = (STORE, EXCHANGE, NODE)
IMAGES = {"NODE_IMAGE": NODE, "EXCHANGE_IMAGE": EXCHANGE}
"""Which setting names the image of which service."""
STORE_PORT, EXCHANGE_PORT, NODE_PORT = 6379, 8090, 8080
DRILL = "drill"
"""The network by which the drill reaches the store, which is not published otherwise."""
STATE = "/state"
JOURNAL = f"{STATE}/journal.jsonl"
ADDRESSES = {
    "store_url": f"redis://trader@{STORE}:{STORE_PORT}",
    "exchange_http": f"http://{EXCHANGE}:{EXCHANGE_PORT}",
    "exchange_ws": f"ws://{EXCHANGE}:{EXCHANGE_PORT}",
    "http_port": str(NODE_PORT),
    "instance_id": "drill",
}


def node_settings(policy: Policy) -> dict[str, str]:
    """Return the node's settings: the project's own, and the simulated profile whatever it says.

    What names the play's folder is left to ``compose.yaml``: a container does not have it.
    """
    given = {name: value for name, value in policy.environment.items() if FOLDER not in value}
    own = {name: fill_in(value, ADDRESSES) for name, value in given.items()}
    return {**own, Variable.PROFILE: SIMULATED}


def overlay(
    policy: Policy, options: Sequence[str], *, store_port: int, market: Path | None = None
) -> dict[str, Any]:
    """Return the overlay of a play.

    Parameters
    ----------
    policy : Policy
        What the node is told.
    options : Sequence[str]
        What the exchange is told: its seed, its history.
    store_port : int
        Where the drill reaches the store, on loopback.
    market : Path, optional
        A file of recorded bars for the exchange.

    """
    serve = ["--host=0.0.0.0", f"--port={EXCHANGE_PORT}", f"--state={STATE}"]
    exchange: dict[str, Any] = {"command": [*serve, *options]}
    if market is not None:
        inside = f"/market/{market.name}"
        mount = {"type": "bind", "source": str(market.resolve()), "target": inside}
        exchange["command"].append(f"--market={inside}")
        exchange["volumes"] = [{**mount, "read_only": True}]
    return {
        "services": {
            STORE: {
                "ports": [f"127.0.0.1:{store_port}:{STORE_PORT}"],
                "networks": {DRILL: {}},
            },
            EXCHANGE: exchange,
            NODE: {"environment": node_settings(policy)},
        },
        "networks": {DRILL: {}},
    }


def own_images(inherited: Mapping[str, str], project: Path) -> dict[str, str]:
    """Return the settings of the images that the drill builds, with names of its own.

    Under a name of the project's file of settings somebody may trade: a build would take it away.
    What the drill's environment names is not built, but drilled as it is.
    """
    place = hashlib.sha256(os.fsencode(project)).hexdigest()[:8]
    return {
        setting: f"recovery-drill-{place}-{service}"
        for setting, service in IMAGES.items()
        if not inherited.get(setting)
    }


def environment_of(
    inherited: Mapping[str, str], policy: Policy, own: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of compose: nothing of another project, and the node's settings.

    What a file of settings beside ``compose.yaml`` says counts for less than this.
    """
    kept = {k: v for k, v in inherited.items() if not k.startswith((PREFIX, "COMPOSE_"))}
    return {**kept, **node_settings(policy), "COMPOSE_PROFILES": SIMULATED, **own}

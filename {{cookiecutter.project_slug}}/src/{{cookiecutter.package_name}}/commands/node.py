"""Ask the node on this machine what it is at and what it has."""

import ipaddress
import os
from dataclasses import dataclass
from typing import Any

import aiohttp

ANSWER_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """
    What answers at the node's HTTP port.

    Parameters
    ----------
    place : str
        Where it was asked.
    health, state : dict[str, Any], optional
        What ``GET /health`` and ``GET /state`` tell; ``None`` when nothing of the kind answers.
    trouble : str
        Why there is no answer, in words and without a full stop; empty when there is one.

    """

    place: str
    health: dict[str, Any] | None = None
    state: dict[str, Any] | None = None
    trouble: str = ""

    @property
    def is_node(self) -> bool:
        """Whether it is a node that answers."""
        return self.health is not None and self.state is not None

    @property
    def stage(self) -> str:
        """What it is at."""
        return str((self.health or {}).get("stage", ""))

    @property
    def reason(self) -> str:
        """Why it is there, in its words."""
        return " ".join(str((self.health or {}).get("reason", "")).split())

    @property
    def trader(self) -> str:
        """Whose node it is; empty when it could not read its settings."""
        return str((self.state or {}).get("trader_id", ""))


async def ask_node(host: str, port: int) -> NodeAnswer:
    """Return what answers at the node's port, within a bound."""
    place = f"{reachable(host)}:{port}"
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    try:
        # No proxy of the environment comes between, as long as it is not asked to.
        async with aiohttp.ClientSession(timeout=timeout) as session:
            health = await _get(session, f"http://{place}/health")
            state = await _get(session, f"http://{place}/state")
    except TimeoutError:
        return NodeAnswer(place, trouble=f"no answer within {ANSWER_SECONDS:.0f} s")
    except aiohttp.ClientConnectorError as error:
        # Not the event loop's words, which are longer and no clearer.
        number = error.os_error.errno
        return NodeAnswer(place, trouble=os.strerror(number) if number else "no connection")
    except (aiohttp.ClientError, OSError, ValueError):
        return NodeAnswer(place, trouble="what answers is not the node")
    if not isinstance(health, dict) or "stage" not in health:
        return NodeAnswer(place, trouble="what answers is not the node")
    if not isinstance(state, dict) or "orders" not in state:
        return NodeAnswer(place, trouble="what answers is not the node")
    return NodeAnswer(place, health, state)


def reachable(host: str) -> str:
    """Return where this machine reaches what listens on `host`."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return f"[{host}]" if address.version == 6 else host


async def _get(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url, allow_redirects=False) as response:
        return await response.json(content_type=None)

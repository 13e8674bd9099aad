"""
Halt, resume and flatten by HTTP: who may, and what is told.

A page in a browser on this machine can send requests to loopback, and a name that leads there today
may have been another's yesterday. So a token alone does not do: a request that comes from another
origin, that names another host or that looks like a form is refused first.
"""

import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from aiohttp import web

from ..config.complaints import PREFIX

MOST_TEXT = 500
MOST_BODY = 10_000
JSON = "application/json"
OWN_SITES = ("same-origin", "none")
HTTP_PORT = 80


class Refused(Exception):
    """
    A request is refused.

    Parameters
    ----------
    status : int
        The status of the answer.
    sentence : str
        Why.

    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Told:
    """
    What a request says.

    Parameters
    ----------
    symbol : str, optional
        Which symbol alone.
    who, why : str
        Whoever says so, and the reason.

    """

    symbol: str | None
    who: str
    why: str


class Control(Protocol):
    """What can be told a node; each returns a sentence, and may raise `Refused`."""

    async def halt(self, told: Told) -> str:
        """Let nothing new be opened."""

    async def resume(self, told: Told) -> str:
        """Let it go on."""

    async def flatten(self, told: Told) -> str:
        """Begin to close everything."""


@dataclass(frozen=True, slots=True)
class Door:
    """
    Who may come in.

    Parameters
    ----------
    token : str, optional
        What whoever may has to show; without one nobody may.
    host, port : str, int
        Where the endpoint listens.

    """

    token: str | None
    host: str
    port: int

    def check(self, headers: Mapping[str, str]) -> None:
        """
        Look at the headers of a request.

        Raises
        ------
        Refused
            If it may not come in.

        """
        named = headers.get("Host", "")
        if not self._is_here(named):
            raise Refused(403, "Commands are taken under a name of this machine's loopback alone.")
        if headers.get("Origin", f"http://{named}") != f"http://{named}":
            raise Refused(403, "A page of another origin gives no commands here.")
        if headers.get("Sec-Fetch-Site", OWN_SITES[0]) not in OWN_SITES:
            raise Refused(403, "A page of another site gives no commands here.")
        kind = headers.get("Content-Type", JSON).partition(";")[0].strip().lower()
        if kind != JSON:
            raise Refused(415, f"The body of a command is {JSON}, no form and no plain text.")
        if not self.token:
            raise Refused(
                404,
                f"This node takes no commands by HTTP: {PREFIX}CONTROL_TOKEN is not set, or the "
                "node does not run.",
            )
        shown = headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(shown, f"Bearer {self.token}".encode()):
            raise Refused(401, "The header Authorization must be: Bearer, a space, the token.")

    def _is_here(self, named: str) -> bool:
        try:
            parts = urlsplit(f"//{named}")
            host, port = parts.hostname or "", parts.port or HTTP_PORT
        except ValueError:
            return False
        if parts.netloc != named or "@" in named or not is_loopback(host):
            return False
        # A container's port is published on the host's loopback under any number.
        return port == self.port or not is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Return whether a host name, or an address, is this machine's own."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read(body: Any) -> Told:
    """
    Return what a body says.

    Raises
    ------
    Refused
        If it is none of a command.

    """
    if not isinstance(body, dict) or not set(body) <= {"symbol", "who", "why"}:
        raise Refused(400, "A command takes symbol, who and why, in one JSON object.")
    for name, value in body.items():
        is_text = isinstance(value, str) and len(value) <= MOST_TEXT and value.isprintable()
        if not is_text:
            raise Refused(400, f"The field {name} must be a text in one line.")
    symbol = body.get("symbol")
    if symbol is not None and re.fullmatch(r"[A-Z0-9]{2,30}", symbol) is None:
        raise Refused(400, "The field symbol must be as the exchange writes it: BTCUSDT.")
    return Told(symbol, body.get("who", "somebody by HTTP"), body.get("why", ""))


def add_commands(application: web.Application, door: Door, control: Control | None) -> None:
    """Serve ``POST /halt``, ``/resume`` and ``/flatten``; without a control nobody may."""
    door = door if control is not None else Door(None, door.host, door.port)

    def serve(do: Callable[[Told], Awaitable[str]] | None, status: int) -> Any:
        async def handle(request: web.Request) -> web.Response:
            try:
                door.check(request.headers)
                if do is None:
                    raise Refused(404, "There is nothing to command.")
                said = await do(read(await _body(request)))
            except Refused as refused:
                return web.json_response({"error": refused.sentence}, status=refused.status)
            return web.json_response({"said": said}, status=status)

        return handle

    for name, status in (("halt", 200), ("resume", 200), ("flatten", 202)):
        application.router.add_post(f"/{name}", serve(getattr(control, name, None), status))


async def _body(request: web.Request) -> Any:
    if not request.can_read_body:
        return {}
    if (request.content_length or 0) > MOST_BODY:
        raise Refused(413, "The body of a command is short.")
    try:
        return await request.json()
    except ValueError:
        raise Refused(400, "The body is no JSON.") from None

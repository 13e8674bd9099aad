"""The HTTP endpoint: ``/health``, ``/state``, ``/metrics``, the status page, and commands."""

import asyncio
import importlib
import os
from collections.abc import Callable
from typing import Any

from aiohttp import web

from ..config.complaints import PREFIX
from ..exit_codes import ExitCode, NodeExit, one_line
from .changes import Changes
from .control import Control, Door, add_commands
from .metrics.snapshot import Snapshot
from .page import add_page
from .stages import Stage, Stages

LONGEST_WAIT_SECONDS = 30.0


async def open_endpoint(
    host: str,
    port: int,
    stages: Stages,
    changes: Changes,
    state: Callable[[str | None], dict[str, Any]],
    status: Callable[[], dict[str, Any]],
    token: str | None = None,
    control: Control | None = None,
    snapshot: Callable[[], Snapshot] | None = None,
) -> web.AppRunner:
    """
    Serve the endpoint until the returned runner is cleaned up.

    ``GET /state?after=R&wait_s=S`` answers when the state's revision is beyond `R`, or after `S`
    seconds, so that whoever compares need not ask again and again. With ``before=CLIENT_ORDER_ID``
    it tells the closed orders before that one. ``GET /`` is the status page, which shows what
    `status` returns, and ``GET /metrics`` tells a `snapshot`, if there is one. Whoever has the
    token may tell the node what `control` can; without a token, or without a control, nobody may.

    Raises
    ------
    NodeExit
        With code 78 when the address cannot be bound.

    """

    async def get_health(_: web.Request) -> web.Response:
        body = {
            "stage": stages.current.value,
            "reason": stages.reason,
            "found": " ".join(stages.found.values()),
        }
        return web.json_response(body, status=200 if stages.current is Stage.TRADING else 503)

    async def get_state(request: web.Request) -> web.Response:
        try:
            after = int(request.query.get("after", -1))
            wait_s = min(float(request.query.get("wait_s", 0)), LONGEST_WAIT_SECONDS)
        except ValueError:
            wrong = {"error": "`after` and `wait_s` must be numbers."}
            return web.json_response(wrong, status=400)
        await changes.after(after, wait_s)
        return web.json_response(state(request.query.get("before")))

    async def get_metrics(request: web.Request) -> web.Response:
        if snapshot is None:
            raise web.HTTPNotFound
        # Read by the first scrape alone, beside the event loop: no start waits for it.
        try:
            text = await asyncio.to_thread(importlib.import_module, f"{__package__}.metrics.text")
            body, content_type = text.answer(snapshot(), request.headers.get("Accept", ""))
        except Exception as error:  # a scrape ends nothing but itself
            reason = f"{type(error).__name__}: {one_line(error)}\n"
            return web.Response(status=500, text=reason)
        return web.Response(body=body, headers={"Content-Type": content_type})

    application = web.Application()
    application.router.add_get("/health", get_health)
    application.router.add_get("/state", get_state)
    application.router.add_get("/metrics", get_metrics)
    add_page(application, changes, status)
    add_commands(application, Door(token, host, port), control)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise NodeExit(ExitCode.CONFIGURATION, cannot_listen(host, port, error)) from None
    return runner


def cannot_listen(host: str, port: int, error: OSError) -> str:
    """Return in a sentence that the endpoint's address cannot be used, and what to do."""
    # Not its own words: those differ by who has tried to listen.
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return (
        f"The HTTP address {host}:{port} cannot be used ({reason}); "
        f"free it or set {PREFIX}HTTP_PORT to another port."
    )

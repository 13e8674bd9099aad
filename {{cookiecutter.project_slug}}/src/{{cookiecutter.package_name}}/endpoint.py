"""The HTTP endpoint: ``/health`` for supervisors, ``/state`` for whoever compares."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from .exit_codes import ExitCode, NodeExit
from .settings import PREFIX, Settings
from .stages import Stage, Stages


async def open_endpoint(
    settings: Settings, stages: Stages, state: Callable[[], dict[str, Any]]
) -> web.AppRunner:
    """
    Serve the endpoint until the returned runner is cleaned up.

    Raises
    ------
    NodeExit
        With code 78 when the address cannot be bound.

    """

    async def get_health(_: web.Request) -> web.Response:
        body = {"stage": stages.current.value, "reason": stages.reason}
        return web.json_response(body, status=200 if stages.current is Stage.TRADING else 503)

    async def get_state(_: web.Request) -> web.Response:
        return web.json_response(state())

    application = web.Application()
    application.router.add_get("/health", get_health)
    application.router.add_get("/state", get_state)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.http_host, settings.http_port).start()
    except OSError as error:
        await runner.cleanup()
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"The HTTP address {settings.http_host}:{settings.http_port} cannot be used "
            f"({error.strerror}); free it or set {PREFIX}HTTP_PORT to another port.",
        ) from None
    return runner

"""
Hold: stay up without trading, and say why.

A supervisor that starts again whatever ends cannot tell one end from another. Where no restart
helps, such a node would start for ever; held, it fails its health check with the reason.
"""

import asyncio
import os
import signal
import time

from .. import __version__
from ..config.settings import HoldSettings
from ..exit_codes import NodeExit, complain
from ..face.answers import Known
from ..face.changes import Changes
from ..face.endpoint import open_endpoint
from ..face.metrics.snapshot import Snapshot
from ..face.stages import Stage, Stages
from ..face.state import NodeState, document
from ..face.status import Status
from ..face.status import document as status_document
from ..face.versions import versions
from ..plan.rows import Rows


def hold_alone(refusal: NodeExit, settings: HoldSettings) -> None:
    """Hold a node that has not begun, until SIGTERM or SIGINT."""

    async def main() -> None:
        asked_to_stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked_to_stop.set)
        await hold(refusal, settings, asked_to_stop)

    asyncio.run(main())


async def hold(refusal: NodeExit, settings: HoldSettings, asked_to_stop: asyncio.Event) -> None:
    """
    Stay in the stage ``refused`` and answer the endpoint until asked to stop.

    Parameters
    ----------
    refusal : NodeExit
        Why; its sentence has been written already.
    settings : HoldSettings
        Where the endpoint is.
    asked_to_stop : asyncio.Event
        Ends it.

    """
    stages, changes, began = Stages(), Changes(), time.time()
    endpoint = None
    try:
        endpoint = await open_endpoint(
            settings.http_host,
            settings.http_port,
            stages,
            changes,
            lambda _before: document(
                NodeState(
                    pid=os.getpid(),
                    instance_id=settings.instance_id,
                    revision=changes.revision,
                    stage=stages.current.value,
                ),
                Rows(),
            ),
            lambda: status_document(
                Status(
                    Known(stages.current, time.monotonic(), stages.reason),
                    pid=os.getpid(),
                    revision=changes.revision,
                    instance_id=settings.instance_id,
                    versions=versions(),
                )
            ),
            snapshot=lambda: Snapshot(
                version=__version__,
                stage=stages.current.value,
                stages=tuple(Stage),
                started=began,
            ),
        )
    except NodeExit as error:
        complain(f"The node is held without an endpoint. {error.sentence}")
    # After the endpoint is open: whoever reads the line may ask at once.
    stages.enter(Stage.REFUSED, refusal.sentence)
    await asked_to_stop.wait()
    if endpoint is not None:
        await endpoint.cleanup()

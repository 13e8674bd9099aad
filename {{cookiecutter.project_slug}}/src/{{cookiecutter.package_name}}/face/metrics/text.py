"""The answer to ``GET /metrics``: a snapshot in the format that whoever asks can read."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder

from .samples import families
from .snapshot import Snapshot


class _Once:
    """A collector of one snapshot; no registry of the library's own is used."""

    def __init__(self, told: Snapshot) -> None:
        self._told = told

    def collect(self) -> Iterator[Metric]:
        """Yield its metrics."""
        return families(self._told)


def answer(told: Snapshot, accept: str) -> tuple[bytes, str]:
    """
    Return body and content type.

    Parameters
    ----------
    told : Snapshot
        What is told.
    accept : str
        The header ``Accept`` of the request.

    """
    registry = CollectorRegistry()
    registry.register(_Once(told))
    ProcessCollector(registry=registry)  # memory, processor time and open files of this process
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type

"""Read a trader's keys out of the store, and decode them; no engine is started, nothing written."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
import redis.exceptions

from ..config.settings import Settings
from ..engine.chosen import store_format
from ..engine.mending.stored import Stored
from ..engine.stored import RawKey
from ..exit_codes import ExitCode, NodeExit, one_line
from ..guards.mend.marker import KEY
from ..guards.mend.reading import NAMES, TooMuch, read_keys
from ..guards.quarantine import Quarantined, list_all
from ..guards.store import place_of

ANSWER_SECONDS = 10.0
"""How long the store may take for one chunk of questions."""


@dataclass(frozen=True, slots=True)
class TraderKeys:
    """
    What the store has of one trader.

    Parameters
    ----------
    keys : Mapping[str, RawKey]
        All of them, by their names without the prefix.
    stored : Stored
        What they hold.
    quarantined : list[Quarantined]
        What has been put aside, oldest first.

    """

    keys: Mapping[str, RawKey]
    stored: Stored
    quarantined: list[Quarantined]

    @property
    def format_name(self) -> str:
        """What the store's mark says of the format; empty without a mark that can be read."""
        raw = self.keys.get(KEY)
        try:
            return str(json.loads(raw.value)["format"])  # type: ignore[union-attr, arg-type]
        except (AttributeError, KeyError, TypeError, ValueError):
            return ""


def counted(count: int, what: str) -> str:
    """Return how many there are, in words: ``1 order``, ``2,000 orders``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def read_trader(settings: Settings) -> TraderKeys:
    """
    Return what the store has of the trader; this blocks: call it in a thread.

    Raises
    ------
    NodeExit
        With code 75 when the store is away, 78 when it refuses, or has more than can be read.

    """
    form = store_format(settings.id)
    with opened(settings) as client:
        try:
            keys = read_keys(client, form.prefix)
        except TooMuch as error:
            raise NodeExit(ExitCode.CONFIGURATION, f"{error}.") from None
        return TraderKeys(keys, form.read(keys), list_all(client, settings.id))


@contextmanager
def opened(settings: Settings, **options: Any) -> Iterator[redis.Redis]:
    """
    Open a connection to the store for one look.

    Raises
    ------
    NodeExit
        With code 75 when the store is away, 78 when it refuses.

    """
    client = redis.Redis.from_url(
        settings.store_url.get_secret_value(),
        socket_connect_timeout=ANSWER_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        protocol=2,
        encoding_errors=NAMES,
        retry=None,
        **options,
    )
    try:
        yield client
    except (redis.exceptions.AuthenticationError, redis.exceptions.NoPermissionError) as error:
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"{place_of(settings)} does not let this user look ({one_line(error)}).",
        ) from None
    except (redis.exceptions.RedisError, OSError) as error:
        raise NodeExit(ExitCode.AWAY, f"{place_of(settings)} is away: {one_line(error)}.") from None
    finally:
        client.close()

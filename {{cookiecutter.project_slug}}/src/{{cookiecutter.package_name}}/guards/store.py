"""
Look at the store before the engine is built.

The engine hangs on a store that is away, and cannot be interrupted then.
"""

import asyncio
import ssl
from urllib.parse import urlsplit

import redis.asyncio
import redis.exceptions

from ..config.complaints import PREFIX
from ..config.settings import Settings
from ..exit_codes import ExitCode, NodeExit, one_line
from .guard import Start
from .store_settings import doubts, settings_complaints, store_facts

STORE_SECONDS = 3.0


async def check_store(start: Start) -> None:
    """
    Ping the store, write a key that expires at once, and look at how the store keeps things.

    Raises
    ------
    NodeExit
        With one sentence for each way in which a store cannot be used.

    """
    place = place_of(start.settings)
    facts = await ask_store(start.settings)
    for sentence in settings_complaints(facts):
        raise NodeExit(ExitCode.CONFIGURATION, f"{place} {sentence}.")
    for sentence in doubts(facts):
        start.note(f"{place} {sentence}.")


def place_of(settings: Settings) -> str:
    """Return which store it is, as the beginning of a sentence."""
    parts = urlsplit(settings.store_url.get_secret_value())
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"The store at {host}:{parts.port or 6379}"


async def ask_store(settings: Settings) -> dict[str, str]:
    """
    Ping the store, write a key that expires at once, and return how the store is set.

    Raises
    ------
    NodeExit
        With code 75 when it is away or takes no writes, 78 when it can never be used like this.

    """
    place = place_of(settings)
    client = redis.asyncio.Redis.from_url(
        settings.store_url.get_secret_value(),
        socket_connect_timeout=STORE_SECONDS,
        socket_timeout=STORE_SECONDS,
        retry=None,
    )
    try:
        async with asyncio.timeout(STORE_SECONDS):
            await client.ping()
            # Outside the engine's own keys, which begin with "trader-".
            await client.set(f"preflight:{settings.id}", b"", px=1)
            return await store_facts(client)
    except (redis.exceptions.AuthenticationError, redis.exceptions.NoPermissionError) as error:
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"{place} refuses the user name or password ({one_line(error)}); "
            f"correct {PREFIX}STORE_URL or {PREFIX}STORE_PASSWORD.",
        ) from None
    except redis.exceptions.BusyLoadingError:
        raise NodeExit(
            ExitCode.AWAY, f"{place} is still loading its data; start again soon."
        ) from None
    except redis.exceptions.ReadOnlyError:
        # Not a wrong configuration yet: so it is for a moment when another takes a primary's place.
        raise NodeExit(
            ExitCode.AWAY,
            f"{place} is a read-only replica; if it stays one, point {PREFIX}STORE_URL at its "
            "primary.",
        ) from None
    except redis.exceptions.ResponseError as error:
        raise NodeExit(ExitCode.AWAY, f"{place} takes no writes: {one_line(error)}.") from None
    except TimeoutError:
        raise NodeExit(
            ExitCode.AWAY, f"{place} did not answer within {STORE_SECONDS:.0f} s."
        ) from None
    except (redis.exceptions.RedisError, OSError) as error:
        if certificate := _refused_certificate(error):
            raise NodeExit(
                ExitCode.CONFIGURATION,
                f"{place} has a certificate that is not believed ({certificate}): the engine takes "
                "those of public authorities alone; give it one, or let the way to it be encrypted "
                "outside of the node (docs/going-live.md).",
            ) from None
        raise NodeExit(ExitCode.AWAY, f"{place} is away: {one_line(error)}.") from None
    finally:
        await client.aclose()


def _refused_certificate(error: BaseException | None) -> str:
    """Return why the store's certificate was refused, if that is what has failed."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return one_line(error.verify_message)
        error = error.__cause__ or error.__context__
    return ""

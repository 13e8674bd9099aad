"""Read the settings of this process, once, at the start."""

import contextlib
import os
import uuid
from collections.abc import Mapping
from typing import Any

from dotenv import dotenv_values
from pydantic_settings import BaseSettings

from .complaints import PREFIX, ConfigurationError
from .own import OWN_PREFIX, OwnSettings
from .settings import HIGHEST_PORT, HoldSettings, OnRefusal, Settings


def load_settings[Own: OwnSettings](
    own: type[Own], env_file: str | None = ".env"
) -> tuple[Settings, Own]:
    """
    Return the settings of this process: the template's, and those of its strategies.

    Raises
    ------
    ConfigurationError
        If anything is missing, wrong, or not known at all: all of it at once.

    """
    environment = _environment(env_file)
    sentences = _unknown_names(environment, PREFIX, Settings)
    sentences += _unknown_names(environment, OWN_PREFIX, own)
    loaded: list[Any] = []
    for kind in (Settings, own):
        try:
            loaded.append(kind(_env_file=env_file))
        except ConfigurationError as error:
            sentences += error.sentences
    if sentences:
        raise ConfigurationError(sentences)
    settings, own_settings = loaded
    return settings, own_settings


def load_hold_settings(env_file: str | None = ".env") -> HoldSettings:
    """Return what can be read of settings that are wrong, and defaults for the rest."""
    environment: Mapping[str, str | None] = os.environ
    with contextlib.suppress(ConfigurationError):
        environment = _environment(env_file)
    # As pydantic finds them: in any case.
    given = {name.upper(): value for name, value in environment.items()}
    fields = Settings.model_fields
    port = given.get(f"{PREFIX}HTTP_PORT") or ""
    is_port = port.isdecimal() and 0 < int(port) <= HIGHEST_PORT
    hold = given.get(f"{PREFIX}ON_REFUSAL") == OnRefusal.HOLD
    return HoldSettings(
        on_refusal=OnRefusal.HOLD if hold else OnRefusal.EXIT,
        http_host=given.get(f"{PREFIX}HTTP_HOST") or fields["http_host"].default,
        http_port=int(port) if is_port else fields["http_port"].default,
        instance_id=given.get(f"{PREFIX}INSTANCE_ID") or str(uuid.uuid4()),
    )


def _environment(env_file: str | None) -> dict[str, str | None]:
    """Return what the environment and, beneath it, the file set."""
    try:
        return {**(dotenv_values(env_file) if env_file else {}), **os.environ}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise ConfigurationError([f"{env_file} cannot be read: {reason}."]) from None


def _unknown_names(
    environment: Mapping[str, str | None], prefix: str, kind: type[BaseSettings]
) -> list[str]:
    known = {prefix + name.upper() for name in kind.model_fields}
    return [
        f"{name} is not a setting of this node; correct the name or remove it."
        for name in sorted(environment)
        if name.startswith(prefix) and name not in known
    ]

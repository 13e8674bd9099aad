"""
Settings from the environment (prefix ``TRADER_``), an ``.env`` file, and files for secrets.

They are validated once, at the start. Every error is found at once and is one plain sentence.
"""

import os
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import (
    AfterValidator,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import SettingsConfigDict

from ..plan.kept_days import LEAST_DAYS, USUAL_DAYS
from .complaints import PREFIX, ConfigurationError, sentence
from .limits import LimitSettings
from .live import live_complaints
from .notify import NotifySettings, notify_complaints
from .profiles import (
    SIMULATED_KEY,
    SIMULATED_SECRET,
    Profile,
    key_complaints,
    proxy_complaints,
    secret_complaints,
    url_complaints,
)
from .secret_files import complete_store_url, plain, read_secret_files

HIGHEST_PORT = 65_535
FEWEST_TOKEN_LETTERS = 16


class OnRefusal(StrEnum):
    """What to do where no restart helps: end with code 78, or stay up without trading."""

    EXIT = "exit"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class HoldSettings:
    """
    What a node that refuses to trade must know, so that it can say so.

    Parameters
    ----------
    on_refusal : OnRefusal
        Whether it stays up.
    http_host, http_port : str, int
        Where its endpoint is.
    instance_id : str
        The name of this process among its restarts.

    """

    on_refusal: OnRefusal
    http_host: str
    http_port: int
    instance_id: str


def _trader_id(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)+", value) is None:
        raise ValueError("needs the form NAME-TAG, for example TRADER-001")
    return value


def _symbol(value: str) -> str:
    if re.fullmatch(r"[A-Z0-9]{2,30}", value) is None:
        raise ValueError("needs a symbol as the exchange writes it, for example BTCUSDT")
    return value


def _token(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if re.fullmatch(r"[!-~]+", text) is None or len(text) < FEWEST_TOKEN_LETTERS:
        raise ValueError(f"needs {FEWEST_TOKEN_LETTERS} letters and digits at least, at random")
    return value


def _store_url(value: SecretStr) -> SecretStr:
    parts = _split(value.get_secret_value(), ("redis", "rediss"), "redis://127.0.0.1:6379")
    if parts.path not in ("", "/", "/0"):
        raise ValueError("must not name a database: the engine always uses database 0")
    if parts.query or parts.fragment:
        raise ValueError("must end after the port: the engine reads no options of a URL")
    if parts.username and not parts.password:
        raise ValueError(
            f"has a user name without a password, which the engine cannot use; "
            f"give one as {PREFIX}STORE_PASSWORD or {PREFIX}STORE_PASSWORD_FILE"
        )
    return value


def _http_url(value: str) -> str:
    _split(value, ("http", "https"), "http://127.0.0.1:8090")
    return value.rstrip("/")


def _ws_url(value: str) -> str:
    _split(value, ("ws", "wss"), "ws://127.0.0.1:8090")
    return value.rstrip("/")


def _split(value: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    complaint = f"needs a URL such as {example}"
    try:
        parts = urlsplit(value)
        usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a broken IPv6 address
        usable = False
    if not usable:
        raise ValueError(complaint)
    return parts


class Settings(LimitSettings, NotifySettings):
    """
    Everything that the node must be told.

    Raises
    ------
    ConfigurationError
        If anything is missing or wrong: all of it at once.

    """

    # What is empty counts as not given: compose passes on what has no value in .env.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    profile: Profile
    id: Annotated[str, AfterValidator(_trader_id)]
    instance_id: str = Field(default_factory=lambda: str(uuid.uuid4()), min_length=1)
    symbol: Annotated[str, AfterValidator(_symbol)]
    order_quantity: Decimal = Field(default=Decimal("0.010"), gt=0)
    store_url: Annotated[SecretStr, AfterValidator(_store_url)]
    store_url_file: Path | None = None
    store_password: SecretStr | None = None
    """Completes `store_url`, which holds it once the settings are read."""
    store_password_file: Path | None = None
    exchange_http_url: Annotated[str, AfterValidator(_http_url)]
    exchange_ws_url: Annotated[str, AfterValidator(_ws_url)]
    api_key: str = SIMULATED_KEY
    api_key_file: Path | None = None
    api_secret: SecretStr = SecretStr(SIMULATED_SECRET)
    api_secret_file: Path | None = None
    live_acknowledgement: str = ""
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=1, le=HIGHEST_PORT)
    control_token: Annotated[SecretStr, AfterValidator(_token)] | None = None
    """Lets whoever has it halt, resume and flatten by HTTP; without one nobody can."""
    control_token_file: Path | None = None
    state_folder: Path = Path("state")
    """Where a halt stands on this machine's disk."""
    archive_directory: Path | None = None
    archive_days: int = Field(default=USUAL_DAYS, ge=LEAST_DAYS, le=3650)
    """How long what has ended stays in the store; the exchange tells of seven days."""
    startup_timeout_seconds: float = Field(default=60, ge=1, le=3600)
    on_refusal: OnRefusal = OnRefusal.EXIT
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @model_validator(mode="wrap")
    @classmethod
    def _all_errors_at_once(
        cls, values: Any, handler: ModelWrapValidatorHandler["Settings"]
    ) -> "Settings":
        given = dict(values)
        unread = read_secret_files(given)
        errors = _profile_errors(given) | unread  # what was not read cannot be wrong, too
        sentences = [each for found in errors.values() for each in found]
        sentences += _proxy_errors(given) + complete_store_url(given)
        sentences += notify_complaints(given.get("notify_urls_file"))
        settings = None
        try:
            settings = handler(given)
        except ValidationError as error:
            sentences += [sentence(dict(each)) for each in error.errors()]
        if settings is not None and settings.profile is Profile.LIVE:
            sentences += live_complaints(settings, settings.live_acknowledgement)
        if sentences or settings is None:
            raise ConfigurationError(sorted(set(sentences)))
        return settings

    @property
    def archive_folder(self) -> Path:
        """Where this trader's archive is."""
        return (self.archive_directory or self.state_folder / "archive") / self.id

    def secrets(self) -> Iterator[str]:
        """Yield what must be written nowhere."""
        for value in (self.store_password, self.control_token, self.api_secret, self.store_url):
            if value is None:
                continue
            text = value.get_secret_value()
            if value is self.store_url:
                password = urlsplit(text).password or ""
                yield password
                yield unquote(password)
            else:
                yield text

    def hold_settings(self) -> HoldSettings:
        """Return the part that a node needs to refuse."""
        return HoldSettings(self.on_refusal, self.http_host, self.http_port, self.instance_id)


def _profile_errors(given: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return by setting what its profile forbids."""
    if given.get("profile") not in list(Profile):
        return {}  # its own sentence says so
    profile = Profile(given["profile"])
    key, secret = plain(given.get("api_key")), plain(given.get("api_secret"))
    complaints = {
        "api_key": key_complaints(profile, key, secret),
        "api_secret": secret_complaints(profile, secret),
    }
    for name in ("exchange_http_url", "exchange_ws_url"):
        if isinstance(url := given.get(name), str):
            complaints[name] = url_complaints(profile, name, url)
    return {
        name: [f"{PREFIX}{name.upper()} {complaint}." for complaint in found]
        for name, found in complaints.items()
    }


def _proxy_errors(given: Mapping[str, Any]) -> list[str]:
    """Return what the proxies of the environment, which the engine finds by itself, would break."""
    if given.get("profile") not in list(Profile):
        return []  # its own sentence says so
    urls = (given.get("exchange_http_url"), given.get("exchange_ws_url"))
    return [
        f"{name} {complaint}."
        for url in urls
        if isinstance(url, str)
        for name, complaint in proxy_complaints(Profile(given["profile"]), url, os.environ)
    ]

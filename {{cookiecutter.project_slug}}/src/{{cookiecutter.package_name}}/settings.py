"""
Settings from the environment (prefix ``TRADER_``), an ``.env`` file, and files for secrets.

They are validated once, at the start. Every error is found at once and is one plain sentence.
"""

import contextlib
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from .exit_codes import ExitCode, NodeExit
from .profiles import (
    SIMULATED_KEY,
    SIMULATED_SECRET,
    Profile,
    key_complaints,
    profile_complaints,
    proxy_complaints,
    secret_complaints,
    url_complaints,
)

PREFIX = "TRADER_"
HIGHEST_PORT = 65_535
SECRETS = ("api_key", "api_secret", "store_password", "store_url")
"""Settings that may be given as a file: ``TRADER_API_KEY_FILE`` names the file with the key."""


class ConfigurationError(NodeExit):
    """The settings cannot be used; the sentence has one line an error."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(ExitCode.CONFIGURATION, "\n".join(sentences))
        self.sentences = sentences


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


def _store_url(value: SecretStr) -> SecretStr:
    parts = _split(value.get_secret_value(), ("redis", "rediss"), "redis://127.0.0.1:6379")
    if parts.path not in ("", "/", "/0"):
        raise ValueError("must not name a database: the engine always uses database 0")
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


class Settings(BaseSettings):
    """
    Everything that the node must be told.

    Raises
    ------
    ConfigurationError
        If anything is missing or wrong: all of it at once.

    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore")

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
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=1, le=HIGHEST_PORT)
    startup_timeout_seconds: float = Field(default=60, ge=1, le=3600)
    on_refusal: OnRefusal = OnRefusal.EXIT
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @model_validator(mode="wrap")
    @classmethod
    def _all_errors_at_once(
        cls, values: Any, handler: ModelWrapValidatorHandler["Settings"]
    ) -> "Settings":
        given = dict(values)
        unread = _read_secret_files(given)
        errors = _profile_errors(given) | unread  # what was not read cannot be wrong, too
        sentences = [sentence for found in errors.values() for sentence in found]
        sentences += _proxy_errors(given) + _complete_store_url(given)
        settings = None
        try:
            settings = handler(given)
        except ValidationError as error:
            sentences += [_sentence(dict(each)) for each in error.errors()]
        if sentences or settings is None:
            raise ConfigurationError(sorted(set(sentences)))
        return settings

    def hold_settings(self) -> HoldSettings:
        """Return the part that a node needs to refuse."""
        return HoldSettings(self.on_refusal, self.http_host, self.http_port, self.instance_id)


def load_settings(env_file: str | None = ".env") -> Settings:
    """
    Return the settings of this process.

    Raises
    ------
    ConfigurationError
        If anything is missing, wrong, or not known at all.

    """
    unknown = _unknown_names(_environment(env_file))
    try:
        settings = Settings(_env_file=env_file)
    except ConfigurationError as error:
        raise ConfigurationError(unknown + error.sentences) from None
    if unknown:
        raise ConfigurationError(unknown)
    return settings


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


def _unknown_names(environment: Mapping[str, str | None]) -> list[str]:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return [
        f"{name} is not a setting of this node; correct the name or remove it."
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in known
    ]


def _read_secret_files(given: dict[str, Any]) -> dict[str, list[str]]:
    """Put the contents of secret files into `given`; a file wins over a plain value."""
    errors = {}
    for name in SECRETS:
        path = given.get(f"{name}_file")
        if not path:
            continue
        try:
            content = Path(path).read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            errors[name] = [f"{PREFIX}{name.upper()}_FILE cannot be read: {path}: {reason}."]
        else:
            if content.strip():
                given[name] = content
                continue
            errors[name] = [f"{PREFIX}{name.upper()}_FILE names an empty file: {path}."]
        # One sentence is enough: what stands in for the secret is never used.
        given[name] = "redis://unread" if name == "store_url" else "unread"
    return errors


def _complete_store_url(given: dict[str, Any]) -> list[str]:
    """Put the store's password into its URL, quoted: there it is where every client looks."""
    url, password = _plain(given.get("store_url")), _plain(given.get("store_password"))
    if not url or not password:
        return []
    try:
        parts = urlsplit(url)
    except ValueError:
        return []  # the URL's own sentence says so
    if parts.password:
        return [
            f"{PREFIX}STORE_PASSWORD is given and {PREFIX}STORE_URL holds a password, too; "
            "remove one of them."
        ]
    user, _, place = parts.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}:{quote(password, safe='')}@{place}"
    given["store_url"] = urlunsplit(parts._replace(netloc=netloc))
    return []


def _plain(value: Any) -> str | None:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _profile_errors(given: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return by setting what its profile forbids."""
    if given.get("profile") not in list(Profile):
        return {}  # its own sentence says so
    profile = Profile(given["profile"])
    key, secret = _plain(given.get("api_key")), _plain(given.get("api_secret"))
    complaints = {
        "profile": profile_complaints(profile),
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


def _sentence(error: dict[str, Any]) -> str:
    name = PREFIX + str(error["loc"][0]).upper() if error["loc"] else "The settings"
    if error["type"] == "missing":
        if name in (f"{PREFIX}EXCHANGE_HTTP_URL", f"{PREFIX}EXCHANGE_WS_URL"):
            return f"{name} is not set; it has no default, so that none leads to a real exchange."
        return f"{name} is not set."
    reason = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "enum":
        reason = f"must be {error['ctx']['expected']}"
    if error["type"] == "string_pattern_mismatch":
        reason = "must be DEBUG, INFO, WARNING or ERROR"
    if error["type"] == "value_error":
        return f"{name} {reason}."
    return f"{name} is wrong: {reason[0].lower()}{reason[1:]}."


def store_credentials(url: SecretStr) -> tuple[str, int, str | None, str | None, bool]:
    """
    Return host, port, user name, password and whether TLS is used, of a store URL.

    User name and password are quoted: the engine puts them into a URL of its own as they are.
    """
    parts = urlsplit(url.get_secret_value())
    return (
        parts.hostname or "127.0.0.1",
        parts.port or 6379,
        _quoted(parts.username) if parts.username else None,
        _quoted(parts.password) if parts.password else None,
        parts.scheme == "rediss",
    )


def _quoted(part: str) -> str:
    return quote(unquote(part), safe="")

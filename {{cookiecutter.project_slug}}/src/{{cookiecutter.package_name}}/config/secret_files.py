"""Secrets: from files, into the store's URL, and out of it for the engine."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from pydantic import SecretStr

from .complaints import PREFIX

SECRETS = ("api_key", "api_secret", "control_token", "store_password", "store_url")
"""Settings that may be given as a file: ``TRADER_API_KEY_FILE`` names the file with the key."""

UNREAD = "unread-unread-unread"


def read_secret_files(given: dict[str, Any]) -> dict[str, list[str]]:
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
        given[name] = "redis://unread" if name == "store_url" else UNREAD
    return errors


def complete_store_url(given: dict[str, Any]) -> list[str]:
    """Put the store's password into its URL, quoted: there it is where every client looks."""
    url, password = plain(given.get("store_url")), plain(given.get("store_password"))
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


def plain(value: Any) -> str | None:
    """Return a secret as text."""
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def store_credentials(url: SecretStr) -> tuple[str, int, str | None, str | None, bool]:
    """
    Return host, port, user name, password and whether TLS is used, of a store URL.

    User name and password are quoted, and an IPv6 address stands in brackets: the engine puts them
    into a URL of its own as they are.
    """
    parts = urlsplit(url.get_secret_value())
    host = parts.hostname or "127.0.0.1"
    return (
        f"[{host}]" if ":" in host else host,
        parts.port or 6379,
        _quoted(parts.username) if parts.username else None,
        _quoted(parts.password) if parts.password else None,
        parts.scheme == "rediss",
    )


def _quoted(part: str) -> str:
    return quote(unquote(part), safe="")

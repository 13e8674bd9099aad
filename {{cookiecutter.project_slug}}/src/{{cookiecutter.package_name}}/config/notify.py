"""The settings of notifications: to whom, and which of them, loud or silent."""

from enum import StrEnum
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from .complaints import PREFIX

URLS_FILE = f"{PREFIX}NOTIFY_URLS_FILE"
MOST_URLS = 20


class Volume(StrEnum):
    """How one kind of notification is sent: with a sound, without one, or not at all."""

    ON = "on"
    SILENT = "silent"
    OFF = "off"


class NotifySettings(BaseSettings):
    """Off unless a file names services; it is a file alone, for their addresses hold secrets."""

    notify_urls_file: Path | None = None
    notify_fills: Volume = Volume.SILENT
    notify_stop_outs: Volume = Volume.ON
    notify_conditions: Volume = Volume.ON
    notify_halts: Volume = Volume.ON
    notify_restarts: Volume = Volume.ON
    notify_summary: Volume = Volume.SILENT
    notify_most_a_minute: int = Field(default=20, ge=2, le=600)


def read_urls(path: Path) -> list[tuple[int, str]]:
    """
    Return the addresses that a file holds, each with the number of its line.

    Raises
    ------
    ValueError
        If there are none, or one is no address: one argument a complaint, without the address.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise ValueError(f"{URLS_FILE} cannot be read: {path}: {reason}.") from None
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    found = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not found:
        raise ValueError(f"{URLS_FILE} names a file without an address: {path}.")
    if len(found) > MOST_URLS:
        raise ValueError(f"{URLS_FILE} names {len(found)} addresses; {MOST_URLS} may be there.")
    # The line itself is a secret.
    wrong = [
        f"{URLS_FILE}: line {number} is no address such as ntfys://ntfy.sh/my-topic."
        for number, line in found
        if not scheme_of(line) or len(line.split()) > 1
    ]
    if wrong:
        raise ValueError(*wrong)
    return found


def scheme_of(url: str) -> str:
    """Return what an address begins with, which is no secret; empty when it is none."""
    scheme, found, rest = url.partition("://")
    return scheme.lower() if found and rest and scheme.isalnum() else ""


def notify_complaints(path: object) -> list[str]:
    """Return what is wrong with the file of addresses, in sentences."""
    if not path:
        return []
    try:
        read_urls(Path(str(path)))
    except ValueError as error:
        return [str(each) for each in error.args]
    return []

"""What a case has left in its folder, as links from the page."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

NAMED = (
    ("history.jsonl", "history"),
    ("exchange.jsonl", "exchange's journal"),
    ("store.jsonl", "store's commands"),
    ("schedule.json", "schedule"),
)
OF_THE_STORE = "store/store.log"


@dataclass(frozen=True)
class Link:
    """A file, and where it is from the page."""

    name: str
    href: str


def links_of(folder: Path, place: str, reference: str) -> list[Link]:
    """Return the files of a case and of the undisturbed play that are there.

    Parameters
    ----------
    folder : Path
        The run's, in which the page is.
    place, reference : str
        Where the case and the undisturbed play are in it; the latter may be empty.

    """
    found = [(place, name, called) for name, called in NAMED]
    logs = sorted((folder / place).glob("node-*.log"), key=lambda path: (len(path.name), path.name))
    found += [(place, log.name, f"log of life {log.stem.partition('-')[2]}") for log in logs]
    found += [(place, "exchange.log", "exchange's log"), (place, OF_THE_STORE, "store's log")]
    if reference:
        found += [(reference, "exchange.jsonl", "undisturbed: exchange's journal")]
        found += [(reference, "node-1.log", "undisturbed: node's log")]
    return [
        Link(called, quote(f"{where}/{name}"))
        for where, name, called in found
        if (folder / where / name).is_file()
    ]

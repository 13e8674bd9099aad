"""The lines of a node's log around a moment; pure but for reading the file."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from recovery_drill.report.times import SECOND_NS

BEFORE, AFTER, MOST_LETTERS, MOST_BYTES = 8, 4, 280, 20_000_000
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)[.,]?(\d*)")
WALL = re.compile(r'"wall_ns": ?(\d+)')
LEVEL = re.compile(r"\b(WARN|WARNING|ERROR|CRITICAL)\b")
DRAWN = re.compile(r"[⠀-⣿]|={20}")
"""What a program decorates its log with."""


@dataclass(frozen=True)
class LogLine:
    """One line, and whether it warns."""

    text: str
    kind: str
    at: bool = False


def stamp_of(line: str) -> int | None:
    """Return the wall time (ns) that a line begins with; None when it has none."""
    if found := WALL.search(line):
        return int(found[1])
    if (found := STAMP.search(line[:60])) is None:
        return None
    try:
        second = datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(second.timestamp()) * SECOND_NS + int(found[3][:9].ljust(9, "0") or 0)


def lines_around(lines: Iterable[str], wall_ns: int) -> list[LogLine]:
    """Return the last lines before a moment and the first ones after it.

    A line without a time belongs to the one before it. Where no line has a time, the last ones
    are returned.
    """
    kept = [line for raw in lines if (line := COLOURS.sub("", raw).rstrip())]
    kept = [line for line in kept if not DRAWN.search(line)]
    stamps: list[int] = []
    for line in kept:
        stamps.append(stamp_of(line) or (stamps[-1] if stamps else 0))
    split = sum(stamp <= wall_ns for stamp in stamps) if any(stamps) else len(kept)
    before, after = kept[max(0, split - BEFORE) : split], kept[split : split + AFTER]
    return [*_told(before), *_told(after, later=True)]


def _told(lines: Sequence[str], *, later: bool = False) -> list[LogLine]:
    found = []
    for line in lines:
        level = LEVEL.search(line[:120])
        kind = "" if level is None else ("warning" if level[1].startswith("WARN") else "error")
        short = line if len(line) <= MOST_LETTERS else f"{line[:MOST_LETTERS]}…"
        found.append(LogLine(short, kind, later))
    return found


def read_lines_around(log: Path, wall_ns: int) -> list[LogLine]:
    """Return the lines of a log around a moment; none of a log that is not there, or is huge."""
    try:
        if log.stat().st_size > MOST_BYTES:
            return []
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return lines_around(text.splitlines(), wall_ns)

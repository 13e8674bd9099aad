"""The parts of a drawing; pure.

Places from left to right are per cent of the width and those from top to bottom pixels, so that
one drawing fits a phone and a desk, with letters of one size. What does not fit a phone is shown
on a desk only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NARROW, WIDE = 320.0, 780.0
"""How many pixels a drawing has at least: on a phone, and on a desk."""
LETTER, AROUND = 6.4, 8.0


@dataclass(frozen=True)
class Words:
    """A text, which of its ends stands at the place, and where it is shown: everywhere if empty."""

    x: float
    y: float
    text: str
    kind: str
    anchor: str = "start"
    shown: str = ""
    dx: float = 0.0


@dataclass(frozen=True)
class Box:
    """Something that lasted."""

    x: float
    width: float
    y: float
    height: float
    kind: str
    title: str = ""


@dataclass(frozen=True)
class Line:
    """A line of the grid, a stage that was reached, or a moment from top to bottom."""

    x1: float
    x2: float
    y1: float
    y2: float
    kind: str
    title: str = ""


@dataclass(frozen=True)
class Curve:
    """A path in a field of 1000 by 1000 that is stretched over a panel."""

    y: float
    height: float
    kind: str
    path: str


@dataclass(frozen=True)
class Mark:
    """A fill: its place, and which symbol stands there."""

    x: float
    y: float
    kind: str
    title: str


@dataclass(frozen=True)
class Badge:
    """The number of a moment."""

    x: float
    y: float
    number: int
    kind: str
    title: str


@dataclass(frozen=True)
class Drawing:
    """All parts, with their places."""

    height: float
    label: str
    boxes: tuple[Box, ...] = ()
    lines: tuple[Line, ...] = ()
    curves: tuple[Curve, ...] = ()
    marks: tuple[Mark, ...] = ()
    badges: tuple[Badge, ...] = ()
    words: tuple[Words, ...] = ()


def place(value: float) -> float:
    """Return a place as exact as a drawing needs it."""
    return round(value, 2)


def width_of(text: str) -> float:
    """Return about how many pixels a text takes."""
    return len(text) * LETTER + AROUND


def inside(x: float, width: float, y: float, texts: Sequence[str], kind: str) -> Iterator[Words]:
    """Yield the longest of some texts that fits a box, for a phone and for a desk."""
    chosen = [
        next((t for t in texts if width_of(t) <= width / 100 * pixels), "")
        for pixels in (NARROW, WIDE)
    ]
    shown = ("",) if chosen[0] == chosen[1] else ("narrow", "wide")
    for where, text in zip(shown, chosen, strict=False):
        if text:
            yield Words(place(x + width / 2), y, text, kind, "middle", where)

"""What can be asked of chance: the options of ``random`` and ``soak``."""

from dataclasses import dataclass
from typing import Annotated

from typer import Option

from recovery_drill.options import Epoch, Played, Somewhere, Told, Warm, real, whole


@dataclass(frozen=True, kw_only=True)
class Chance:
    """Where chance begins, and what is done with what it finds."""

    # As in an exploration, most of the time would go into the same imports.
    warm: Warm = True
    seed: Annotated[
        int | None,
        Option(
            metavar="NUMBER",
            parser=whole,
            help="The same number makes the same market and draws the same faults again.",
            show_default="another one each time",
        ),
    ] = None
    epoch: Epoch = None
    shrink: Annotated[
        int,
        Option(
            metavar="NUMBER",
            parser=whole,
            help="How many smaller schedules are tried when one fails.",
        ),
    ] = 40


@dataclass(frozen=True, kw_only=True)
class Random(Somewhere, Chance, Told, Played):
    """``random``: play schedules of several faults that chance has drawn."""

    runs: Annotated[
        int, Option(metavar="NUMBER", parser=whole, help="How many schedules are drawn.")
    ] = 20
    minutes: Annotated[
        float | None,
        Option(
            metavar="NUMBER",
            parser=real,
            help="After so many minutes no further one is begun.",
            show_default=False,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Soak(Somewhere, Chance, Told, Played):
    """``soak``: random runs for hours, in one market after the other."""

    hours: Annotated[
        float, Option(metavar="NUMBER", parser=real, help="How long it goes on, if all holds.")
    ] = 1.0


type AskedOfChance = Random | Soak

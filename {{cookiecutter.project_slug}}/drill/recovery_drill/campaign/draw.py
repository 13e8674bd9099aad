"""Schedules drawn by Hypothesis, and made as small as they can be while they still fail."""

import itertools
from collections.abc import Callable, Sequence
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, Verbosity, find, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import NoSuchExample

from recovery_drill.record.boundary import PHASES, Boundary, CrashPoint, Kind
from recovery_drill.record.drawn import Drawn, Strike
from recovery_drill.scenarios.drawn import MOST_AFTER, MOST_STRIKES, Row

PLACES: tuple[tuple[Kind, str], ...] = (
    *(("request", what) for what in ("order.new", "conditional.new", "conditional.cancel")),
    *(("event", what) for what in ("ORDER_TRADE_UPDATE TRADE", "ACCOUNT_UPDATE", "ALGO_UPDATE")),
    ("store", "RPUSH orders OrderInitialized"),
    *(("store", f"RPUSHX orders Order{what}") for what in ("Submitted", "Accepted", "Filled")),
    *(("store", f"{command} positions") for command in ("RPUSH", "RPUSHX")),
    ("bar", "bar"),
)
"""Where a node is killed in the midst of its work: what every node comes to that trades."""
MOST_NTH = 2
MORE = 4
"""So many times as many are generated as are wanted: Hypothesis begins with the simplest ones."""

MOST_NUMBER = 2**32

type Numbered = tuple[int, Drawn]
type Fails = Callable[[Drawn], bool]


def points() -> list[CrashPoint]:
    """Return where a drawn kill can be."""
    return [
        CrashPoint(Boundary(kind, what, phase), nth)
        for nth in range(1, MOST_NTH + 1)
        for kind, what in PLACES
        for phase in PHASES[kind]
    ]


def schedules(rows: Sequence[Row]) -> st.SearchStrategy[Drawn]:
    """Return the strategy that draws from some of the faults; each group as often as another.

    Kills are drawn three times as often: they can be at more places than there are other faults.
    """
    groups = [list(these) for _, these in itertools.groupby(rows, key=lambda row: row.group)]
    groups = [*groups[:1] * 2, *groups]
    strikes = st.sampled_from(groups).flatmap(st.sampled_from).flatmap(_strikes)
    return st.lists(strikes, min_size=1, max_size=MOST_STRIKES).map(lambda drawn: Drawn((*drawn,)))


def _strikes(row: Row) -> st.SearchStrategy[Strike]:
    return st.builds(
        Strike,
        fault=st.just(row.name),
        after=st.integers(0, MOST_AFTER),
        bars=st.integers(*row.bars),
        kill=st.sampled_from(row.kills),
        at=st.none() | st.sampled_from(points()) if row.group == "kill" else st.none(),
    )


class Finder:
    """Lets Hypothesis draw schedules, always the same ones, and make one of them smaller.

    Each is drawn with a number that stands for nothing. Hypothesis never tries twice what it has
    tried before, and what it draws until it comes to the schedule that is to be made smaller is not
    played: with a number of its own, nothing that is tried from there on was tried before.

    Parameters
    ----------
    rows : Sequence[Row]
        The faults that are drawn from.
    seed : int
        The same draws the same again.
    count : int
        How many schedules are wanted.

    """

    def __init__(self, rows: Sequence[Row], seed: int, count: int) -> None:
        self._strategy = st.tuples(st.integers(0, MOST_NUMBER), schedules(rows))
        self._seed = seed
        self._count = count
        self._numbers: dict[Drawn, int] = {}

    def _find(self, fails: Callable[[Numbered], bool], *phases: Phase) -> Drawn | None:
        how = settings(
            max_examples=MORE * self._count,
            database=None,
            deadline=None,
            phases=phases,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            # Its advice is for those who test it: whoever drills hears of each play.
            verbosity=Verbosity.quiet,
        )
        chance = Random(self._seed)  # noqa: S311 - what is drawn is no secret
        with TemporaryDirectory() as place:
            # What it keeps for itself is of no use here, and must not lie in a user's project.
            set_hypothesis_home_dir(place)
            try:
                _, found = find(self._strategy, fails, settings=how, random=chance)
            except NoSuchExample:
                return None
        return found

    def draw(self) -> list[Drawn]:
        """Draw different schedules, in an order that is drawn as well."""

        def note(numbered: Numbered) -> bool:
            number, drawn = numbered
            self._numbers.setdefault(drawn, number)
            return False

        self._find(note, Phase.generate)
        drawn = list(self._numbers)
        Random(self._seed).shuffle(drawn)  # noqa: S311 - nor is this
        return drawn[: self._count]

    def shrink(self, failing: Drawn, fails: Fails, most: int) -> tuple[Drawn, int]:
        """Make a schedule that was drawn, and fails, as small as it can be.

        Hypothesis gives up after some minutes. Then it is asked again, and told at once what it has
        asked before, so that it goes on from there; no schedule is played twice.

        Parameters
        ----------
        failing : Drawn
            What fails.
        fails : Callable
            Plays a schedule, and returns whether it fails in the same way.
        most : int
            How often it may be asked.

        Returns
        -------
        tuple[Drawn, int]
            The smallest schedule that still fails, and how many were played.

        """
        known = {failing: True}
        its_own = self._numbers[failing]
        smallest = failing
        before = 0
        while before < len(known) <= most:
            before, is_reached = len(known), False

            def ask(numbered: Numbered) -> bool:
                nonlocal is_reached
                number, drawn = numbered
                is_reached = is_reached or numbered == (its_own, failing)
                if not is_reached or number != its_own:
                    return False
                if drawn not in known:
                    if len(known) > most:
                        return False
                    known[drawn] = fails(drawn)
                return known[drawn]

            smallest = self._find(ask, Phase.generate, Phase.shrink) or smallest
        return smallest, len(known) - 1

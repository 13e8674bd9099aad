"""How a run goes on, for whoever waits: one line that changes on a terminal, plain lines else."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status
from rich.text import Text

from recovery_drill.record.schedule import Case
from recovery_drill.record.verdict import ScenarioVerdict
from recovery_drill.report.table import STYLES

SPINNER_CELLS = 2


class Lines:
    """Tells how many of a run's cases are judged, which run now, and how many are broken.

    Parameters
    ----------
    console : Console
        Where to.
    total : int
        How many cases there are.
    brief : bool
        Whether cases that held are told in the changing line only, where there is one.

    """

    def __init__(self, console: Console, total: int, *, brief: bool = False) -> None:
        self._console = console
        self._total = total
        self._brief = brief and console.is_terminal
        self._running: dict[str, float] = {}
        self._done = self._broken = 0
        self._began = time.monotonic()
        self._status: Status | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._began = time.monotonic()
        if self._console.is_terminal:
            self._status = self._console.status("")
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        if self._status is not None:
            self._status.stop()

    def began(self, case: Case) -> None:
        """Tell what is played now."""
        self._running[case.name] = time.monotonic()
        self._update()

    def ended(self, verdict: ScenarioVerdict) -> None:
        """Tell how it was judged."""
        seconds = time.monotonic() - self._running.pop(verdict.name, time.monotonic())
        self._done += 1
        self._broken += verdict.outcome == "broken"
        if not self._brief or verdict.outcome not in ("held", "skipped"):
            line = Text(f"  {self._done} of {self._total}  {verdict.name}: ")
            line.append(verdict.outcome, STYLES[verdict.outcome])
            line.append(f" ({seconds:.1f} s)")
            if self._broken:
                line.append(f"  broken so far: {self._broken}")
            self._console.print(line, soft_wrap=True)
        self._update()

    def _update(self) -> None:
        if self._status is None:
            return
        said = [f"{self._done} of {self._total}", f"{self._broken} broken"]
        if 0 < self._done < self._total:
            spent = time.monotonic() - self._began
            said.append(left(spent / self._done * (self._total - self._done)))
        line = Text(f"{', '.join(said)}; now: {' | '.join(self._running)}")
        # One line, however narrow the terminal: a longer one would leave its upper half behind.
        line.truncate(self._console.width - SPINNER_CELLS, overflow="ellipsis")
        self._status.update(line)


def left(seconds: float) -> str:
    """Say about how long it still takes."""
    if seconds < 90:
        return f"about {round(seconds, -1):.0f} s left"
    return f"about {seconds / 60:.0f} min left"

"""A node that ends says why."""

import re
from collections.abc import Iterator

from recovery_drill.record.contract import FAILURES, Stage
from recovery_drill.record.evidence import Evidence, Life

# The last line of a traceback: ``ValueError: no such order``.
TRACEBACK = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit|Warning)(:.*)?")


def failure_is_told(evidence: Evidence) -> Iterator[str | None]:
    """Judge each life that ended by itself: by a code of the contract, and one line that says why.

    Whoever runs the node has the code and that line and nothing else to act on. A first life that
    never traded shows nothing of recovery, and is not judged.
    """
    for life in evidence.lives:
        if life.how != "by itself" or life.said is None or _could_not_start(life):
            continue
        ended = f"Life {life.number} of the node ended by itself with code {life.exit_code}"
        if life.exit_code not in FAILURES:
            yield f"{ended}, which is none of {', '.join(map(str, map(int, FAILURES)))}."
        elif not life.said:
            yield f"{ended} and wrote no line that says why."
        elif TRACEBACK.fullmatch(life.said):
            yield f"{ended} and left a traceback, not a line that says why: {life.said}."
        else:
            yield None


def _could_not_start(life: Life) -> bool:
    return life.number == 1 and life.reached(Stage.TRADING) is None

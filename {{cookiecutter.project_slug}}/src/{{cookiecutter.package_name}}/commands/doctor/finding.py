"""What `doctor` has found: one plain sentence a finding, and the fix beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ...exit_codes import ExitCode, NodeExit

SCHEMA = 1
WORST_FIRST = (ExitCode.CONFIGURATION, ExitCode.DEFECT, ExitCode.REFUSED, ExitCode.AWAY)
"""What no restart mends comes first."""


class Verdict(StrEnum):
    """How a thing is."""

    OK = "ok"
    NOTE = "note"
    """A person should know it; a start goes on."""
    WRONG = "wrong"
    """A start would end with it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that was looked at.

    Parameters
    ----------
    row : str
        What was looked at, in a word.
    verdict : Verdict
        How it is.
    sentence : str
        What was found; of a start that would end, the sentence that it would end with.
    fix : str
        What to do about it; empty when nothing is to be done.
    code : ExitCode
        How a start would end.

    """

    row: str
    verdict: Verdict
    sentence: str
    fix: str = ""
    code: ExitCode = ExitCode.STOPPED


def ok(row: str, sentence: str) -> Finding:
    """Return that a thing is right."""
    return Finding(row, Verdict.OK, sentence)


def note(row: str, sentence: str, fix: str) -> Finding:
    """Return what a person should know, and does not keep the node from trading."""
    return Finding(row, Verdict.NOTE, sentence, fix)


def wrong(row: str, sentence: str, fix: str, code: ExitCode = ExitCode.CONFIGURATION) -> Finding:
    """Return what a start would end with."""
    return Finding(row, Verdict.WRONG, sentence, fix, code)


def ended(row: str, end: NodeExit, fixes: dict[ExitCode, str]) -> Finding:
    """Return what a guard ends a start with; `fixes` says by its code what to do."""
    return wrong(row, end.sentence, fixes.get(end.code, LOOK), end.code)


LOOK = "The sentence says what to do."


def exit_code(findings: Sequence[Finding]) -> ExitCode:
    """Return 0 when nothing is wrong, else the code of the worst."""
    codes = {each.code for each in findings if each.verdict is Verdict.WRONG}
    return next((code for code in WORST_FIRST if code in codes), ExitCode.STOPPED)


def document(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the findings as ``--json`` prints them."""
    return {
        "schema": SCHEMA,
        "exit_code": int(exit_code(findings)),
        "findings": [
            {
                "row": each.row,
                "verdict": each.verdict.value,
                "sentence": each.sentence,
                "fix": each.fix,
                "code": int(each.code),
            }
            for each in findings
        ],
    }


def text(findings: Sequence[Finding]) -> str:
    """Return the findings for people: a line each, and its fix below it."""
    width = max(len(each.row) for each in findings)
    lines = []
    for each in findings:
        lines.append(f"{each.verdict:<5}  {each.row:<{width}}  {each.sentence}")
        if each.fix:
            lines.append(f"{'':<5}  {'':<{width}}  fix: {each.fix}")
    counts = {verdict: sum(each.verdict is verdict for each in findings) for verdict in Verdict}
    code = exit_code(findings)
    end = "a start would go on" if code is ExitCode.STOPPED else f"a start would end with {code}"
    lines += ["", f"{', '.join(f'{count} {verdict}' for verdict, count in counts.items())}: {end}."]
    return "\n".join(lines) + "\n"

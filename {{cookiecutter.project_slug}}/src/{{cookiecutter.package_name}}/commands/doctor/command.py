"""Run every row, tell what was found, and end with what a start would end with."""

import asyncio
import json
import sys
from collections.abc import Sequence

from ...config.complaints import ConfigurationError
from ...config.load import load_hold_settings
from ...exit_codes import ExitCode, NodeExit
from ...venue.binance.requests import Requests
from ..run import load
from .finding import Finding, document, exit_code, ok, text, wrong
from .patient import Patient, quiet_start
from .rows import ROWS


def doctor(*, as_json: bool) -> ExitCode:
    """Look at everything, print what was found, and return the exit code."""
    findings = asyncio.run(look())
    sys.stdout.write(json.dumps(document(findings), indent=2) + "\n" if as_json else text(findings))
    return exit_code(findings)


async def look() -> list[Finding]:
    """Return what all rows have found."""
    try:
        settings, traded = load()
    except NodeExit as end:
        patient = Patient(load_hold_settings())
        rows = [row for row in ROWS if not row.needs_settings]
        found = list(_settings_wrong(end))
    else:
        requests = Requests(settings)
        patient = Patient(settings.hold_settings(), quiet_start(settings, traded, requests))
        rows = list(ROWS)
        found = [_settings_right(patient)]
    try:
        told = await asyncio.gather(*(row.look(patient) for row in rows))
    finally:
        if patient.start is not None:
            await patient.start.requests.close()
    return [*found, *(finding for findings in told for finding in findings)]


def _settings_wrong(end: NodeExit) -> Sequence[Finding]:
    sentences = end.sentences if isinstance(end, ConfigurationError) else [end.sentence]
    fix = "Correct it in the environment, .env or strategies/; README.md lists the settings."
    return [wrong("settings", sentence, fix, end.code) for sentence in sentences]


def _settings_right(patient: Patient) -> Finding:
    assert patient.start is not None
    start = patient.start
    lines = ", ".join(f"{each.symbol} by {each.bar} bars ({each.tag})" for each in start.traded)
    return ok(
        "settings",
        f"Complete: profile {start.settings.profile}, trader {start.settings.id}, trades {lines}.",
    )

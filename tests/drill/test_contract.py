"""The contract in numbers and names, and the words of each engine."""

import re

import pytest

from baking import PROJECT
from recovery_drill.record.contract import (
    ENGINES,
    FAILURES,
    PREFIX,
    Engine,
    ExitCode,
    Variable,
)
from recovery_drill.store.units import name_of

PAGE = (PROJECT / "drill" / "contract.md").read_text("utf-8")


@pytest.mark.parametrize("engine", ENGINES.values(), ids=list(ENGINES))
def test_the_words_of_an_engine_fit_together(engine: Engine) -> None:
    assert not engine.closed & engine.not_yet_at_exchange
    assert engine.closed <= set(engine.last_events)
    assert engine.fill in engine.last_events["FILLED"]
    assert {engine.orders, engine.positions, *engine.remembered} <= set(engine.kinds)
    assert engine.keys_of("LAB-001") != engine.keys_of("LAB-002")


@pytest.mark.parametrize("engine", ENGINES.values(), ids=list(ENGINES))
def test_the_keys_of_an_engine_are_named_by_their_kind(engine: Engine) -> None:
    for kind in (engine.orders, engine.positions, *engine.remembered):
        key = f"{engine.keys_of('LAB-001')}{kind}:X".encode()
        assert name_of((b"DEL", key)) == f"DEL {kind}"


def test_a_status_means_the_same_in_every_engine() -> None:
    closed = {status for engine in ENGINES.values() for status in engine.closed}
    open_in_one = {
        status
        for engine in ENGINES.values()
        for status in engine.last_events
        if status not in engine.closed
    }
    assert not closed & open_in_one


def test_the_page_names_the_codes_and_the_variables() -> None:
    codes = PAGE.split("- **Exit codes**")[1].split("\n- ")[0]
    assert {int(code) for code in re.findall(r"\b\d+\b", codes)} == set(ExitCode)
    assert set(FAILURES) == set(ExitCode) - {ExitCode.STOPPED}
    for variable in Variable:
        assert variable.startswith(PREFIX)
        assert f"`{variable}" in PAGE

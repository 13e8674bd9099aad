"""What a strategy remembers: the record, without a store."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.baked import module

BAR = 60_000
VALUES = st.one_of(
    st.sampled_from([None, True, 0.1, "", "é", [], {}, {"n": [1, {"m": None}]}, [[1], "2"]]),
    st.integers(-(2**60), 2**60),
)


def memory() -> Any:
    """Return the module."""
    return module("plan.memory")


def form(version: int = 1, first: Any = None, upgraded: Any = None) -> Any:
    """Return what a strategy says of its memory."""
    return memory().MemoryForm(version, first, upgraded)


@given(st.lists(st.tuples(st.integers(0, 2), VALUES), min_size=1, max_size=8))
def test_a_look_sees_what_was_before_its_bar_however_often_the_node_is_killed(
    looks: list[tuple[int, Any]],
) -> None:
    """A node that is killed after each look, and one that never is, see the same."""
    plan = memory()
    alive = plan.first(form(first={"n": 0}))
    stored = plan.encode(alive)
    close_ms, before, after = BAR, {"n": 0}, {"n": 0}
    for bars, answer in looks:
        if bars:
            close_ms, before = close_ms + bars * BAR, after
        again = plan.decode(stored, form())
        assert repr(alive.seen_at(close_ms)) == repr(again.seen_at(close_ms)) == repr(before)
        alive, stored = alive.then(close_ms, answer), plan.encode(again.then(close_ms, answer))
        after = answer


def test_what_a_strategy_does_with_what_it_sees_changes_nothing() -> None:
    """A value that is changed in place is not what is remembered."""
    remembered = memory().first(form(first={"entries": []}))
    remembered.seen_at(BAR)["entries"].append(1)
    assert remembered.seen_at(BAR) == {"entries": []}


def test_an_answer_that_changes_nothing_is_not_written_anew() -> None:
    """The record stays the same object, and one in which true has become 1 does not."""
    remembered = memory().first(form(first={"is_on": True}))
    assert remembered.then(BAR, {"is_on": True}) is remembered
    assert remembered.then(BAR, {"is_on": 1}).after == {"is_on": 1}


def test_only_what_says_so_remembers() -> None:
    """A version and a first value make a strategy one that remembers."""
    plan = memory()
    assert plan.form_of(SimpleNamespace(window=3)) is None
    found = plan.form_of(SimpleNamespace(memory_version=2, first_memory=[]))
    assert (found.version, found.first, found.upgraded) == (2, [], None)


@pytest.mark.parametrize("value", [Decimal(1), {1, 2}, float("nan"), "x" * 70_000, object()])
def test_what_no_json_holds_is_refused(value: Any) -> None:
    """So is what is very long."""
    with pytest.raises(ValueError, match="what is to be remembered"):
        memory().first(form()).then(BAR, value)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (b"", "is no JSON text"),
        (b"\xff\xfe", "is no JSON text"),
        (b"[" * 60_000, "is no JSON text"),
        (b"[1]", "is JSON, and not what a node remembers"),
        (b'{"version":1}', "is JSON, and not what a node remembers"),
        (b'{"version":true,"close_ms":0,"before":1,"after":1}', "no whole number"),
        (b'{"version":1,"close_ms":1.5,"before":1,"after":1}', "no whole number"),
        (b'{"version":0,"close_ms":0,"before":1,"after":1}', "that cannot be"),
        (b'{"version":1,"close_ms":0,"before":NaN,"after":1}', "is no JSON text"),
        (b"x" * 70_000, "is 70,000 bytes long"),
    ],
)
def test_a_broken_record_is_refused(value: bytes, sentence: str) -> None:
    """Each with what is wrong with it."""
    with pytest.raises(memory().BrokenMemoryError, match=sentence):
        memory().decode(value, form())


def test_a_newer_record_is_refused() -> None:
    """An older strategy does not guess what a newer one has written."""
    stored = memory().encode(memory().first(form(3)))
    with pytest.raises(memory().NewerMemoryError, match="version 3, and the strategy knows 2"):
        memory().decode(stored, form(2))


def test_an_older_record_is_upgraded_before_and_after() -> None:
    """Both values become those of the present version."""
    plan = memory()
    stored = plan.encode(plan.first(form(1, first=2)).then(BAR, 3))
    found = plan.decode(stored, form(3, upgraded=lambda version, value: [version, value]))
    assert (found.version, found.seen_at(BAR), found.seen_at(2 * BAR)) == (3, [1, 2], [1, 3])


@pytest.mark.parametrize(
    ("upgraded", "sentence"),
    [
        (None, "has no method `upgraded`"),
        (lambda version, value: 1 / 0, "fails with it: ZeroDivisionError"),
        (lambda version, value: {1, 2}, "fails with it: ValueError"),
    ],
)
def test_a_record_that_cannot_be_upgraded_is_refused(upgraded: Any, sentence: str) -> None:
    """It is left as it is, for a strategy that can."""
    stored = memory().encode(memory().first(form(1)))
    with pytest.raises(memory().BrokenMemoryError, match=sentence):
        memory().decode(stored, form(2, upgraded=upgraded))

"""A store that has gone back is known by the number of a look that it lacks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from node.baked import module

LOOKS = module("guards.store_looks")
MARKS = module("guards.store_marks")
WRITTEN = module("engine.store_line").Written
ORDER = WRITTEN("orders:A", "order A", 2)


class Place:
    """A store that has what it was told, and what it had before."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = [None]

    def look(self, looks: Any) -> Any:
        """Return what a look thinks that has read a value and left its own."""
        left = looks.next()
        kept = looks.judge(self.values[-1])
        self.values.append(left)
        return kept

    def go_back(self, steps: int) -> None:
        """Lose what was told last."""
        del self.values[-steps:]


def test_nothing_is_expected_of_the_first_look() -> None:
    for found in (None, b"another 7", b"no number", b"\xff"):
        looks = LOOKS.StoreLooks("mine")
        looks.next()
        assert looks.judge(found) == LOOKS.Kept(has_gone_back=False, is_in_doubt=False)


@given(some.integers(1, 20), some.data())
def test_any_step_back_is_seen_by_the_next_look(count: int, data: some.DataObject) -> None:
    looks, place = LOOKS.StoreLooks("mine"), Place()
    for _ in range(count):
        assert not place.look(looks).has_gone_back
    place.go_back(data.draw(some.integers(1, count)))
    assert place.look(looks).has_gone_back


@pytest.mark.parametrize("found", [None, b"", b"another 99", b"mine", b"mine x"])
def test_what_is_none_of_its_numbers_is_from_before_it(found: bytes | None) -> None:
    looks, place = LOOKS.StoreLooks("mine"), Place()
    place.look(looks)
    place.values.append(found)
    assert place.look(looks).has_gone_back


def test_a_number_that_arrives_late_is_no_step_back_and_makes_doubt() -> None:
    looks, place = LOOKS.StoreLooks("mine"), Place()
    place.look(looks)
    late = looks.next()  # it was sent, and not answered
    assert place.look(looks).is_in_doubt
    place.values.append(late)
    kept = place.look(looks)
    assert not kept.has_gone_back
    assert not kept.is_in_doubt
    place.values.append(late)  # nothing is that late
    assert place.look(looks).has_gone_back


def seen(marks: Any, **more: Any) -> Any:
    """Return a look that has the mark and all that is wanted."""
    return MARKS.Look(mark=marks, lengths={"orders:A": 2}, has_format=True, **more)


def test_a_store_that_has_gone_back_has_lost_something() -> None:
    marks = MARKS.StoreMarks("mine")
    mark = marks.next()
    assert marks.judge(seen(mark), 0.5) is MARKS.Store.RIGHT
    assert marks.judge(seen(mark, has_gone_back=True), 0.5) is MARKS.Store.LOST
    assert "gone back" in marks.sentence


def test_what_was_seen_in_doubt_is_looked_at_once_more() -> None:
    marks = MARKS.StoreMarks("mine")
    marks.note([ORDER])
    mark = marks.next()
    assert marks.judge(seen(mark, is_in_doubt=True), 0.5) is MARKS.Store.UNSEEN
    assert marks.keys == ("orders:A",)
    assert marks.judge(seen(mark), 0.1) is MARKS.Store.RIGHT
    assert marks.keys == ()

"""Client order ids are deterministic, name their owner, and fit what the exchange allows."""

import importlib
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

CLOSE = 1_704_085_259_999
ALLOWED = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")

NAMES = st.text("abcABC019_-", min_size=1, max_size=10)
OWNERS = st.tuples(NAMES, NAMES, st.sampled_from(["BTCUSDT", "ETHUSDT", "1000PEPEUSDT"]))
CLOSES = st.integers(1_000_000_000, 9_999_999_999).map(lambda seconds: seconds * 1000 + 999)
LEGS = st.sampled_from("EXSTR")
SLOTS = st.integers(0, 36 * 36 - 1)
ATTEMPTS = st.integers(0, 35)


@st.composite
def orders(draw: st.DrawFn) -> tuple[Any, ...]:
    """Trader, tag and symbol; close time, leg, attempt, slot."""
    leg = draw(LEGS)
    # A resting order has a slot; an entry or an exit has one where a strategy makes it itself.
    may_have = leg == "R" or (leg in "EX" and draw(st.booleans()))
    slot = draw(SLOTS) if may_have else None
    return draw(OWNERS), draw(CLOSES), leg, draw(ATTEMPTS), slot


@pytest.fixture(scope="session")
def ids(importable: str) -> ModuleType:
    return importlib.import_module(f"{importable}.plan.order_ids")


def make(ids: ModuleType, order: tuple[Any, ...]) -> str:
    owner, close_ms, leg, attempt, slot = order
    return str(ids.make(ids.owner_of(*owner), close_ms, ids.Leg(leg), attempt, slot))


def test_id_names_the_decision(ids: ModuleType) -> None:
    owner = ids.owner_of("TRADER-001", "EMA001", "BTCUSDT")
    assert ids.make(owner, CLOSE, ids.Leg.ENTRY, 0) == f"{owner}-1704085259-E0"
    assert ids.make(owner, CLOSE, ids.Leg.RESTING, 10, 37) == f"{owner}-1704085259-R11a"
    assert ids.make(owner, CLOSE, ids.Leg.EXIT, 0, 1) == f"{owner}-1704085259-X010"


def test_owner_never_changes(ids: ModuleType) -> None:
    """What is open under an id must be found by every later version."""
    assert ids.owner_of("TRADER-001", "EMA001", "BTCUSDT") == "1jnoyl7h"


@given(first=orders(), second=orders())
def test_other_orders_have_other_ids(
    ids: ModuleType, first: tuple[Any, ...], second: tuple[Any, ...]
) -> None:
    assert (make(ids, first) == make(ids, second)) == (first == second)


@given(order=orders(), position=st.integers(0, 4), other=orders())
def test_one_difference_is_enough(
    ids: ModuleType, order: tuple[Any, ...], position: int, other: tuple[Any, ...]
) -> None:
    changed = list(order)
    changed[position] = other[position]
    if changed[2] == "R" and changed[4] is None:
        changed[4] = 0
    if changed[2] in "ST":
        changed[4] = None
    assert (make(ids, order) == make(ids, tuple(changed))) == (order == tuple(changed))


@given(owner=OWNERS, order=orders(), position=st.integers(0, 2), other=NAMES)
def test_another_trader_tag_or_symbol_is_another_owner(
    ids: ModuleType, owner: tuple[str, ...], order: tuple[Any, ...], position: int, other: str
) -> None:
    changed = (*owner[:position], other, *owner[position + 1 :])
    name = make(ids, (owner, *order[1:]))
    assert ids.leg_of(name, ids.owner_of(*owner)) is ids.Leg(order[2])
    assert (ids.leg_of(name, ids.owner_of(*changed)) is None) == (owner != changed)


@given(order=orders())
def test_id_fits_and_can_be_read_back(ids: ModuleType, order: tuple[Any, ...]) -> None:
    owner, close_ms, leg, attempt, slot = order
    name = make(ids, order)
    assert len(name) <= ids.MAX_LENGTH == 24
    assert set(name) <= ALLOWED
    assert ids.parse(name) == ids.OrderId(
        ids.owner_of(*owner), close_ms // 1000, ids.Leg(leg), attempt, slot
    )


@given(text=st.text(max_size=30) | st.from_regex(r"1[a-z2-7]{7}-\d{10}-[A-Z][0-9a-z]{1,3}"))
def test_what_can_be_read_can_be_written(ids: ModuleType, text: str) -> None:
    parts = ids.parse(text)
    assert parts is None or str(parts) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "web_1",
        "EMA001-1704085259-E0",
        "1jnoyl7h-1704085259-E",
        "1jnoyl7h-1704085259-E10",
        "1jnoyl7h-1704085259-R0",
        "1jnoyl7h-1704085259-R00",
        "2jnoyl7h-1704085259-E0",
        "1jnoyl7h-170408525-E0",
        "1JNOYL7H-1704085259-E0",
        "1jnoyl7h-1704085259-E0\n",
        "1jnoyl7h-١٧٠٤٠٨٥٢٥٩-E0",
        "autoclose-1704085259123",
    ],
)
def test_foreign_id_is_not_ours(ids: ModuleType, text: str) -> None:
    assert ids.parse(text) is None
    assert ids.leg_of(text, "1jnoyl7h") is None


@pytest.mark.parametrize(
    ("owner", "close_ms", "leg", "attempt", "slot"),
    [
        ("EMA001", CLOSE, "E", 0, None),
        ("1jnoyl7h", CLOSE, "E", 36, None),
        ("1jnoyl7h", CLOSE, "E", -1, None),
        ("1jnoyl7h", CLOSE, "S", 0, 1),
        ("1jnoyl7h", CLOSE, "E", 0, 1296),
        ("1jnoyl7h", CLOSE, "R", 0, None),
        ("1jnoyl7h", CLOSE, "R", 0, 1296),
        ("1jnoyl7h", CLOSE, "R", 0, -1),
        ("1jnoyl7h", 999_999_999_999, "E", 0, None),
    ],
)
def test_parts_that_do_not_fit_are_refused(
    ids: ModuleType, owner: str, close_ms: int, leg: str, attempt: int, slot: int | None
) -> None:
    with pytest.raises(ValueError, match="cannot be written as a client order id"):
        ids.make(owner, close_ms, ids.Leg(leg), attempt, slot)

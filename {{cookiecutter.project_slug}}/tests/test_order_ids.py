"""Client order ids are deterministic and fit what the exchange allows."""

import pytest

from {{cookiecutter.package_name}} import order_ids
from {{cookiecutter.package_name}}.order_ids import Leg, OrderId


def test_id_names_the_decision() -> None:
    name = order_ids.make("EMA001", 1_704_085_259_999, Leg.ENTRY, 0)
    assert name == "EMA001-1704085259-E0"


def test_id_can_be_read_back() -> None:
    name = order_ids.make("EMA001", 1_704_085_259_999, Leg.STOP, 3)
    assert order_ids.parse(name) == OrderId("EMA001", 1_704_085_259, Leg.STOP, 3)


@pytest.mark.parametrize("text", ["", "web_1", "EMA001-1704085259-E", "EMA001-1704085259-E10"])
def test_foreign_id_is_not_ours(text: str) -> None:
    assert order_ids.parse(text) is None


def test_longest_id_fits() -> None:
    name = order_ids.make("A" * order_ids.MAX_TAG_LENGTH, 9_999_999_999_999, Leg.EXIT, 9)
    assert len(name) <= order_ids.MAX_LENGTH


@pytest.mark.parametrize("tag", ["", "A" * 11, "A B", "É1"])
def test_unusable_tag_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="form of a client order id"):
        order_ids.make(tag, 1_704_085_259_999, Leg.ENTRY, 0)

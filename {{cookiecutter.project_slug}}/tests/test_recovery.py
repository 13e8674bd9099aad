"""The recovery drill as tests: one for each scenario, failing with the promises that broke."""

from pathlib import Path

import pytest

from recovery_drill.testing import DEFAULT, Played, plays, store_of_compose

PROJECT = Path(__file__).parents[1]
# What a store in a container can change: answers take longer, and a kill finds other writes open.
AGAIN = ("kill-then-stop-fills", "kill-with-order-in-flight")

played = plays(PROJECT, DEFAULT)
played_again = plays(PROJECT, AGAIN, store=store_of_compose)


@pytest.mark.parametrize("name", DEFAULT)
def test_the_node_recovers(name: str, played: Played) -> None:
    played.assert_held(name)


@pytest.mark.parametrize("name", AGAIN)
def test_the_node_recovers_with_its_store_in_a_container(name: str, played_again: Played) -> None:
    played_again.assert_held(name)

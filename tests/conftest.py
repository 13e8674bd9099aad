"""What all rooms of the template's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from baking import TEMPLATE, BakedProject, bake
from processes import Process, all_ended
from quick import pytest_collection_modifyitems, pytest_runtest_setup, pytest_runtest_teardown

__all__ = ["pytest_collection_modifyitems", "pytest_runtest_setup", "pytest_runtest_teardown"]


@pytest.fixture(autouse=True)
def ended_with_the_test() -> Iterator[list[Process]]:
    """The processes that the test has started; those that still run are ended with it."""
    with all_ended() as started:
        yield started


@pytest.fixture(scope="session")
def template_root() -> Path:
    """The template's own folder."""
    return TEMPLATE


@pytest.fixture(scope="session")
def baked_project(tmp_path_factory: pytest.TempPathFactory) -> BakedProject:
    """A project with the default answers, not set up; leave it as it is."""
    return bake(tmp_path_factory.mktemp("default"))

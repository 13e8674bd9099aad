"""Stacks of baked projects, in the container engine of this machine."""

from collections.abc import Callable, Iterator

import pytest

from baking import bake
from engine import Stack, own_name

MakeStack = Callable[..., Stack]


@pytest.fixture(scope="session")
def make_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeStack]:
    """Bake a project and build its images; whatever was started of it is removed at the end."""
    made: list[Stack] = []

    def make(purpose: str, **answers: str) -> Stack:
        project = bake(tmp_path_factory.mktemp(purpose), project_slug="my-trader", **answers)
        stack = Stack(project.path, own_name(purpose))
        made.append(stack)
        stack.compose("build", "--quiet")
        return stack

    yield make
    for stack in made:
        stack.remove()

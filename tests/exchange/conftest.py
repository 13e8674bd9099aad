"""Fixtures of the exchange's tests."""

from collections.abc import AsyncIterator

import pytest_asyncio

from exchange.support import User, exchange


@pytest_asyncio.fixture
async def user() -> AsyncIterator[User]:
    """A client of a stepped exchange of its own."""
    async with exchange("--stepped") as client:
        yield client

"""The store's user and password: given apart from the URL, and told to nobody."""

import string
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from node.conftest import Start
from node.processes import Exchange, Store

CONFIGURATION = 78
ODD = string.punctuation + " %41 é 本"
"""Everything that means something in a URL, and what looks quoted and is not."""

Lock = Callable[[str], str]


@pytest.fixture
def lock(store: Store) -> Lock:
    """Give the store a user with a password and nobody else; return the URL without it."""

    def lock_store(password: str) -> str:
        with redis.Redis(port=store.port) as client:
            rights = {"enabled": True, "keys": ["*"], "channels": ["*"], "categories": ["+@all"]}
            client.acl_setuser("trader", passwords=[f"+{password}"], **rights)
            client.acl_setuser("default", enabled=False)
        return store.url.replace("//", "//trader@")

    return lock_store


@pytest.mark.parametrize("password", ["plain", ODD], ids=["plain", "odd"])
def test_password_from_a_file(
    start: Start, exchange: Exchange, lock: Lock, tmp_path: Path, password: str
) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{password}\n", encoding="utf-8")
    node = start(TRADER_STORE_URL=lock(password), TRADER_STORE_PASSWORD_FILE=str(secret))
    node.until("trading")
    node.settle(exchange.post("step", {"bars": 1})["bar"])
    assert password not in node.whole()


def test_wrong_password_is_not_told(start: Start, lock: Lock) -> None:
    url = lock("right")
    for given in (
        {"TRADER_STORE_URL": url, "TRADER_STORE_PASSWORD": "hush"},
        {"TRADER_STORE_URL": url.replace("trader@", "trader:hush@")},
    ):
        node = start(**given)
        assert node.wait() == CONFIGURATION
        [line] = node.complaint()
        assert "refuses the user name or password" in line
        assert "hush" not in node.whole()

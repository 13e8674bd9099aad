"""What the live profile asks for before it trades; nothing here talks to a real exchange."""

import asyncio
import string
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from node.asking import Asked
from node.baked import module

LIVE = module("config.live")
GUARD = module("guards.live")
LIMITS = module("config.limits").LIMITS
Settings = module("config.settings").Settings
ConfigurationError = module("config.complaints").ConfigurationError
NodeExit = module("exit_codes").NodeExit
PEM = "-----BEGIN {}-----".format("PRIVATE" + " KEY")
KEY = (string.ascii_letters + string.digits)[:62] + "ab"
LIMIT_VALUES = {name: 1 for name in LIMITS if name != "max_price_distance"}
GOOD: dict[str, Any] = {
    "profile": "live",
    "id": "TRADER-001",
    "symbol": "BTCUSDT",
    "store_url": "redis://127.0.0.1:6379",
    "exchange_http_url": "https://fapi.binance.com",
    "exchange_ws_url": "wss://fstream.binance.com",
    "api_key": KEY,
    "api_secret": KEY[::-1],
    **LIMIT_VALUES,
    "max_price_distance": Decimal("0.1"),
    "max_daily_loss": Decimal(50),
    "live_acknowledgement": "The account SgsR may lose 50 USDT a day.",
}
RIGHTS = {"enableWithdrawals": False, "enableFutures": True, "ipRestrict": True}


def complaints(**changes: Any) -> list[str]:
    """Return what is wrong with settings that are good but for some."""
    with pytest.raises(ConfigurationError) as caught:
        Settings(_env_file=None, **{**GOOD, **changes})
    return list(caught.value.sentences)


def test_everything_said_and_chosen() -> None:
    assert Settings(_env_file=None, **GOOD).profile == "live"


@pytest.mark.parametrize("limit", LIMITS)
def test_each_limit_must_be_chosen(limit: str) -> None:
    given = {name: value for name, value in GOOD.items() if name != limit}
    with pytest.raises(ConfigurationError) as caught:
        Settings(_env_file=None, **given)
    assert f"TRADER_{limit.upper()} is not set" in " ".join(caught.value.sentences)


@pytest.mark.parametrize(
    "said", ["", "yes", "The account SgsR may lose some USDT a day.", "I have read everything."]
)
def test_what_may_be_lost_must_be_said(said: str) -> None:
    [sentence] = complaints(live_acknowledgement=said)
    assert sentence.startswith("TRADER_LIVE_ACKNOWLEDGEMENT must be the sentence 'The account ")
    assert "may lose 50 USDT a day.'" in sentence


def test_the_sentence_that_is_asked_for_is_no_answer() -> None:
    [sentence] = complaints(
        live_acknowledgement="The account <its name at the exchange> may lose 50 USDT a day."
    )
    assert "must be the sentence" in sentence


def test_the_sentence_and_the_limit_must_say_the_same() -> None:
    [sentence] = complaints(max_daily_loss=Decimal(100))
    assert "says that 50 USDT may be lost a day, and TRADER_MAX_DAILY_LOSS is 100" in sentence


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("exchange_http_url", "https://demo-fapi.binance.com", "the live profile talks to"),
        ("exchange_http_url", "http://127.0.0.1:8090", "the live profile talks to"),
        ("exchange_ws_url", "wss://stream.binancefuture.com", "the live profile talks to"),
        ("api_key", "simulated-key", "is the simulated exchange's"),
        ("api_key", "a" * 64, "looks like a dummy"),
        ("api_secret", PEM, "HMAC"),
    ],
)
def test_what_belongs_elsewhere_is_refused(setting: str, value: str, words: str) -> None:
    found = complaints(**{setting: value})
    assert any(words in sentence and sentence.startswith("TRADER_") for sentence in found)


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """A simulated exchange behind a relay."""
    return Asked(tmp_path)


def look(asked: Asked, check: Callable[[Any, Any], Awaitable[None]], **changes: Any) -> Any:
    """Let a part of the guard look at the simulated exchange; return what it was given."""
    start = asked.start(**changes)

    async def once() -> None:
        try:
            await check(start, start.requests)
        finally:
            await start.requests.close()

    asyncio.run(once())
    return start


@pytest.mark.processes
def test_the_account_must_be_the_one_that_is_named(asked: Asked) -> None:
    said = "The account simulated may lose 50 USDT a day."
    look(asked, GUARD.check_named, live_acknowledgement=said)
    with pytest.raises(NodeExit) as caught:
        look(asked, GUARD.check_named, live_acknowledgement=said.replace("simulated", "SgsR"))
    assert caught.value.code == 78
    assert "The key is of the account simulated" in caught.value.sentence
    assert "names SgsR" in caught.value.sentence


@pytest.mark.processes
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"enableWithdrawals": True}, "may withdraw"),
        ({"enableFutures": False}, "may not trade futures"),
    ],
)
def test_a_key_that_may_too_much_or_too_little(
    asked: Asked, changes: dict[str, bool], words: str
) -> None:
    asked.relay.changes["apiRestrictions"] = lambda _: (200, {**RIGHTS, **changes})
    with pytest.raises(NodeExit) as caught:
        look(asked, GUARD.check_rights)
    assert caught.value.code == 78
    assert words in caught.value.sentence


@pytest.mark.processes
def test_a_key_that_works_from_everywhere_is_noted(asked: Asked) -> None:
    asked.relay.changes["apiRestrictions"] = lambda _: (200, RIGHTS)
    assert look(asked, GUARD.check_rights).notes == []
    asked.relay.changes["apiRestrictions"] = lambda _: (200, {**RIGHTS, "ipRestrict": False})
    [note] = look(asked, GUARD.check_rights).notes
    assert "from every address" in note


@pytest.mark.processes
def test_an_answer_that_tells_no_rights_is_not_believed(asked: Asked) -> None:
    asked.relay.changes["apiRestrictions"] = lambda _: (200, {})
    with pytest.raises(NodeExit):
        look(asked, GUARD.check_rights)

"""
What must be right at the exchange before anything is traded with money.

The account must be the one that its owner has named, and its key must not be able to withdraw.

Source: USD-M Futures, Futures Account Balance V2 (``accountAlias``), and Wallet, Get API Key
Permission.
"""

import asyncio

from ..config.complaints import PREFIX
from ..config.live import read_acknowledgement
from ..config.profiles import KEY_RIGHTS_URL, Profile
from ..exit_codes import ExitCode, NodeExit
from ..venue.binance.fields import Row, rows
from ..venue.binance.requests import Requests
from .asking import answer_to
from .guard import Start

MOST_ASSETS = 1_000


async def check_live(start: Start) -> None:
    """
    Look at account and key; nothing is asked outside of the live profile.

    Raises
    ------
    NodeExit
        With code 78 when the account is another one or the key may do too much, 75 when there is no
        answer.

    """
    if start.settings.profile is not Profile.LIVE:
        return
    rights = Requests(start.settings, url=KEY_RIGHTS_URL)
    rights.clock = start.requests.clock
    try:
        await asyncio.gather(check_named(start, start.requests), check_rights(start, rights))
    finally:
        await rights.close()


async def check_named(start: Start, requests: Requests) -> None:
    """
    See that the account is the one that the acknowledgement names.

    Raises
    ------
    NodeExit
        As of `check_live`.

    """
    name = await answer_to("the account's name", lambda: account_name(requests))
    said = read_acknowledgement(start.settings.live_acknowledgement)
    if said is None or said.account != name:
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"The key is of the account {name}, and {PREFIX}LIVE_ACKNOWLEDGEMENT names "
            f"{said.account if said else 'none'}; nothing is traded with another account's money.",
        )


async def check_rights(start: Start, requests: Requests) -> None:
    """
    See that the key can trade futures and cannot withdraw.

    Raises
    ------
    NodeExit
        As of `check_live`.

    """
    may_withdraw, may_trade, is_bound = await answer_to(
        "what the key may do", lambda: _rights(requests)
    )
    if may_withdraw:
        raise NodeExit(
            ExitCode.CONFIGURATION,
            "The key may withdraw (enableWithdrawals): a machine that trades needs none that can; "
            "take this right from it at the exchange.",
        )
    if not may_trade:
        raise NodeExit(
            ExitCode.CONFIGURATION,
            "The key may not trade futures (enableFutures): allow it at the exchange.",
        )
    if not is_bound:
        start.note(
            "The key works from every address: restrict it to this machine's at the exchange."
        )


async def account_name(requests: Requests) -> str:
    """
    Return the name that the exchange gives the account.

    Raises
    ------
    ExchangeError
        If the answer is an error, or tells none.

    """
    found = rows(await requests.get("/fapi/v2/balance", {}), "a balance", MOST_ASSETS)
    names = {row.text("accountAlias") for row in found}
    if len(names) != 1:
        raise Row("a balance", {}).wrong("accountAlias", "not one and the same")
    return names.pop()


async def _rights(requests: Requests) -> tuple[bool, bool, bool]:
    """Return whether the key may withdraw, may trade futures, and is bound to addresses."""
    told = Row("the key's rights", await requests.get("/sapi/v1/account/apiRestrictions", {}))
    return told.switch("enableWithdrawals"), told.switch("enableFutures"), told.switch("ipRestrict")

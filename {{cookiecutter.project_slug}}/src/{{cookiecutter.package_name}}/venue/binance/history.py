"""
Everything that a restart needs to know, asked of the exchange and believed only when it agrees.

Positions are asked for in two ways, open orders and past ones, and trades back to the first fill of
what is held. Where answers contradict each other, the exchange lags or is wrong: they are asked for
again, and when they do not agree within a bound, the start is refused.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from ...config.settings import Settings
from ...exit_codes import ExitCode, NodeExit
from ..records import BalanceRecord, ExchangeRecord
from .account import Held, read_account, read_positions
from .contradictions import Answers, contradictions
from .pages import ExchangeClock
from .refusals import refusal_of
from .requests import FAILURES, ExchangeError, NonsenseError, Requests, failure_words
from .symbol_history import SymbolHistory

AGREE_SECONDS = 8.0
"""How long the exchange may contradict itself: its history lags by seconds at most."""
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 1.0


async def exchange_record(
    settings: Settings,
    requests: Requests,
    symbols: Sequence[str],
    *,
    since_ms: int | None = None,
    known: Mapping[str, Collection[str]] | None = None,
    warn: Callable[[str], None] = lambda _line: None,
) -> ExchangeRecord:
    """
    Return what the exchange says has happened to an account, as far as a restart needs it.

    Parameters
    ----------
    settings : Settings
        Says what the exchange's now is.
    requests : Requests
        How to ask.
    symbols : Sequence[str]
        What is traded; open positions of others are told, too.
    since_ms : int, optional
        The oldest thing in doubt, in milliseconds of market time. Without it the newest thousand
        orders, conditional orders and trades of each symbol are told, within seven days. What the
        exchange has forgotten is never told.
    known : Mapping[str, Collection[str]], optional
        By symbol the client order ids that must be told however old they are, if they exist.
    warn : Callable[[str], None], optional
        Takes a line about each attempt that failed.

    Raises
    ------
    NodeExit
        With code 70 when answers contradict each other for too long or are absurd, 75 when there
        are none, 78 when the key is refused.

    """
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + AGREE_SECONDS, FIRST_PAUSE_SECONDS
    while True:
        deadline += await requests.rest()
        try:
            async with asyncio.timeout(AGREE_SECONDS + 4 * LONGEST_PAUSE_SECONDS):
                record, found = await _ask_all(settings, requests, symbols, since_ms, known or {})
        except FAILURES as error:
            end, found = _end_of(error), [failure_words(error)]
        else:
            if not found:
                return record
            end = NodeExit(ExitCode.REFUSED, _sentence(found))
        if end.code is ExitCode.CONFIGURATION or loop.time() + pause > deadline:
            raise end from None
        warn(f"The exchange is asked again: {found[0]}")
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def _ask_all(
    settings: Settings,
    requests: Requests,
    symbols: Sequence[str],
    since_ms: int | None,
    known: Mapping[str, Collection[str]],
) -> tuple[ExchangeRecord, list[str]]:
    asked, weight = requests.asked, requests.weight
    clock = ExchangeClock(settings, requests)
    now_ms = await clock.now_ms()
    histories = {symbol: SymbolHistory(requests, clock, symbol, now_ms) for symbol in symbols}
    (risk, account, balances), _ = await asyncio.gather(
        _holdings(requests),
        asyncio.gather(
            *(each.ask(since_ms, known.get(symbol, ())) for symbol, each in histories.items())
        ),
    )
    for symbol, history in histories.items():
        history.answers.risk, history.answers.account = risk.get(symbol), account.get(symbol)
    await asyncio.gather(*(each.explain_position() for each in histories.values()))
    all_answers = [each.answers for each in histories.values()]
    others = {*risk, *account} - set(symbols)
    strangers = [Answers(each, risk.get(each), account.get(each)) for each in sorted(others)]
    found = [each for answers in (*all_answers, *strangers) for each in contradictions(answers)]
    notes = [note for each in histories.values() for note in each.notes]
    record = ExchangeRecord(
        at_ms=now_ms,
        orders=tuple(
            sorted(
                (
                    order
                    for answers in all_answers
                    for order in (*answers.orders.values(), *answers.conditionals.values())
                ),
                key=lambda order: (order.created_ms, int(order.exchange_order_id)),
            )
        ),
        trades=tuple(
            sorted(
                (trade.record for answers in all_answers for trade in answers.trades),
                key=lambda trade: (trade.at_ms, trade.symbol, int(trade.trade_id)),
            )
        ),
        positions=tuple(held.position for held in risk.values()),
        balances=balances,
        since_ms={answers.symbol: answers.since_ms for answers in all_answers},
        notes=tuple(notes),
        asked=requests.asked - asked,
        weight=requests.weight - weight,
    )
    return record, found


async def _holdings(
    requests: Requests,
) -> tuple[dict[str, Held], dict[str, Held], tuple[BalanceRecord, ...]]:
    risk, account = await asyncio.gather(
        requests.get("/fapi/v3/positionRisk", {}), requests.get("/fapi/v3/account", {})
    )
    positions, balances = read_account(account)
    return read_positions(risk), positions, balances


def _end_of(error: Exception) -> NodeExit:
    """Return how the process ends when nothing better than `error` comes."""
    if isinstance(error, NonsenseError):
        return NodeExit(ExitCode.REFUSED, f"{error} That is not believed, and nothing is traded.")
    if isinstance(error, ExchangeError) and (refusal := refusal_of(error)) is not None:
        return refusal
    return NodeExit(
        ExitCode.AWAY,
        f"The exchange does not tell what has happened: {failure_words(error)}.",
    )


def _reason(error: Exception) -> str:
    return failure_words(error)


def _sentence(found: Sequence[str]) -> str:
    others = len(found) - 1
    more = f" {others} more of the kind {'was' if others == 1 else 'were'} told." if others else ""
    return (
        f"{found[0]}{more} It did not agree within {AGREE_SECONDS:.0f} s, and nothing is traded on "
        "a guess: look at the account, then start again."
    )

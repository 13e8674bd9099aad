"""
See while the node trades that its symbols are traded: the exchange may settle or delist one.

It is asked now and then, and at once when an order is refused for the status of its symbol.
"""

from ..exit_codes import NodeExit
from ..venue.binance.order_refusals import SYMBOLS
from ..venue.binance.requests import FAILURES
from ..venue.binance.rules import TRADING, read_rules
from .watch import Trading

LOOK_SECONDS = 60.0
"""Between two looks; the answer tells of every symbol, some hundred kilobytes in all."""
AGAIN_SECONDS = 5.0
"""Between two looks while one is not traded."""
DOING = (
    "Nothing new is opened in it; what protects its position stays, and it is looked at again and "
    "again."
)


async def watch_symbols(trading: Trading) -> None:
    """Look until cancelled; a symbol that is traded again ends the condition."""
    bell = trading.bells[SYMBOLS]
    is_right = True
    while True:
        await bell.wait(LOOK_SECONDS if is_right else AGAIN_SECONDS)
        try:
            answer = await trading.requests.get("/fapi/v1/exchangeInfo", {}, sign=False)
            found = read_rules(answer, trading.symbols)
        except (*FAILURES, NodeExit):
            continue  # the watch of the account says so
        is_right = True
        for symbol in trading.symbols:
            rules = found.get(symbol)
            if sentence := not_traded(symbol, rules.status if rules else None):
                is_right = False
                trading.conditions.begin(_name(symbol), sentence, DOING, symbol)
            else:
                trading.conditions.end(_name(symbol))


def not_traded(symbol: str, status: str | None) -> str:
    """
    Return in a sentence that a symbol is not traded, or an empty one when it is.

    Parameters
    ----------
    symbol : str
        Which one.
    status : str, optional
        Its status at the exchange; ``None`` when it is not listed.

    """
    if status is None:
        return f"The exchange does not list {symbol} any more."
    if status != TRADING:
        return f"The exchange does not trade {symbol} now: its status is {status}."
    return ""


def _name(symbol: str) -> str:
    return f"symbol {symbol}"

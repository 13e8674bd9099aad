"""The ends of bars on their way to the streams: told wrong, told again, or told late."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

from ..faults.faults import Fault, Faults
from ..faults.table import BAR_FAULTS
from ..market.symbols import rounded, text
from .market_payloads import Payload
from .market_streams import Told

Send = Callable[[Sequence[Told]], Awaitable[None]]
Later = tuple[Fault, dict[str, Any], Sequence[Told]]
"""What is told once a fault lets it go."""


class BarEnds:
    """Let the ends of bars meet the faults that wait for them."""

    def __init__(self, faults: Faults, send: Send) -> None:
        self._faults = faults
        self._send = send
        self._tasks: set[asyncio.Task[None]] = set()

    async def tell(self, told: Sequence[Told]) -> None:
        """Tell what is told now; what is told later is under way then, behind it."""
        later: list[Later] = []
        await self._send([now for one in told for now in self._now(*one, later)])
        for one in later:
            task = asyncio.create_task(self._send_later(*one))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _now(self, stream: str, content: Any, later: list[Later]) -> list[Told]:
        bar = content.get("k") if isinstance(content, dict) else None
        if bar is None or not bar["x"]:
            return [(stream, content)]
        about = {"symbol": bar["s"], "interval": bar["i"], "close_ms": bar["T"]}
        told: list[Told] = [(stream, content)]
        for fault in self._faults.meet(about, BAR_FAULTS):
            if fault.name == "odd_bar":
                self._faults.happen(fault, about)
                told = [(stream, odd_bar(content, fault.options["factor"])) for _ in told]
                continue
            later.append((fault, about, told))
            wrong = fault.name == "correct_bar"
            told = [(stream, odd_bar(content, fault.options["factor"], "c"))] if wrong else []
        return told

    async def _send_later(self, fault: Fault, about: dict[str, Any], told: Sequence[Told]) -> None:
        await self._faults.hold([fault], fault.name, about)
        await self._send(told)


def odd_bar(event: Payload, factor: Decimal, names: str = "ohlc") -> Payload:
    """Return a candle as no market made it: some of its prices are so many times as high.

    Highest and lowest price stay the highest and the lowest.
    """
    row = event["k"]
    prices = {name: Decimal(row[name]) for name in "ohlc"}
    prices |= {name: rounded(prices[name] * factor) for name in names}
    prices["h"], prices["l"] = max(prices.values()), min(prices.values())
    return {**event, "k": {**row, **{name: text(price) for name, price in prices.items()}}}

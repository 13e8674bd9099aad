"""
The exchange adapter's execution client, with one fault mended.

nautilus_trader 1.231.0 gathers the symbols to ask about from its cache (``BTCUSDT-PERP``) and from
the exchange (``BTCUSDT``). After a warm start both spellings are in the set, every order and fill
is asked for twice, and reconciliation writes a fill that never happened.
"""

import asyncio
from typing import Any

from nautilus_trader.adapters.binance import BinanceLiveExecClientFactory
from nautilus_trader.adapters.binance.common.symbol import BinanceSymbol
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus

from .exit_codes import ExitCode, NodeExit

MENDED = "_get_cache_active_symbols"


class MendedExecClientFactory(BinanceLiveExecClientFactory):
    """Create the stock execution client and give its cached symbols the exchange's spelling."""

    @staticmethod
    def create(
        loop: asyncio.AbstractEventLoop,
        name: str,
        config: Any,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
    ) -> Any:
        """
        Return the mended client.

        Raises
        ------
        NodeExit
            With code 1 if the adapter no longer has the method that is mended here.

        """
        client = BinanceLiveExecClientFactory.create(
            loop=loop, name=name, config=config, msgbus=msgbus, cache=cache, clock=clock
        )
        stock = getattr(client, MENDED, None)
        if stock is None:
            raise NodeExit(
                ExitCode.DEFECT,
                f"The exchange adapter has no {MENDED} any more; this package mends version "
                "1.231.0 of nautilus_trader: install that version or review adapter.py.",
            )

        def symbols_once() -> set[str]:
            return {str(BinanceSymbol(symbol)) for symbol in stock()}

        setattr(client, MENDED, symbols_once)
        return client

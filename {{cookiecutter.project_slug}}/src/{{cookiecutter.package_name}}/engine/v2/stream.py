"""The stream of the account's events, between the exchange and the engine's adapter."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import web

from ...venue.binance.requests import read_json

HELD_SECONDS = 0.02
"""How often it is looked whether events that wait may pass."""
_TIMEOUT = aiohttp.ClientWSTimeout(ws_close=1.0)


class UserStream:
    """
    The stream of the account's events, passed on to the adapter; what it has missed is put in here.

    Parameters
    ----------
    url : str
        The exchange's, for streams.
    hear : Callable[[dict[str, Any]], bool]
        Hears each event, and says whether the adapter shall have it.
    may_write : Callable[[], bool]
        Whether the engine may write to its store now: what it hears, it writes there. While another
        node may have the lease, events wait.

    """

    def __init__(
        self,
        url: str,
        hear: Callable[[dict[str, Any]], bool],
        may_write: Callable[[], bool],
    ) -> None:
        self._url = url.rstrip("/")
        self._hear = hear
        self._may_write = may_write
        self._to_adapter: web.WebSocketResponse | None = None
        self._to_exchange: aiohttp.ClientWebSocketResponse | None = None
        self._is_open = asyncio.Event()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Pass one stream on, until one of its ends closes it."""
        adapter = web.WebSocketResponse(autoping=False)
        await adapter.prepare(request)
        async with aiohttp.ClientSession() as session:
            try:
                exchange = await session.ws_connect(
                    f"{self._url}{request.path_qs}", autoping=False, timeout=_TIMEOUT
                )
            except (aiohttp.ClientError, OSError, TimeoutError):
                await adapter.close()  # which connects again, after a pause of its own
                return adapter
            self._to_adapter, self._to_exchange = adapter, exchange
            self._is_open.set()
            both = [
                asyncio.create_task(self._to(adapter, exchange)),
                asyncio.create_task(self._from(exchange, adapter)),
            ]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in both:
                    each.cancel()
                if self._to_adapter is adapter:
                    self._to_adapter = self._to_exchange = None
                    self._is_open.clear()
                with suppress(aiohttp.ClientError, OSError, TimeoutError):
                    await exchange.close()
                await adapter.close()
        return adapter

    async def _to(self, adapter: Any, exchange: Any) -> None:
        async for message in adapter:
            if message.type is aiohttp.WSMsgType.TEXT:
                await exchange.send_str(message.data)
            elif message.type is aiohttp.WSMsgType.PING:
                await exchange.ping(message.data)
            elif message.type is aiohttp.WSMsgType.PONG:
                await exchange.pong(message.data)

    async def _from(self, exchange: Any, adapter: Any) -> None:
        async for message in exchange:
            if message.type is aiohttp.WSMsgType.TEXT:
                await self._until_it_may_write()
                event = read_json(message.data.encode())
                if not isinstance(event, dict) or self._hear(event):
                    await adapter.send_str(message.data)
            elif message.type is aiohttp.WSMsgType.PING:
                await adapter.ping(message.data)
            elif message.type is aiohttp.WSMsgType.PONG:
                await adapter.pong(message.data)

    async def _until_it_may_write(self) -> None:
        # That the lease has run out, or is there again, nobody tells: it is a matter of time.
        while not self._may_write():  # noqa: ASYNC110 - as above
            await asyncio.sleep(HELD_SECONDS)

    async def put_in(self, event: dict[str, Any]) -> None:
        """Tell the adapter an event that the exchange has not told; wait for a stream to do so."""
        while True:
            await self._is_open.wait()
            adapter = self._to_adapter if self._may_write() else None
            if adapter is not None and not adapter.closed:
                with suppress(ConnectionError, RuntimeError):
                    await adapter.send_str(json.dumps(event))
                    return
            await asyncio.sleep(HELD_SECONDS)

    async def open_anew(self) -> None:
        """Close the stream: the adapter opens another one."""
        if self._to_exchange is not None:
            await self._to_exchange.close()

"""A way between two servers that can be cut without a word: nothing arrives, nothing is closed."""

import asyncio
import contextlib

from recovery_drill.record.contract import LOOPBACK

AT_ONCE = 65536


class Wire:
    """
    A loopback port from which everything is handed on to another one, both ways.

    Parameters
    ----------
    port : int
        Where it listens.
    to : int
        Where it leads.

    """

    def __init__(self, port: int, to: int) -> None:
        self.port = port
        self._to = to
        self._whole = asyncio.Event()
        self._whole.set()
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Begin to hand on."""
        self._server = await asyncio.start_server(self._meet, LOOPBACK, self.port)

    def cut(self) -> None:
        """Let nothing arrive any more; what is sent meanwhile is not kept."""
        self._whole.clear()

    def mend(self) -> None:
        """Let what is sent from now on arrive; connections of before are broken."""
        for end in tuple(self._ends):
            end.transport.abort()
        self._whole.set()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        try:
            await self._whole.wait()
            with contextlib.suppress(OSError):
                back, forth = await asyncio.open_connection(LOOPBACK, self._to)
                self._ends.add(forth)
                try:
                    await asyncio.wait(
                        [
                            asyncio.ensure_future(self._hand_on(reader, forth)),
                            asyncio.ensure_future(self._hand_on(back, writer)),
                        ],
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                finally:
                    self._ends.discard(forth)
                    forth.transport.abort()
        finally:
            self._ends.discard(writer)
            writer.transport.abort()

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(AT_ONCE):
                if self._whole.is_set():
                    writer.write(data)
                    await writer.drain()

    async def close(self) -> None:
        """Break all connections, and end."""
        if self._server is not None:
            self._server.close()
        for end in tuple(self._ends):
            end.transport.abort()

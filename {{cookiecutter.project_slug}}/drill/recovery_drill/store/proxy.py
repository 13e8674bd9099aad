"""Between node and store: every command is named, counted, and a place to kill the node.

The node's own code is not touched: it is given the proxy's address for the store's. Each of its
connections has one of its own to the store. A *unit* is what the store carries out at once: a
command, or a transaction as a whole. While one is held, other connections go on, as with any store.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from recovery_drill.failures import UsageError
from recovery_drill.store.holds import Hold, Phase
from recovery_drill.store.relay import Relay, Side

__all__ = ["Hold", "Phase", "StoreProxy"]

DRY_SECONDS = 0.02
"""For so long nothing comes when all has been written; the engine writes without a pause."""


class StoreProxy:
    """A server on a loopback port that hands on to the store behind it.

    While the store is down, a connection is accepted and broken at once; `cut` refuses it.

    Parameters
    ----------
    host : str
        Where the store is.
    port : int
        Where the store is.
    on_unit : Callable, optional
        Called with name and monotonic nanoseconds of each unit when the store has answered it,
        before the node hears of it. Not called for what blocks, nor on subscribed connections.

    Attributes
    ----------
    delay_seconds : float
        How long every unit waits before it is handed on.
    port : int
        Where the proxy listens, on 127.0.0.1.

    """

    def __init__(
        self, host: str, port: int, on_unit: Callable[[str, int], None] | None = None
    ) -> None:
        self.on_unit = on_unit
        self.delay_seconds = 0.0
        self._answered_at = 0.0
        self._store = (host, port)
        self._place = _reserve(0)
        self.port: int = self._place.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._holds: list[Hold] = []
        self._relays: set[Relay] = set()

    @classmethod
    def before(
        cls, store_url: str, on_unit: Callable[[str, int], None] | None = None
    ) -> "StoreProxy":
        """Return a proxy for the store at an address.

        Raises
        ------
        UsageError
            If it is not an address that a proxy can stand before.

        """
        parts = urlsplit(store_url)
        if parts.scheme != "redis" or not parts.hostname:
            raise UsageError(
                f"The drill stands between node and store, which it cannot for {parts.scheme}://; "
                "give a store at redis://HOST:PORT."
            )
        return cls(parts.hostname, parts.port or 6379, on_unit)

    def url_of(self, store_url: str) -> str:
        """Return the store's address by way of the proxy, with the same user and password."""
        parts = urlsplit(store_url)
        user, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{self.port}"))

    async def start(self) -> None:
        """Begin to accept connections."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, sock=self._place)

    def _accept(self) -> Side:
        relay = Relay(self, *self._store)
        self._relays.add(relay)
        relay.ended.add_done_callback(lambda _: self._relays.discard(relay))
        return relay.node

    async def close(self) -> None:
        """Break all connections and end; what is held is dropped."""
        self._stop_listening()
        relays = tuple(self._relays)
        self.drop()
        await asyncio.gather(*(relay.closed() for relay in relays))

    def arm(self, name: str, nth: int = 1, phase: Phase = "before") -> Hold:
        """Hold the n-th unit of a name from now on, over all connections.

        Parameters
        ----------
        name : str
            As `name_of` has it; of a transaction, those of its commands joined with " + ".
        nth : int
            The first is 1.
        phase : {"before", "after"}
            Before it is handed on; or when it was carried out, before its answer goes back.

        """
        hold = Hold(name, nth, phase)
        self._holds.append(hold)
        return hold

    def drop(self) -> None:
        """Break all connections; new ones are accepted."""
        for relay in tuple(self._relays):
            relay.abort()

    def cut(self) -> None:
        """Break all connections and refuse new ones until `mend`."""
        if self._server is not None:
            self._stop_listening()
            # Bound without listening: connections are refused, and nobody else gets the port.
            self._place = _reserve(self.port)
        self.drop()

    async def mend(self) -> None:
        """Accept connections again after a `cut`."""
        if self._server is None:
            await self.start()

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._place.close()

    async def run_dry(self, seconds: float) -> None:
        """Wait until the node has stopped writing, but no longer than so many seconds."""
        end = time.monotonic() + seconds
        while True:
            left = min(end, self._answered_at + DRY_SECONDS) - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(left)

    def meet(self, name: str) -> Hold | None:
        """Count a unit that is about to be handed on; return the hold that it has met."""
        # All holds count it, also behind the one that takes it.
        taken = [hold for hold in self._holds if hold.takes(name)]
        self._holds = [hold for hold in self._holds if hold not in taken]
        return taken[0] if taken else None

    def answered(self, name: str) -> None:
        """Take note that the store has answered a unit."""
        self._answered_at = time.monotonic()
        if self.on_unit is not None:
            self.on_unit(name, time.monotonic_ns())


def _reserve(port: int) -> socket.socket:
    """Bind a port of 127.0.0.1, or any for 0, without accepting anything there."""
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", port))
    return place

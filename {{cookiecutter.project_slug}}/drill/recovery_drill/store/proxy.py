"""Between node and store: every command is named, counted, and a place to kill the node.

The node's own code is not touched: it is given the proxy's address for the store's. Each of its
connections has one of its own to the store. A *unit* is what the store carries out at once: a
command, or a transaction as a whole. A connection's units are handed on one after the other, each
when the one before was answered, so that "before" and "after" a unit are moments in which nothing
else of that connection is under way. Other connections go on meanwhile, as with any store.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from recovery_drill.failures import UsageError
from recovery_drill.store.resp import ProtocolError, ReplyReader, Request, RequestReader, pushed
from recovery_drill.store.units import blocks, command_of, name_of, subscribes

type Phase = Literal["before", "after"]
type Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

READ_BYTES = 64 * 1024
TRANSACTION_ENDS = frozenset({"EXEC", "DISCARD", "RESET"})


class Hold:
    """One unit that is held, once it comes; see `StoreProxy.arm`.

    Attributes
    ----------
    reached : asyncio.Event
        Set when the unit is there.
    released : asyncio.Future[bool]
        Whether the unit goes on its way, once that has been said.

    """

    def __init__(self, name: str, nth: int, phase: Phase) -> None:
        self.name = name
        self.phase = phase
        self.reached = asyncio.Event()
        self._left = nth
        self.released: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def release(self, deliver: bool) -> None:
        """Let go of what is held; a unit that has not come yet will not be held.

        Parameters
        ----------
        deliver : bool
            Whether it goes on its way. If not, its connection is broken and everything behind it is
            dropped: what a killed node had not sent must never arrive.

        """
        if not self.released.done():
            self.released.set_result(deliver)

    def takes(self, name: str) -> bool:
        """Count a unit, and say whether it is the one to hold."""
        if name != self.name or self._left == 0 or self.released.done():
            return False
        self._left -= 1
        return self._left == 0


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
        self._store = (host, port)
        self._place = _reserve(0)
        self.port: int = self._place.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._holds: list[Hold] = []
        self._connections: dict[asyncio.Task[None], _Connection | None] = {}

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
        self._server = await asyncio.start_server(self._accept, sock=self._place)

    async def close(self) -> None:
        """Break all connections and end; what is held is dropped."""
        self._stop_listening()
        self.drop()
        await asyncio.gather(*self._connections, return_exceptions=True)

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
        for task, connection in self._connections.items():
            if connection is not None:
                connection.abort()
            task.cancel()

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

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = None
        task.add_done_callback(self._connections.pop)
        try:
            store = await asyncio.open_connection(*self._store)
        except OSError:
            writer.close()
            return
        connection = self._connections[task] = _Connection(self, (reader, writer), store)
        await connection.run()

    def hold_for(self, name: str) -> Hold | None:
        """Count a unit that is about to be handed on; return the hold that it has met."""
        # All holds count it, also behind the one that takes it.
        taken = [hold for hold in self._holds if hold.takes(name)]
        self._holds = [hold for hold in self._holds if hold not in taken]
        return taken[0] if taken else None


class _Connection:
    """One connection of the node, and its own to the store."""

    def __init__(self, proxy: StoreProxy, node: Streams, store: Streams) -> None:
        self._proxy = proxy
        self._from_node, self._to_node = node
        self._from_store, self._to_store = store
        # None is the end: nothing more will come.
        self._requests: asyncio.Queue[Request | None] = asyncio.Queue()
        self._replies: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._store_gone: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._blocks = False
        self._subscribed = False

    async def run(self) -> None:
        """Hand on what both sides say until one of them ends, or a hold drops the rest."""
        hearing = [asyncio.create_task(hear()) for hear in (self._hear_node, self._hear_store)]
        try:
            while (request := await self._requests.get()) is not None:
                if not await self._take(request):
                    break
        finally:
            for task in hearing:
                task.cancel()
            await asyncio.gather(*hearing, return_exceptions=True)
            self._to_node.close()
            self._to_store.close()

    def abort(self) -> None:
        """Break both sides at once; what was not sent yet is lost."""
        self._to_node.transport.abort()
        self._to_store.transport.abort()

    async def _hear_node(self) -> None:
        reader = RequestReader()
        with contextlib.suppress(ConnectionError, ProtocolError):
            while data := await self._from_node.read(READ_BYTES):
                for request in reader.requests(data):
                    if request.words:  # nobody answers an empty line
                        self._requests.put_nowait(request)
        # What it said before its end is still carried out, as a store would.
        self._requests.put_nowait(None)
        if self._blocks:
            self._replies.put_nowait(None)

    async def _hear_store(self) -> None:
        reader = ReplyReader()
        with contextlib.suppress(ConnectionError, ProtocolError):
            while data := await self._from_store.read(READ_BYTES):
                for reply in reader.feed(data):
                    if self._subscribed or pushed(reply):
                        self._tell_node(reply)
                    else:
                        self._replies.put_nowait(reply)
        self._store_gone.set_result(True)
        self._replies.put_nowait(None)
        self._requests.put_nowait(None)

    def _tell_node(self, data: bytes) -> None:
        # A killed node hears nothing any more, but what it had sent goes on.
        if not self._to_node.is_closing():
            self._to_node.write(data)

    async def _take(self, request: Request) -> bool:
        """Hand on one request, or the transaction that it opens; say whether to go on."""
        if self._subscribed or subscribes(request.words):
            self._subscribed = True
            self._to_store.write(request.raw)
            return True
        if blocks(request.words):
            self._blocks = True
            going_on = await self._ask([request])
            self._blocks = False
            return going_on
        if command_of(request.words) == "MULTI":
            return await self._transaction(request)
        return await self._unit(name_of(request.words), [request])

    async def _transaction(self, multi: Request) -> bool:
        requests, names = [multi], list[str]()
        while True:
            if self._requests.empty() and requests:
                # A client may wait for an answer to each of them; nothing is carried out yet.
                if not await self._ask(requests):
                    return False
                requests = []
            request = await self._requests.get()
            if request is None:
                return False
            requests.append(request)
            command = command_of(request.words)
            if command in TRANSACTION_ENDS:
                name = " + ".join(names) if command == "EXEC" and names else command
                return await self._unit(name, requests)
            names.append(name_of(request.words))

    async def _unit(self, name: str, requests: list[Request]) -> bool:
        hold = self._proxy.hold_for(name)
        if hold is not None and hold.phase == "before" and not await self._held(hold):
            return False
        if self._proxy.delay_seconds:
            await asyncio.sleep(self._proxy.delay_seconds)
        after = hold if hold is not None and hold.phase == "after" else None
        return await self._ask(requests, name, after)

    async def _ask(self, requests: list[Request], name: str = "", hold: Hold | None = None) -> bool:
        """Hand on requests and their answers; say whether both sides are still there."""
        self._to_store.write(b"".join(request.raw for request in requests))
        answers: list[bytes] = []
        for _ in requests:
            answer = await self._replies.get()
            if answer is None:
                return False
            answers.append(answer)
        if name and self._proxy.on_unit is not None:
            self._proxy.on_unit(name, time.monotonic_ns())
        if hold is not None and not await self._held(hold):
            return False
        self._tell_node(b"".join(answers))
        with contextlib.suppress(ConnectionError):
            await self._to_node.drain()
        return True

    async def _held(self, hold: Hold) -> bool:
        """Wait at a hold; say whether to go on."""
        hold.reached.set()
        await asyncio.wait({self._store_gone, hold.released}, return_when=asyncio.FIRST_COMPLETED)
        return hold.released.done() and hold.released.result()


def _reserve(port: int) -> socket.socket:
    """Bind a port of 127.0.0.1, or any for 0, without accepting anything there."""
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", port))
    return place

"""A tap in the line of a process: it counts what is sent, and something may happen there."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class Boundaries:
    """
    What a process sends, counted over all of its lines.

    Parameters
    ----------
    at : int, optional
        Before which of them something happens; ``None`` for none.
    happen : Callable[[], None]
        What: it is called once, and nothing is passed on after that.

    """

    def __init__(self, at: int | None, happen: Callable[[], None]) -> None:
        self._at = at
        self._happen = happen
        self._lock = threading.Lock()
        self.count = 0
        self.has_happened = False

    def may_pass(self) -> bool:
        """Count one more; return whether it is passed on."""
        with self._lock:
            if self.has_happened:
                return False
            if self.count == self._at:
                self.has_happened = True
                self._happen()
                return False
            self.count += 1
            return True


class Tap:
    """
    Pass bytes on to a port of this machine.

    Parameters
    ----------
    port : int
        Where they go.
    boundaries : Boundaries
        Counts what the client sends.

    """

    def __init__(self, port: int, boundaries: Boundaries) -> None:
        self._target = port
        self._boundaries = boundaries
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                for source, sink, counts in ((client, server, True), (server, client, False)):
                    threading.Thread(
                        target=self._pass_on, args=(source, sink, counts), daemon=True
                    ).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 20):
                if counts and not self._boundaries.may_pass():
                    break
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

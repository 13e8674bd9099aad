"""A service on loopback that takes notifications, and may hang or refuse."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PASSWORD = "hunter2-hunter2"


class Receiver:
    """
    What has been taken, and how the next is answered.

    Attributes
    ----------
    taken
        The bodies, in order.
    status
        What is answered.
    answers
        Nothing is answered while it is cleared.
    takes_at_once
        What comes is taken before it is answered, else with the answer.
    """

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.tried = 0
        self.status = 200
        self.answers = threading.Event()
        self.answers.set()
        self.takes_at_once = False
        self.port = 0

    @property
    def url(self) -> str:
        """Its address, as apprise has it; what is secret in it is the password."""
        return f"json://bot:{PASSWORD}@127.0.0.1:{self.port}/hook"

    @property
    def titles(self) -> list[str]:
        """The titles that it has taken."""
        return [str(each["title"]) for each in self.taken]

    def having(self, word: str) -> list[dict[str, Any]]:
        """Return what it has taken that a word stands in."""
        return [each for each in self.taken if word in each["title"] + each["message"]]


def _has_gone(client: socket.socket) -> bool:
    """Return whether whoever asked waits no more."""
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Lend a receiver that listens."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.tried += 1
            takes = receiver.status == 200 and receiver.takes_at_once
            if takes:
                receiver.taken.append(body)
            receiver.answers.wait(30)
            if not takes and receiver.status == 200 and not _has_gone(self.connection):
                receiver.taken.append(body)
            self.send_response(receiver.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.answers.set()
        server.shutdown()
        server.server_close()

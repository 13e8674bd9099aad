"""A relay between node and exchange that changes answers, for tests of what is not believed."""

import http.client
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Change = Callable[[Any], Any]


class Server(ThreadingHTTPServer):
    """A server that many may connect to at once."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that has heard enough has gone."""


class Relay:
    """
    Pass requests on and change the answers whose path contains a word.

    Parameters
    ----------
    target : str
        The exchange.

    """

    def __init__(self, target: str) -> None:
        self.changes: dict[str, Change] = {}
        self.asked: list[str] = []
        relay, host = self, urlsplit(target).netloc

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, body = relay.answer(host, self.command, self.path, self.headers)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - names of the library

            def log_message(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, host: str, verb: str, path: str, headers: Any) -> tuple[int, bytes]:
        """Return the exchange's answer, changed if it shall be."""
        self.asked.append(path)
        connection = http.client.HTTPConnection(host, timeout=20)
        key = {k: v for k, v in headers.items() if k.upper() == "X-MBX-APIKEY"}
        connection.request(verb, path, headers=key)
        response = connection.getresponse()
        status, body = response.status, response.read()
        connection.close()
        for word, change in list(self.changes.items()):
            if word in path.partition("?")[0]:
                changed = change(json.loads(body))
                if isinstance(changed, tuple):  # another status, too
                    status, changed = changed
                body = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        return status, body

    def close(self) -> None:
        """Stop."""
        self.server.shutdown()
        self.server.server_close()

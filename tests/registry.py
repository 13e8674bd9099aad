"""A registry of images on loopback, as far as a container engine pushes to it and pulls from it."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import Any

SECONDS_TO_END = 10


@dataclass
class Registry:
    """What was pushed.

    Parameters
    ----------
    port
        Where it listens; an engine takes loopback without a certificate.
    blobs
        Layers and configurations by their digest.
    manifests
        By ``name:tag`` and ``name:digest``, each with its media type.
    """

    port: int
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """What stands before the name of an image that is here."""
        return f"127.0.0.1:{self.port}"

    def digest(self, image: str) -> str:
        """Return the digest of what a ``name:tag`` is."""
        return digest(self.manifests[image][1])

    def move(self, image: str, to: str) -> None:
        """Let a tag be what another one is, as registries do overnight."""
        self.manifests[image] = self.manifests[to]


def digest(content: bytes) -> str:
    """Return the name of some content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@contextmanager
def registry() -> Iterator[Registry]:
    """A registry that is there for as long as the block runs."""
    kept = Registry(0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            """Say nothing."""

        def answer(self, code: int, content: bytes = b"", **headers: str) -> None:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            content = b""
            while size := int(self.rfile.readline(), 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content

        def do_GET(self) -> None:
            if found := re.fullmatch(r"/v2/(.+)/manifests/(.+)", self.path):
                kind, content = kept.manifests.get(f"{found[1]}:{found[2]}", ("", b""))
                named = digest(content)
                if content:
                    self.answer(200, content, Content_Type=kind, Docker_Content_Digest=named)
                    return
            elif found := re.fullmatch(r"/v2/.+/blobs/(.+)", self.path):
                if content := kept.blobs.get(found[1], b""):
                    self.answer(200, content, Docker_Content_Digest=found[1])
                    return
            elif self.path == "/v2/":
                self.answer(200)
                return
            self.answer(404)

        do_HEAD = do_GET  # noqa: N815 - its name there

        def do_POST(self) -> None:
            self.body()
            # Several layers are sent at once.
            self.answer(202, Location=f"{self.path.split('?')[0]}{next(numbers)}")

        def do_PATCH(self) -> None:
            name = self.path
            uploads[name] = uploads.get(name, b"") + self.body()
            self.answer(202, Location=name, Range=f"0-{len(uploads[name]) - 1}")

        def do_PUT(self) -> None:
            content = self.body()
            if found := re.fullmatch(r"/v2/(.+)/manifests/(.+)", self.path):
                kind = self.headers["Content-Type"]
                for reference in (found[2], digest(content)):
                    kept.manifests[f"{found[1]}:{reference}"] = (kind, content)
            else:
                content = uploads.pop(self.path.split("?")[0], b"") + content
                kept.blobs[digest(content)] = content
            self.answer(201, Docker_Content_Digest=digest(content))

    uploads: dict[str, bytes] = {}
    numbers = count()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_port
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join(SECONDS_TO_END)

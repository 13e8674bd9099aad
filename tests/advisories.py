"""A database of known weaknesses on loopback that speaks as OSV does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

SECONDS_TO_END = 10

CANARY = ("jinja2", "2.10")
"""What the audit asks first, to see that its source knows anything."""


@dataclass
class Advisories:
    """What is known.

    Parameters
    ----------
    url
        Where it is asked.
    known
        Weaknesses by name and version.
    asked
        Everything that was asked for.
    code
        What it answers with.
    """

    url: str = ""
    known: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    code: int = 200

    def add(self, package: str, version: str, name: str, *aliases: str, fixed: str = "") -> None:
        """Let a weakness be known."""
        events = [{"introduced": "0"}, *([{"fixed": fixed}] if fixed else [])]
        self.known.setdefault((package, version), []).append(
            {
                "id": name,
                "aliases": list(aliases),
                "summary": f"A weakness of {package}",
                "schema_version": "1.7.0",
                "published": "2026-01-02T03:04:05Z",
                "affected": [
                    {
                        "package": {"name": package, "ecosystem": "PyPI"},
                        "ranges": [{"type": "ECOSYSTEM", "events": events}],
                    }
                ],
            }
        )


@contextmanager
def advisories() -> Iterator[Advisories]:
    """A database that knows of the canary alone."""
    found = Advisories()
    found.add(*CANARY, "GHSA-462w-v97r-4m45", "CVE-2019-10906", fixed="2.10.1")

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            """Say nothing."""

        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = (question["package"]["name"], question["version"])
            found.asked.append(asked)
            known = found.known.get(asked)
            answer = json.dumps({"vulns": known} if known else {}).encode()
            self.send_response(found.code)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/v1/query"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(SECONDS_TO_END)

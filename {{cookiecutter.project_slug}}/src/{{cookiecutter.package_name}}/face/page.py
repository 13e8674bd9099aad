"""
The status page: one page of its own, and the document that it asks for again and again.

The page is put together from three files, so that it needs nothing else: no other address, no
framework, no font. What it may do is said in its header, by the hashes of its own style and script.
"""

import base64
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web

from .changes import Changes

FOLDER = Path(__file__).parent / "web"
LONGEST_WAIT_SECONDS = 10.0
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@cache
def page() -> tuple[str, str]:
    """Return the page, and the header that says what it may do."""
    style = (FOLDER / "page.css").read_text("utf-8")
    script = (FOLDER / "page.js").read_text("utf-8")
    text = (FOLDER / "page.html").read_text("utf-8")
    text = text.replace("/* style */", style).replace("/* script */", script)
    policy = {
        "default-src": "'none'",
        "style-src": f"'sha256-{_digest(style)}'",
        "script-src": f"'sha256-{_digest(script)}'",
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return text, "; ".join(f"{name} {value}" for name, value in policy.items())


def add_page(
    application: web.Application, changes: Changes, status: Callable[[], dict[str, Any]]
) -> None:
    """
    Serve the page at ``/``, and what it shows at ``/status``.

    ``GET /status?after=R&wait_s=S`` answers as ``/state`` does, after 10 s at most.
    """

    async def get_page(_: web.Request) -> web.Response:
        text, policy = page()
        headers = {**HEADERS, "Content-Security-Policy": policy}
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def get_status(request: web.Request) -> web.Response:
        try:
            after = int(request.query.get("after", -1))
            wait_s = min(float(request.query.get("wait_s", 0)), LONGEST_WAIT_SECONDS)
        except ValueError:
            wrong = {"error": "`after` and `wait_s` must be numbers."}
            return web.json_response(wrong, status=400)
        await changes.after(after, wait_s)
        return web.json_response(status(), headers=HEADERS)

    application.router.add_get("/", get_page)
    application.router.add_get("/status", get_status)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

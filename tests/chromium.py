"""A real Chromium that looks at a page, spoken to over its own debugging protocol."""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SECONDS_TO_START, SECONDS_TO_ANSWER = 60, 60
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-extensions", "--disable-component-update"),
    *("--disable-background-networking", "--disable-sync", "--hide-scrollbars"),
    "--remote-debugging-port=0",
)

LEAST_CONTRAST = 4.5
"""What the accessibility guidelines ask of text."""

LOOK = """
(() => {
  for (const each of document.querySelectorAll("details")) each.open = true;
  const found = {cut: [], overlapping: [], pale: []};
  const texts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, up = node.parentElement;
    if (!node.data.trim() || up.closest("title, script, style")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const boxes = [...range.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
    for (const box of boxes) {
      const text = node.data.trim();
      if (box.left < -0.5 || box.right > innerWidth + 0.5) found.cut.push(text);
      texts.push({text, box, up, drawing: up.closest("svg.drawing")});
    }
    if (!up.closest("svg")) {
      for (let over = up; over; over = over.parentElement) {
        const hides = getComputedStyle(over).overflowX !== "visible" && over !== document.body;
        if (hides && over.scrollWidth > over.clientWidth + 1) found.cut.push(node.data.trim());
      }
    }
  }
  for (const [n, one] of texts.entries()) {
    for (const other of texts.slice(n + 1)) {
      if (one.up === other.up || one.up.contains(other.up) || other.up.contains(one.up)) continue;
      const [a, b] = [one.box, other.box];
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      const both = [one.text, other.text];
      if (wide > 1 && high > (one.drawing ? 3.5 : 2)) found.overlapping.push(both);
    }
  }
  const curve = (value) => ((value + 0.055) / 1.055) ** 2.4;
  const part = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : curve(value);
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
  for (const {text, up} of texts) {
    if (up.closest("svg") || up.closest(".later")) continue;
    let ground = up;
    while (rgb(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
    const two = [rgb(getComputedStyle(up).color), rgb(getComputedStyle(ground).backgroundColor)];
    const [dim, bright] = two.map(light).sort((a, b) => a - b);
    if ((bright + 0.05) / (dim + 0.05) < LEAST) found.pale.push([text, ...two.map(String)]);
  }
  return found;
})()
""".replace("LEAST", str(LEAST_CONTRAST))


def find_chromium() -> str | None:
    """Return the browser on this machine; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Page:
    """One tab, and what it has noticed.

    Parameters
    ----------
    socket : ClientWebSocketResponse
        To the tab.

    Attributes
    ----------
    requests : list[str]
        The addresses that it asked for.
    errors : list[str]
        What its scripts threw, and what the browser refused.

    """

    socket: aiohttp.ClientWebSocketResponse
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _sent: int = 0
    _loads: int = 0

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the tab for something and return its answer."""
        self._sent += 1
        number = self._sent
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(SECONDS_TO_ANSWER):
            while True:
                told = await self._next()
                if told.get("id") == number:
                    assert "error" not in told, told
                    return dict(told["result"])

    async def _next(self) -> dict[str, Any]:
        message = await self.socket.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, f"the browser has gone: {message}"
        told: dict[str, Any] = json.loads(message.data)
        about = told.get("params", {})
        match told.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(about["request"]["url"])
            case "Runtime.exceptionThrown":
                self.errors.append(str(about["exceptionDetails"]))
            case "Log.entryAdded":
                self.errors.append(str(about["entry"]["text"]))
            case "Page.loadEventFired":
                self._loads += 1
            case _:
                pass
        return told

    async def show(self, place: Path | str, *, width: int, dark: bool) -> None:
        """Load a file, or what an address leads to, in a window of a width, light or dark."""
        for room in ("Page", "Network", "Runtime", "Log"):
            await self.call(f"{room}.enable")
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])
        loads = self._loads
        await self.call("Page.navigate", url=place.as_uri() if isinstance(place, Path) else place)
        async with asyncio.timeout(SECONDS_TO_ANSWER):
            while self._loads == loads:
                await self._next()

    async def evaluate(self, expression: str, *, wait: bool = False) -> Any:
        """Return what an expression says in the page, or what it promises."""
        how = {"returnByValue": True, "awaitPromise": wait}
        told = await self.call("Runtime.evaluate", expression=expression, **how)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def picture(self) -> bytes:
        """Return the whole page as a PNG."""
        told = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(told["data"])


@asynccontextmanager
async def open_page(program: str, folder: Path) -> AsyncIterator[Page]:
    """Start a browser in a folder of its own and lend one tab of it."""
    process = await asyncio.create_subprocess_exec(
        program,
        *FLAGS,
        f"--user-data-dir={folder}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with aiohttp.ClientSession() as session:
            async with asyncio.timeout(SECONDS_TO_START):
                port = await _port(process)
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    tabs = [tab for tab in await answer.json() if tab["type"] == "page"]
                socket = await session.ws_connect(tabs[0]["webSocketDebuggerUrl"], max_msg_size=0)
            yield Page(socket)
    finally:
        process.terminate()
        await process.communicate()


async def _port(process: asyncio.subprocess.Process) -> int:
    """Return the port that the browser says on standard error that it listens on."""
    assert process.stderr is not None
    async for line in process.stderr:
        _, found, address = line.decode().partition("DevTools listening on ws://127.0.0.1:")
        if found:
            return int(address.partition("/")[0])
    raise AssertionError("the browser ended without saying where it listens")


async def look(page: Page) -> dict[str, Any]:
    """Return which texts of a page are cut off, lie upon each other, or can hardly be read."""
    found: dict[str, Any] = await page.evaluate(LOOK)
    return found

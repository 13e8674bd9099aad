"""The status page in a real browser: read on a phone and on a desk, and told by a real node."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chromium import Page, find_chromium, look, open_page
from node.baked import module
from node.conftest import Start
from node.processes import Exchange, Node, Store, free_port
from node.test_answers import HELD, NOW, fill, known, stop
from node.test_trading import step_until_position

BROWSER = find_chromium()
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on the PATH")

PAGE = module("face.page")
STATUS = module("face.status")
ENDPOINT = module("face.endpoint")
Changes = module("face.changes").Changes
Stages = module("face.stages").Stages
Stage = module("face.stages").Stage
Condition = module("face.conditions").Condition
Look = module("face.compared").Look

PHONE, DESK = 390, 1280
TOKEN = "letmein-letmein-letmein"
SEEN_SECONDS = 20.0
EVIL = "</script><img src=x onerror=alert(1)><b>bold</b>{{7*7}}"
ALL_WELL: dict[str, list[str]] = {"cut": [], "overlapping": [], "pale": []}


def status(**changes: Any) -> Any:
    """Return what a node shows that holds something and has everything."""
    usual = {
        "known": known(stop(), now=time.monotonic(), look=Look(time.monotonic(), (), HOLDS)),
        "trader_id": "TRADER-001",
        "instance_id": "first",
        "profile": "simulated",
        "marks": {"BTCUSDT": Decimal("42010.5")},
        "trades": [STATUS.Trade(fill(number), Decimal("-1.25")) for number in (3, 2, 1)],
        "curve": [(i * 60_000, Decimal(i % 7 - 3)) for i in range(60)],
        "lease_epoch": 3,
        "halt": "Nothing is halted.",
        "found": {"audit": "The audit found engine and exchange in agreement."},
        "versions": {"node": "1"},
        "takes_commands": True,
    }
    return STATUS.Status(**{**usual, **changes})


HOLDS = {"BTCUSDT": HELD}


def wrong() -> Any:
    """Return what a node shows in whose strings somebody else has put markup."""
    conditions = [Condition("halt", f"Halted by {EVIL}.", "Nothing is opened.", 0)]
    look = Look(NOW - 1, [f"The order {EVIL} differs."], {}, 3)
    order = stop(client_order_id=EVIL, symbol=EVIL, type=EVIL, status="NEW")
    rows = known(order).rows
    return status(
        known=known(stage=Stage.DEGRADED, conditions=conditions, look=look, rows=rows),
        trader_id=EVIL,
        notes=[EVIL],
        found={EVIL: EVIL},
        halt=EVIL,
        notifications=EVIL,
        instance_id=EVIL,
        curve=None,
        trades=(),
    )


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Page]:
    assert BROWSER is not None
    async with open_page(BROWSER, tmp_path / "browser") as page:
        yield page


class Shown:
    """An endpoint whose page shows what a test wants."""

    def __init__(self) -> None:
        self.changes = Changes()
        self.status: Any = status()
        self.asked = 0
        self.address = ""

    def document(self) -> dict[str, Any]:
        self.asked += 1
        found: dict[str, Any] = STATUS.document(self.status)
        return found | {"revision": self.changes.revision}


@pytest.fixture
async def shown() -> AsyncIterator[Shown]:
    shown, port = Shown(), free_port()
    shown.address = f"http://127.0.0.1:{port}/"
    endpoint = await ENDPOINT.open_endpoint(
        "127.0.0.1", port, Stages(), shown.changes, dict, shown.document
    )
    yield shown
    await endpoint.cleanup()


async def until(page: Page, expression: str, seconds: float = SEEN_SECONDS) -> None:
    """Wait until an expression is true in the page; fail with what the page shows."""
    deadline = time.monotonic() + seconds
    while not await page.evaluate(expression):
        text = await page.evaluate("document.body.innerText")
        assert time.monotonic() < deadline, f"Not so within {seconds:g} s: {expression}\n{text}"
        await asyncio.sleep(0.05)


ANSWERED = "document.querySelectorAll('.answer').length === 3"
VERDICTS = "[...document.querySelectorAll('.answer strong')].map((each) => each.textContent).join()"


# -- What it looks like ----------------------------------------------------------------------------


@pytest.mark.parametrize("width", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("make", [status, wrong])
async def test_everything_can_be_read(
    browser: Page, shown: Shown, make: Callable[[], Any], dark: bool, width: int
) -> None:
    shown.status = make()
    await browser.show(shown.address, width=width, dark=dark)
    await until(browser, ANSWERED)
    top = "document.querySelector('#answers').getBoundingClientRect().top"
    assert await browser.evaluate(top) < 200
    assert await look(browser) == ALL_WELL
    assert await browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.errors == []
    asked = {url.partition("?")[0] for url in browser.requests} - {"data:,"}
    assert asked == {shown.address, f"{shown.address}status"}


async def test_the_confirmation_can_be_read(browser: Page, shown: Shown) -> None:
    await browser.show(shown.address, width=PHONE, dark=True)
    await until(browser, ANSWERED)
    await browser.evaluate("document.querySelector('#flatten').click()")
    assert await browser.evaluate("document.querySelector('#sure').open")
    assert "0.010 BTCUSDT" in await browser.evaluate("document.querySelector('#held').innerText")
    assert await browser.evaluate("document.activeElement.id") == "no"


async def test_markup_from_outside_is_shown_as_text(browser: Page, shown: Shown) -> None:
    shown.status = wrong()
    await browser.show(shown.address, width=DESK, dark=False)
    await until(browser, ANSWERED)
    assert await browser.evaluate("document.querySelectorAll('img, b, main script').length") == 0
    assert await browser.evaluate("document.querySelector('#name').textContent") == EVIL
    text = await browser.evaluate("document.querySelector('main').textContent")
    assert text.count(EVIL) >= 8
    assert await browser.evaluate(VERDICTS) == "no,no,no"


async def test_another_script_does_not_run_in_it(browser: Page, shown: Shown) -> None:
    await browser.show(shown.address, width=DESK, dark=False)
    await until(browser, ANSWERED)
    await browser.evaluate(
        "{const made = document.createElement('script'); made.textContent = 'window.bad = 1';"
        "document.body.append(made); const image = document.createElement('img');"
        "image.src = 'http://127.0.0.1:9/x.png'; document.body.append(image)}"
    )
    assert await browser.evaluate("typeof window.bad") == "undefined"
    told = " ".join(browser.errors)
    assert "inline script" in told
    assert "x.png" in told


def test_the_script_never_takes_a_string_for_markup() -> None:
    script = (PAGE.FOLDER / "page.js").read_text("utf-8")
    ways = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(")
    keeps = ("localStorage", "sessionStorage", "cookie", "indexedDB")
    for word in ways + keeps:
        assert word not in script


# -- What it costs ---------------------------------------------------------------------------------


async def test_a_page_asks_once_a_second_at_most_and_not_at_all_while_hidden(
    browser: Page, shown: Shown
) -> None:
    await browser.show(shown.address, width=DESK, dark=False)
    await until(browser, ANSWERED)
    before, began = shown.asked, time.monotonic()
    while time.monotonic() < began + 4:
        shown.changes.note()
        await asyncio.sleep(0.001)
    assert 2 <= shown.asked - before <= 5
    await browser.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true})"
    )
    await asyncio.sleep(5)  # the last question may still wait for its answer
    before = shown.asked
    await asyncio.sleep(3)
    assert shown.asked == before
    await browser.evaluate(
        "delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))"
    )
    began = time.monotonic()
    while shown.asked == before:
        assert time.monotonic() < began + SEEN_SECONDS
        await asyncio.sleep(0.05)


# -- Of a real node --------------------------------------------------------------------------------


async def open_real(browser: Page, node: Node) -> None:
    await browser.show(f"http://127.0.0.1:{node.port}/", width=DESK, dark=False)
    await until(browser, f"{ANSWERED} && {VERDICTS} === 'yes,yes,yes'")


async def command(browser: Page, button: str, token: str) -> str:
    """Type a token and press a button; return what the page says then."""
    await browser.evaluate(f"document.querySelector('#token').value = {json.dumps(token)}")
    await browser.evaluate("document.querySelector('#why').value = 'a <test>'")
    await browser.evaluate(f"document.querySelector('#{button}').click()")
    await until(browser, "!document.querySelector('#halt').disabled")
    said: str = await browser.evaluate("document.querySelector('#said').textContent")
    return said


async def test_a_node_that_trades_is_halted_resumed_and_killed(
    start: Start, store: Store, exchange: Exchange, browser: Page
) -> None:
    node = start(TRADER_CONTROL_TOKEN=TOKEN)
    await asyncio.to_thread(node.until, "trading")
    await asyncio.to_thread(step_until_position, exchange, node)
    await open_real(browser, node)
    text = await browser.evaluate("document.querySelector('main').innerText")
    [stopping] = exchange.working_stops()
    assert stopping["client_order_id"] in text
    assert "stop · SELL" in text or "stop · BUY" in text
    assert "entry ·" in await browser.evaluate("document.querySelector('#trades').innerText")
    assert "Authorization must be" in await command(browser, "halt", "wrong-wrong-wrong-wrong")
    assert "Halted everything by the status page" in await command(browser, "halt", TOKEN)
    await until(browser, "document.querySelector('#conditions').innerText.includes('a <test>')")
    assert await browser.evaluate("document.querySelector('#stage').innerText") == "degraded"
    assert "Nothing is halted" in await command(browser, "resume", TOKEN)
    await until(browser, "document.querySelector('#wrong').hidden")
    assert TOKEN not in json.dumps(node.get("status")) + node.whole()
    node.kill()
    await until(browser, "!document.querySelector('#silent').hidden", 30)
    node = start(TRADER_CONTROL_TOKEN=TOKEN, TRADER_INSTANCE_ID="second")
    await asyncio.to_thread(node.until, "trading")
    back = f"document.querySelector('#silent').hidden && {VERDICTS} === 'yes,yes,yes'"
    await until(browser, back, 30)
    trades = await browser.evaluate("document.querySelector('#trades').innerText")
    assert "entry ·" in trades, "what happened before the kill is still told"


async def test_flatten_asks_first(
    start: Start, store: Store, exchange: Exchange, browser: Page
) -> None:
    node = start(TRADER_CONTROL_TOKEN=TOKEN)
    await asyncio.to_thread(node.until, "trading")
    await asyncio.to_thread(step_until_position, exchange, node)
    await open_real(browser, node)
    await command(browser, "flatten", TOKEN)
    assert exchange.position() != "0"
    await browser.evaluate("document.querySelector('#yes').click()")
    assert await asyncio.to_thread(node.wait, 60) == 75
    assert exchange.position() == "0"


async def test_without_a_token_it_is_read_only(
    start: Start, store: Store, exchange: Exchange, browser: Page
) -> None:
    node = start()
    await asyncio.to_thread(node.until, "trading")
    await open_real(browser, node)
    assert await browser.evaluate("document.querySelector('#order').hidden")
    assert "TRADER_CONTROL_TOKEN" in await browser.evaluate(
        "document.querySelector('#closed').innerText"
    )


async def test_a_node_that_is_held_says_why(start: Start, browser: Page) -> None:
    node = start(TRADER_ON_REFUSAL="hold", TRADER_SYMBOL="no symbol", TRADER_CONTROL_TOKEN=TOKEN)
    await asyncio.to_thread(node.until, "refused")
    await browser.show(f"http://127.0.0.1:{node.port}/", width=PHONE, dark=True)
    await until(browser, ANSWERED)
    assert await browser.evaluate(VERDICTS) == "not known,not known,no"
    reason = await browser.evaluate("document.querySelector('#reason').innerText")
    assert "TRADER_SYMBOL needs a symbol" in reason
    assert await browser.evaluate("document.querySelector('#order').hidden")
    assert await look(browser) == ALL_WELL

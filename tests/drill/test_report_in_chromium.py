"""The report as a real browser shows it, on a phone and on a desk, light and dark."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from chromium import Page, find_chromium, look, open_page
from drill.report_builder import CASES, write_exploration, write_run
from recovery_drill.record.verdict import Verdict
from recovery_drill.report import write_reports

BROWSER = find_chromium()
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on the PATH")

PHONE, DESK = 390, 1280
Write = Callable[[Path], Verdict]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write a run of scenarios and an exploration."""
    written = {}
    writers: dict[str, Write] = {"run": write_run, "exploration": write_exploration}
    for name, write in writers.items():
        folder = tmp_path_factory.mktemp(name)
        written[name] = write_reports(folder, write(folder))
    return written


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Page]:
    assert BROWSER is not None
    async with open_page(BROWSER, tmp_path / "browser") as page:
        yield page


@pytest.mark.parametrize("width", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["run", "exploration"])
async def test_everything_can_be_read(
    browser: Page, reports: dict[str, Path], name: str, dark: bool, width: int
) -> None:
    await browser.show(reports[name], width=width, dark=dark)
    assert await browser.evaluate("document.querySelector('h1').getBoundingClientRect().top") < 200
    assert await look(browser) == {"cut": [], "overlapping": [], "pale": []}
    assert await browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.errors == []
    assert browser.requests == [reports[name].as_uri()]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_the_kill_stands_out(browser: Page, reports: dict[str, Path], dark: bool) -> None:
    await browser.show(reports["run"], width=DESK, dark=dark)
    line = "document.querySelector('#broken-one line.moment.kill')"
    style = f"getComputedStyle({line})"
    red = "getComputedStyle(document.querySelector('.hero.broken h1')).color"
    assert await browser.evaluate(f"{style}.stroke === {red}")
    assert await browser.evaluate(f"{style}.strokeWidth") == "2px"
    tall = await browser.evaluate(f"{line}.getBoundingClientRect().height")
    whole = await browser.evaluate(f"{line}.closest('svg').getBoundingClientRect().height")
    assert tall > 0.8 * whole, "from top to bottom"


async def test_cases_are_sorted_by_a_click(browser: Page, reports: dict[str, Path]) -> None:
    await browser.show(reports["exploration"], width=DESK, dark=False)
    rows = "[...document.querySelectorAll('table.cases tbody tr')]"
    names = f"{rows}.map(row => row.cells[0].dataset.value)"
    before = await browser.evaluate(names)
    assert await browser.evaluate(f"{rows}[0].innerText.includes('broken')")
    assert await browser.evaluate(f"{rows}.at(-1).innerText.includes('held')")
    assert len(before) == len(CASES)
    click = "document.querySelector('th[data-sort=text] button').click()"
    await browser.evaluate(click)
    assert await browser.evaluate(names) == sorted(before)
    await browser.evaluate(click)
    assert await browser.evaluate(names) == sorted(before, reverse=True)
    assert browser.errors == []


async def test_a_link_opens_the_case_that_it_leads_to(
    browser: Page, reports: dict[str, Path]
) -> None:
    await browser.show(reports["exploration"], width=PHONE, dark=False)
    place = CASES[5].folder
    case = f"document.getElementById('{place}')"
    assert not await browser.evaluate(f"{case}.open")
    asked = f"""new Promise((done) => {{
      {case}.addEventListener("toggle", () => done(true));
      document.querySelector('a[href="#{place}"]').click();
    }})"""
    assert await browser.evaluate(asked, wait=True)
    assert await browser.evaluate(f"{case}.open")


async def test_what_is_hard_to_read_or_asks_outside_is_seen(
    browser: Page, reports: dict[str, Path], tmp_path: Path
) -> None:
    spoilt = tmp_path / "spoilt.html"
    worse = (
        '<p style="white-space:nowrap">' + "far too long " * 40 + "</p>"
        '<p style="position:absolute;top:40px;left:20px">laid over another</p>'
        '<p style="color:#ccc;background:#fff">pale</p>'
        '<img src="http://127.0.0.1:9/nothing.png"><script>throw new Error("not ours")</script>'
    )
    whole = reports["run"].read_text(encoding="utf-8")
    spoilt.write_text(whole.replace("<main>", f"<main>{worse}"), encoding="utf-8")
    await browser.show(spoilt, width=PHONE, dark=False)
    found = await look(browser)
    assert any(text.startswith("far too long") for text in found["cut"])
    assert any("laid over another" in pair for pair in found["overlapping"])
    assert any("pale" in pale for pale in found["pale"])
    assert await browser.evaluate("document.documentElement.scrollWidth") > PHONE
    refused = " ".join(browser.errors)
    assert "nothing.png" in refused, "what is outside is not even asked for"
    assert "inline script" in refused, "a script that is not the page's own does not run"
    assert "not ours" not in refused

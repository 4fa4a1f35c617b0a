"""The report in a real headless Chromium, from file:// and without a network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900",
)  # fmt: skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no Chromium with its driver on the PATH"),
]

Open = Callable[[str], None]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A headless Chromium with a profile of its own that logs what it fetches."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(executable_path=str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture
def visit(browser: webdriver.Chrome, shared_run: Path) -> Open:
    """Return a function that opens a page of the fabricated report."""

    def go(page: str) -> None:
        browser.get((shared_run / "report" / page).as_uri())

    return go


def _requests(browser: webdriver.Chrome) -> list[str]:
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def _load_images(browser: webdriver.Chrome) -> list[dict[str, Any]]:
    script = """
      const done = arguments[0], images = [...document.images];
      images.forEach(i => { i.loading = 'eager'; });
      Promise.all(images.map(i => i.decode().catch(() => null))).then(() =>
        done(images.map(i => ({src: i.src, alt: i.alt, width: i.naturalWidth}))));
    """
    return list(browser.execute_async_script(script))


def _inner_links(browser: webdriver.Chrome) -> list[str]:
    return [str(a.get_attribute("href")) for a in browser.find_elements(By.CSS_SELECTOR, "a[href]")]


def _shown(browser: webdriver.Chrome) -> list[str]:
    """Verdict of every row of the table that can be seen."""
    script = """return [...document.querySelectorAll('#verdict-table tbody tr')]
      .filter(row => row.offsetParent).map(row => row.cells[0].innerText)"""
    return list(browser.execute_script(script))


def test_every_page_and_link(browser: webdriver.Chrome, visit: Open, shared_run: Path) -> None:
    """Walk from the overview to every page: no error, nothing fetched from outside, all pictures there."""
    report = shared_run.resolve() / "report"
    visit("index.html")
    found, seen = ["index.html"], set[str]()
    while found:
        page = found.pop()
        if page in seen:
            continue
        seen.add(page)
        visit(page)
        assert "iris-testbed" in browser.title
        images = _load_images(browser)
        assert all(image["width"] > 0 and len(image["alt"]) > 10 for image in images), page
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= 1280, f"{page} is {wide} px wide"
        for link in _inner_links(browser):
            path = Path(unquote(urlsplit(link).path))
            assert path.is_file(), f"{page}: {link}"
            if path.suffix == ".html":
                assert path.parent == report
                found.append(path.name)
    assert seen == {path.name for path in report.glob("*.html")}
    assert browser.get_log("browser") == []
    outside = {url for url in _requests(browser) if urlsplit(url).scheme not in ("file", "data")}
    assert not {url for url in outside if not url.startswith("chrome")}


def test_no_column_of_the_controls_hides_behind_an_edge(browser: webdriver.Chrome, visit: Open) -> None:
    """However long the names are: they wrap in a window of this width."""
    visit("controls.html")
    script = """
      const cell = document.querySelector('#controls tbody tr td:last-child');
      cell.innerHTML = '<code class="id">ramp.aperture_pull_width_chain aperture=8x8, rate=0.02</code>';
      const box = document.querySelector('#controls').parentElement;
      return [box.scrollWidth, box.clientWidth];"""
    needed, seen = browser.execute_script(script)
    assert needed <= seen


def test_links_are_clicked(browser: webdriver.Chrome, visit: Open) -> None:
    visit("index.html")
    browser.find_element(By.LINK_TEXT, "Every verdict").click()
    assert browser.current_url.endswith("verdicts.html")
    browser.find_element(By.CSS_SELECTOR, "nav").find_element(By.LINK_TEXT, "GLS").click()
    assert browser.current_url.endswith("ramp-gls.html")
    browser.find_element(By.LINK_TEXT, "Do it again").click()
    assert browser.current_url.endswith("#again")
    assert browser.find_element(By.CSS_SELECTOR, "pre").text.startswith("iris-testbed run")


def test_filters(browser: webdriver.Chrome, visit: Open) -> None:
    visit("verdicts.html")
    rows = len(_shown(browser))
    selects = {
        s.find_element(By.XPATH, "..").text.split("\n")[0]: s for s in browser.find_elements(By.TAG_NAME, "select")
    }
    assert set(selects) == {"Verdict", "Family", "Algorithm", "Setting"}
    Select(selects["Verdict"]).select_by_visible_text("FAIL")
    failed = _shown(browser)
    assert 0 < len(failed) < rows
    assert set(failed) == {"FAIL"}
    Select(selects["Algorithm"]).select_by_visible_text("CDS")
    assert 0 < len(_shown(browser)) < len(failed)
    assert browser.find_element(By.TAG_NAME, "output").text == f"{len(_shown(browser))} of {rows} rows shown"
    search = browser.find_element(By.CSS_SELECTOR, "input[type=search]")
    search.send_keys("no such thing")
    assert not _shown(browser)
    visit("verdicts.html")
    assert len(_shown(browser)) == rows, "it remembers nothing"


def test_sorting(browser: webdriver.Chrome, visit: Open) -> None:
    visit("verdicts.html")
    head = browser.find_element(By.XPATH, "//table[@id='verdict-table']//th[contains(., 'Measured')]")
    button = head.find_element(By.TAG_NAME, "button")
    script = """return [...document.querySelectorAll('#verdict-table tbody tr')]
      .map(r => r.cells[6].dataset.sort).filter(v => v !== '').map(Number)"""
    for direction, sign in (("ascending", 1), ("descending", -1)):
        button.send_keys(Keys.ENTER)
        assert head.get_attribute("aria-sort") == direction
        values = [sign * v for v in browser.execute_script(script)]
        assert values == sorted(values)
        assert len(values) > 100


def test_details_open_from_the_keyboard(browser: webdriver.Chrome, visit: Open) -> None:
    visit("ramp-gls.html")
    summary = browser.find_element(By.CSS_SELECTOR, ".plot summary")
    summary.send_keys(Keys.ENTER)
    table = browser.find_element(By.CSS_SELECTOR, ".plot details[open] table")
    assert "rate=0.02" in table.text
    visit("index.html")
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the content"


def test_light_and_dark_pages_keep_their_contrast(browser: webdriver.Chrome, visit: Open) -> None:
    """WCAG AA: text on its own background has a contrast of at least 4.5."""
    script = """
      const light = c => { const p = c.match(/[\\d.]+/g).slice(0, 3).map(v => { v /= 255;
        return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
        return 0.2126 * p[0] + 0.7152 * p[1] + 0.0722 * p[2]; };
      const back = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
        if (c !== 'rgba(0, 0, 0, 0)') return c; } return 'rgb(255, 255, 255)'; };
      return [...document.querySelectorAll('main *, nav a')].filter(e => e.offsetParent &&
        [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())).map(e => {
          const a = light(getComputedStyle(e).color), b = light(back(e));
          return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.tagName + '.' + e.className]; });
    """
    for scheme in ("light", "dark"):
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        for page, fewest in (
            ("index.html", 100),
            ("ramp-gls.html", 100),
            ("controls.html", 40),
            ("simulator.html", 40),
        ):
            visit(page)
            pairs = browser.execute_script(script)
            assert len(pairs) > fewest
            assert min(pairs)[0] >= 4.5, f"{page}, {scheme}: {min(pairs)}"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_readable_without_scripts(browser: webdriver.Chrome, visit: Open) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        visit("verdicts.html")
        assert len(_shown(browser)) > 100
        assert not browser.find_elements(By.CSS_SELECTOR, ".tools")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_narrow_screen_does_not_scroll_sideways(browser: webdriver.Chrome, visit: Open, shared_run: Path) -> None:
    metrics = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        for page in sorted(path.name for path in (shared_run / "report").glob("*.html")):
            visit(page)
            wide = browser.execute_script("return document.documentElement.scrollWidth")
            assert wide <= 390, f"{page} is {wide} px wide"
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("width", [1300, 1000, 390])
def test_no_table_is_cut(browser: webdriver.Chrome, visit: Open, shared_run: Path, width: int) -> None:
    """Every table stands in a box that scrolls; a window of a laptop shows all of it, but for numbers behind plots."""
    script = """
      const tables = [...document.querySelectorAll('main table')].filter(t => !t.closest('details:not([open])'));
      return tables.filter(t => { const box = t.closest('.scroll');
        return !box || getComputedStyle(box).overflowX !== 'auto' || arguments[0] && box.scrollWidth > box.clientWidth;
      }).map(t => t.caption.textContent)"""
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        for page in sorted(path.name for path in (shared_run / "report").glob("*.html")):
            visit(page)
            assert browser.execute_script(script, width > 500) == [], page
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_it_prints(browser: webdriver.Chrome, visit: Open) -> None:
    visit("index.html")
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {})
    assert len(pdf["data"]) > 10_000

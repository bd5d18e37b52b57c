"""The page in Chromium, where that is installed (see scripts/debian-packages.sh), with no way to a network."""

from __future__ import annotations

import base64
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from make_results import BUDGET, make_row, make_table1, write_benchmark
from report_results import make_hostile, save_noise

from mebench.report.page import write_report

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="Chromium or its driver is not installed"),
]
FLAGS = (
    *("--headless=new", "--no-sandbox", "--hide-scrollbars", "--disable-gpu", "--disable-background-networking"),
    *("--disable-sync", "--disable-component-update", "--no-first-run", "--disable-dev-shm-usage"),
    *("--proxy-server=127.0.0.1:9", "--host-resolver-rules=MAP * ~NOTFOUND"),
)
WIDTHS = (400, 1600)
SCHEMES = ("light", "dark")
CONTRAST = """
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => sum + weight * linear(c[i] / 255), 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const isText = (n) => n.nodeType === 3 && n.textContent.trim();
  const low = [];
  let seen = 0;
  for (const e of document.querySelectorAll("body *")) {
    if (["SCRIPT", "STYLE", "OPTION"].includes(e.tagName) || !e.getClientRects().length) continue;
    if (![...e.childNodes].some(isText)) continue;
    const style = getComputedStyle(e), colour = e.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const [a, b] = [light(rgb(colour)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    seen += 1;
    if (ratio < 4.5) low.push(`${e.tagName} ${e.textContent.slice(0, 20)}: ${ratio.toFixed(2)}`);
  }
  return [seen, low];
"""
SCROLLING = """
  return [...document.querySelectorAll("body *")].filter((e) => e.scrollWidth > e.clientWidth + 1
    && ["auto", "scroll"].includes(getComputedStyle(e).overflowX) && e.tabIndex < 0).length
"""

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("pages")
    table1 = make_table1(tmp_path_factory.mktemp("table1"))
    for folder in table1.glob("*-s0-*"):
        save_noise(folder / "samples.png", (100, 100), enlarged=3)
    hostile = make_hostile(tmp_path_factory.mktemp("hostile"))
    many = tmp_path_factory.mktemp("many")
    write_benchmark(many)
    for number in range(300):
        make_row(many, [0.2 + 0.002 * ((number * 7) % 300)], f"attack-{number % 5}", f"v{number}")
    for name, folder in (("table1", table1), ("hostile", hostile), ("many", many)):
        write_report([folder], root / f"{name}.html")
    return {path.stem: path for path in root.glob("*.html")}


@pytest.fixture
def open_page(browser: Any, pages: dict[str, Path]) -> Open:
    def opened(name: str = "table1", width: int = 1600, scheme: str = "light") -> Any:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": key, "value": value} for key, value in wishes.items()]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get("about:blank")
        browser.get_log("browser")
        browser.get(pages[name].as_uri())
        wait(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "yes")
        return browser

    return opened


def wait(condition: Callable[[], Any], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the page did not get there"
        time.sleep(0.05)


def find(page: Any, selector: str) -> Any:
    return page.find_element("css selector", selector)


def names(page: Any) -> list[str]:
    """The attacks shown in the leaderboard, block by block, without references."""
    script = """return [...document.querySelectorAll("#board tbody[data-block] tr:not(.group):not(.more)")]
      .filter((row) => row.getClientRects().length).map((row) => row.querySelector("th").textContent.trim())"""
    found: list[str] = page.execute_script(script)
    return found


def press(page: Any, title: str, times: int = 1) -> Any:
    """Sort by a column, with the keyboard; return its heading."""
    from selenium.webdriver.common.keys import Keys

    head = page.find_element("xpath", f"//table[@id='board']/thead//th[starts-with(normalize-space(), '{title}')]")
    for _ in range(times):
        head.find_element("tag name", "button").send_keys(Keys.ENTER)
    return head


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["table1", "hostile"])
def test_a_page_fits_its_width_and_every_text_has_contrast(open_page: Open, name: str, width: int, scheme: str) -> None:
    page = open_page(name, width, scheme)
    assert page.execute_script("return document.documentElement.scrollWidth") == width
    for one in page.find_elements("css selector", "details"):
        page.execute_script("arguments[0].open = true", one)
    seen, low = page.execute_script(CONTRAST)
    assert seen > 100
    assert not low
    assert page.execute_script("return getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 28)"
    )


@pytest.mark.parametrize("name", ["table1", "hostile", "many"])
def test_a_page_asks_for_nothing_and_breaks_no_rule_of_its_policy(open_page: Open, name: str) -> None:
    page = open_page(name)
    loaded = page.execute_script("return performance.getEntriesByType('resource').map((one) => one.name.slice(0, 5))")
    assert set(loaded) <= {"data:"}
    assert page.get_log("browser") == []
    assert page.execute_script("return window.broken") is None


def test_the_policy_stops_what_a_page_would_load(open_page: Open) -> None:
    page = open_page()
    page.execute_script("const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i)")
    wait(lambda: any("Content Security Policy" in one["message"] for one in page.get_log("browser")))


def test_columns_sort_by_keyboard_within_blocks_the_better_end_first(open_page: Open) -> None:
    page = open_page()
    head = press(page, "Accuracy")
    assert head.get_attribute("aria-sort") == "descending"
    assert names(page) == ["megex l1", "megex kl", "dfme l1", "dfme kl", "random-generator l1", "noise"]
    head = press(page, "Accuracy")
    assert head.get_attribute("aria-sort") == "ascending"
    assert names(page) == ["megex kl", "megex l1", "noise", "random-generator l1", "dfme kl", "dfme l1"]
    press(page, "Attack")
    assert names(page)[2:] == ["dfme kl", "dfme l1", "noise", "random-generator l1"]
    assert len(page.find_elements("css selector", "#board [aria-sort]")) == 1


def test_every_column_can_be_sorted_by_and_unknown_values_stay_last(open_page: Open) -> None:
    page = open_page("hostile")
    shown = set(names(page))
    for head in page.find_elements("css selector", "#board thead th"):
        for _ in range(2):
            head.find_element("tag name", "button").click()
            assert set(names(page)) == shown
    press(page, "Accuracy")
    first = names(page)[:3]
    press(page, "Accuracy")
    assert first[-1] == names(page)[2] == "cheater l1"


def test_search_and_selects_narrow_the_leaderboard_and_say_how_many_are_left(open_page: Open) -> None:
    page = open_page()
    find(page, "#search").send_keys("dfme KL")
    wait(lambda: names(page) == ["dfme kl"])
    assert find(page, "#count").text == "1 of 6 rows"
    find(page, "#filters [type=reset]").click()
    wait(lambda: len(names(page)) == 6)
    find(page, "select[data-key=channel]").send_keys("vg")
    wait(lambda: names(page) == ["megex l1", "megex kl"])


def test_the_slider_reads_all_values_at_a_number_of_queries(open_page: Open) -> None:
    from selenium.webdriver.common.keys import Keys

    page = open_page()
    slider = find(page, "#cursor")
    slider.send_keys(Keys.HOME)
    assert find(page, "#at").text == f"{BUDGET // 20:,}"
    slider.send_keys(Keys.END)
    assert slider.get_attribute("aria-valuetext") == "50,000 queries"
    row = find(page, "#legend tbody tr")
    assert row.text.split() == ["megex", "l1", "71.5", "69.8", "to", "73.5"]


def test_pointing_at_the_drawing_reads_values_and_a_hidden_line_is_gone(open_page: Open) -> None:
    from selenium.webdriver import ActionChains

    page = open_page()
    drawing = find(page, "#chart svg")
    ActionChains(page).move_to_element_with_offset(drawing, -100, 0).perform()
    at = int(find(page, "#at").text.replace(",", ""))
    assert BUDGET // 20 < at < BUDGET
    lines = len(page.find_elements("css selector", "#chart .line"))
    find(page, "#legend input").click()
    assert len(page.find_elements("css selector", "#chart .line")) == lines - 1


def test_the_metric_can_be_switched(open_page: Open) -> None:
    page = open_page()
    before = find(page, "#legend tbody tr").text
    find(page, "input[value=fidelity]").click()
    assert find(page, "#legend tbody tr").text != before
    assert "fidelity" in find(page, "#chart svg").get_attribute("aria-label")
    assert "100.0" in find(page, "#legend tr.ref").text


def test_the_theme_button_wins_over_the_system(open_page: Open) -> None:
    page = open_page()
    button = find(page, "#theme")
    for expected in ("light", "dark", "auto"):
        button.click()
        assert button.text == f"Theme: {expected}"
        dark = page.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"
        assert dark == (expected == "dark")


def test_packed_rows_are_found_and_their_details_open(open_page: Open) -> None:
    page = open_page("many")
    assert find(page, "#count").text == "300 of 300 rows"
    find(page, "#search").send_keys("attack-4 v299")
    wait(lambda: names(page) == ["attack-4 v299"])
    find(page, "#board tbody[data-block] a").click()
    wait(lambda: page.find_elements("css selector", "details.row[open]"))
    opened = find(page, "details.row[open]")
    assert "attack-4 v299" in opened.text
    assert page.switch_to.active_element.text.startswith("attack-4 v299")


def test_pictures_are_shown(open_page: Open) -> None:
    page = open_page()
    sizes = page.execute_script("return [...document.querySelectorAll('#pictures img')].map((one) => one.naturalWidth)")
    assert len(sizes) >= 6
    assert set(sizes) == {100}


def test_every_control_has_a_name_and_every_scrolling_box_takes_the_focus(open_page: Open) -> None:
    page = open_page("hostile", 400)
    controls = page.find_elements("css selector", "input, select, button")
    assert len(controls) > 10
    assert not [one.get_attribute("outerHTML") for one in controls if one.is_displayed() and not one.accessible_name]
    assert page.execute_script(SCROLLING) == 0


def test_a_page_prints(open_page: Open) -> None:
    page = open_page("table1", 1600, "dark")
    content = base64.b64decode(page.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert content.startswith(b"%PDF")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert page.execute_script("return getComputedStyle(document.querySelector('#filters')).display") == "none"
    assert page.execute_script("return getComputedStyle(document.body).color") == "rgb(27, 32, 40)"
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})

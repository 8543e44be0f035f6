"""Flame graphs in a browser (Chromium): zoom, search, keyboard, and what they show."""
import os

import pytest
from ebcc import flamegraph
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

LINES = (
    "main;serve;parse;memcpy 100",
    "main;serve;parse 150",
    "main;serve;send;-;do_syscall_64;tcp_sendmsg;memcpy 200",
    "main;serve;send;copy_[i] 50",
    "main;idle 300",
    "helper;parse;parse 120",
    "helper;<script>alert(1)</script>;]]>;a\x1bb 80",
)
TOTAL = 1000

# What is visible of each box: its full name, its label, position and appearance.
SEEN = """
return Array.from(document.querySelectorAll(".frame")).filter(
    (frame) => getComputedStyle(frame).display !== "none").map(function (frame) {
        const box = frame.querySelector("rect").getBoundingClientRect();
        const label = frame.querySelector("text");
        return {name: frame.querySelector("title").textContent.split("\\n")[0],
                label: label.textContent, room: box.width - label.getComputedTextLength(),
                left: box.left, width: box.width, top: box.top,
                found: frame.classList.contains("found"), fill: getComputedStyle(
                    frame.querySelector("rect")).fill};
    });
"""


class Page:
    """The picture in the browser."""

    def __init__(self, driver, path):
        self.driver = driver
        driver.get(f"file://{path}")

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def boxes(self):
        return self.run(SEEN)

    def names(self):
        return sorted(box["name"] for box in self.boxes())

    def frame(self, name):
        """The first box of a function."""
        return next(frame for frame in self.driver.find_elements(By.CSS_SELECTOR, ".frame")
                    if frame.get_attribute("aria-label").startswith(f"{name}: "))

    def type(self, text):
        ActionChains(self.driver).send_keys(text).perform()

    def press_ctrl_f(self):
        ActionChains(self.driver).key_down(Keys.CONTROL).send_keys("f").key_up(
            Keys.CONTROL).perform()

    def matched(self):
        return self.find("#controls .matched").text

    def found(self):
        return sorted(box["name"] for box in self.boxes() if box["found"])


@pytest.fixture(scope="module")
def driver():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--window-size=1200,800"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


@pytest.fixture
def page(driver, tmp_path):
    """The picture of LINES, in a window of normal size."""
    path = tmp_path / "graph.svg"
    path.write_text(flamegraph.read_folded(LINES).svg(
        title="A title <b>of</b> some length", subtitle="ten seconds"), encoding="utf-8")
    driver.set_window_size(1200, 800)
    page = Page(driver, path)
    yield page
    assert driver.get_log("browser") == []


def test_initial_view(page):
    """Everything is shown, in proportion and inside the window, with labels inside their boxes."""
    boxes = page.boxes()
    width = page.run("return document.documentElement.clientWidth")
    whole = next(box["width"] for box in boxes if box["name"] == "all")
    assert width - 2 * flamegraph.MARGIN - 1 <= whole <= width - 2 * flamegraph.MARGIN
    shares = {box["name"]: round(box["width"] / whole, 2) for box in boxes}
    assert shares["main"] == 0.8 and shares["helper"] == 0.2 and shares["idle"] == 0.3
    assert all(box["label"] == "" or box["room"] >= 4 for box in boxes)
    assert len({box["fill"] for box in boxes if box["name"] == "memcpy"}) == 2
    assert len({box["fill"] for box in boxes if box["name"] == "parse"}) == 1


def test_hostile_names_are_text(page):
    names = page.names()
    assert "<script>alert(1)</script>" in names and "]]>" in names and r"a\x1bb" in names
    assert page.run("return document.getElementById('title').textContent") == (
        "A title <b>of</b> some length")
    assert page.run("return document.querySelectorAll('script, b').length") == 1


def test_zoom(page):
    """A click expands a function to the full width. Only the boxes below and above it stay."""
    page.frame("serve").click()
    boxes = {box["name"]: box for box in page.boxes()}
    assert sorted(boxes) == sorted(["all", "main", "serve", "parse", "memcpy", "send", "-",
                                    "do_syscall_64", "tcp_sendmsg", "copy"])
    whole = boxes["all"]["width"]
    assert boxes["serve"]["width"] == boxes["main"]["width"] == whole
    assert boxes["send"]["width"] == pytest.approx(whole / 2, abs=1)
    assert "serve: 500 samples, 50.00%, user" in page.find("#details").text
    reset = page.find("#controls .reset")
    assert reset.is_enabled()
    reset.click()
    assert "idle" in page.names() and len(page.names()) == 18 and not reset.is_enabled()


def test_zoom_shows_boxes_that_were_too_narrow(driver, tmp_path):
    path = tmp_path / "narrow.svg"
    path.write_text(flamegraph.read_folded(["main;most 100000", "main;rare 20"]).svg(),
                    encoding="utf-8")
    page = Page(driver, path)
    assert "rare" not in page.names()
    # It can be reached in other ways than with the pointer.
    driver.execute_script("arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))",
                          page.frame("rare"))
    assert page.names() == ["all", "main", "rare"]
    assert [box["label"] for box in page.boxes()] == ["all", "main", "rare"]


def test_search(page):
    """Ctrl-F, then matches while typing, and the share of samples in them, each counted once."""
    page.press_ctrl_f()
    page.type("parse")
    assert page.found() == ["parse", "parse", "parse"]
    assert page.matched() == f"Matched: {100 * (250 + 120) / TOTAL:.1f}%"
    assert {box["fill"] for box in page.boxes() if box["found"]} == {"rgb(240, 122, 234)"}
    page.find("#controls .clear").click()
    assert page.found() == [] and page.matched() == ""
    page.find("#controls .search").click()
    page.type("^(mem|COPY)")
    assert page.found() == ["memcpy", "memcpy"]
    page.type(Keys.ESCAPE)
    page.press_ctrl_f()
    page.type("^(mem|copy)")
    assert page.found() == ["copy", "memcpy", "memcpy"]
    assert page.matched() == "Matched: 35.0%"


def test_search_for_an_invalid_expression(page):
    page.press_ctrl_f()
    page.type("alert(")
    assert page.found() == ["<script>alert(1)</script>"] and page.matched() == "Matched: 8.0%"


def test_search_within_zoom(page):
    """The share refers to the visible part."""
    page.frame("serve").click()
    page.press_ctrl_f()
    page.type("parse")
    assert page.matched() == "Matched: 50.0%"
    page.type(Keys.ESCAPE)
    assert page.matched() == ""
    page.type(Keys.ESCAPE)
    assert "idle" in page.names()


def test_keyboard(page):
    """Tab moves to the graph, arrow keys move within it, Enter zooms, Escape shows everything."""
    page.run("document.querySelector('.frame').focus()")
    page.type(Keys.ARROW_UP)
    focused = "return document.activeElement.getAttribute('aria-label')"
    assert page.run(focused) == "main: 800 samples, 80.00%, user"
    page.type(Keys.ARROW_LEFT)
    assert page.run(focused).startswith("helper: 200 samples, 20.00%")
    page.type(Keys.ARROW_RIGHT + Keys.ARROW_UP + Keys.ARROW_UP)
    assert page.run(focused).startswith("parse: 250 samples")
    assert page.find("#details").text == "parse: 250 samples, 25.00%, user"
    page.type(Keys.ENTER)
    assert page.names() == ["all", "main", "memcpy", "parse", "serve"]
    page.type(Keys.ARROW_DOWN)
    assert page.run(focused).startswith("serve: 500")
    page.type(Keys.ESCAPE)
    assert len(page.names()) == 18


def test_numbers_at_the_pointer(page):
    """The browser's tooltip, and the line above the graph."""
    frame = page.frame("tcp_sendmsg")
    assert frame.find_element(By.TAG_NAME, "title").get_property("textContent") == (
        "tcp_sendmsg\n200 samples, 20.00%, kernel")
    ActionChains(page.driver).move_to_element(frame).perform()
    assert page.find("#details").text == "tcp_sendmsg: 200 samples, 20.00%, kernel"


@pytest.fixture
def screen(driver):
    """Sets the width of the window, even to one that only phones have."""
    yield lambda width: driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 700, "deviceScaleFactor": 1, "mobile": False})
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("width", [1600, 900, 500, 330])
def test_window_widths(page, screen, width):
    """At any width, all boxes are inside the window, and nothing in the header overlaps."""
    page.press_ctrl_f()
    page.type("parse")
    screen(width)
    page.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame("
                                     "arguments[0]))")
    seen = page.run("return document.documentElement.clientWidth")
    assert seen <= width and page.matched() == ("" if width == 330 else "Matched: ") + "37.0%"
    assert all(box["left"] >= 0 and box["left"] + box["width"] <= seen for box in page.boxes())
    assert all(box["label"] == "" or box["room"] >= 4 for box in page.boxes())
    parts = page.run("""
        return ["#title", "#subtitle", "#details", "#controls .matched", "#controls input",
                "#controls .search", "#controls .clear", "#controls .reset"].map(function (name) {
            const box = document.querySelector(name).getBoundingClientRect();
            return [name, box.left, box.top, box.right, box.bottom];
        }).filter((box) => box[3] > box[1]);""")
    assert len(parts) >= (6 if width == 330 else 7)
    for name, left, top, right, bottom in parts:
        assert left >= 0 and top >= 0 and right <= seen, name
        overlapping = [other[0] for other in parts if other[0] != name and left < other[3] - 1 and
                       right > other[1] + 1 and top < other[4] - 2 and bottom > other[2] + 2]
        assert overlapping == [], name


def test_header_stays_visible(driver, tmp_path):
    """Deep stacks begin at the bottom of the page, but title and search stay visible."""
    path = tmp_path / "deep.svg"
    path.write_text(flamegraph.read_folded(
        [";".join(f"f{number}" for number in range(100)) + " 5"]).svg(), encoding="utf-8")
    driver.set_window_size(1200, 800)
    page = Page(driver, path)
    page.run("window.scrollTo(0, 700)")
    driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    top = page.run("return document.querySelector('#controls').getBoundingClientRect().top")
    assert 0 <= top < 50


def test_dark_windows(page):
    """Text is readable if the user's system has dark windows."""
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
        {"name": "prefers-color-scheme", "value": "dark"}]})
    try:
        colors = [page.run(f"return getComputedStyle(document.querySelector('{name}')).fill")
                  for name in ("#background", "#title", "#legend text")]
    finally:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    levels = [sum(map(int, color[4:-1].split(","))) / 3 for color in colors]
    assert levels[0] < 40 and min(levels[1:]) > 140


def test_without_a_script(driver, tmp_path):
    """In a page that embeds it as an image, it is drawn without its script."""
    picture = tmp_path / "graph.svg"
    picture.write_text(flamegraph.read_folded(LINES).svg(), encoding="utf-8")
    page = tmp_path / "page.html"
    page.write_text(f'<img src="{os.path.basename(picture)}" width="600"/>', encoding="utf-8")
    driver.get(f"file://{page}")
    size = driver.execute_script("const image = document.querySelector('img');"
                                 "return [image.naturalWidth, image.naturalHeight]")
    assert size[0] == flamegraph.WIDTH and size[1] > 200

"""The page in a real browser: no message, no request, nothing wider than a phone, both schemes, hands and keys.

Skipped where there is no Chromium or Chrome, or no playwright to drive it (it brings no browser of its own here).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from calotype.bench.report import crops
from calotype.bench.report.page import page
from calotype.bench.report.study import study

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.long
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """A headless one of this machine."""
    found = os.environ.get("CHROME") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed, and $CHROME names none")
    with sync_api.sync_playwright() as playwright:
        # As root, as in containers, Chromium refuses its sandbox.
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(kodak_rows, tmp_path_factory) -> Path:
    """A report with everything in it, as a file."""
    white = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="
    pieces = [crops.Crop(name, name or "Original", 0.3, 30.0, 5.0, white) for name in ("", "swift", "webp", "jpeg-420")]
    scene = crops.Scene("p00.png", 0, 0, pieces)
    target = tmp_path_factory.mktemp("page") / "report.html"
    target.write_text(page(study(kodak_rows), [scene]), encoding="utf-8")
    return target


class Watched:
    """A page with what it said and asked for."""

    def __init__(self, browser, file: Path, size=DESKTOP, scheme="light", script=True) -> None:
        self.context = browser.new_context(viewport=size, color_scheme=scheme, java_script_enabled=script)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE, {"width": 320, "height": 600}], ids=["desktop", "phone", "small"])
def test_it_opens_without_a_word_a_request_or_overflow(browser, file, size, scheme):
    with Watched(browser, file, size, scheme) as seen:
        seen.page.mouse.move(size["width"] / 2, size["height"] / 2)
        assert seen.said == []
        assert [url for url in seen.asked if not url.startswith("data:")] == [file.as_uri()]
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_overflow_would_be_noticed(browser, file, tmp_path):
    """The twin: one wide element, and the page is wider than the phone."""
    wide = tmp_path / "wide.html"
    wide.write_text(file.read_text(encoding="utf-8").replace("<main>", '<main><div style="width:600px">x</div>'))
    with Watched(browser, wide, PHONE) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]


def test_a_request_would_be_refused_and_noticed(browser, file, tmp_path):
    """The twin: a picture from elsewhere is blocked by the page's own policy, and says so."""
    asking = tmp_path / "asking.html"
    asking.write_text(file.read_text(encoding="utf-8").replace("<main>", '<main><img src="http://127.0.0.1:9/x.png">'))
    with Watched(browser, asking) as seen:
        assert any("Content Security Policy" in said for said in seen.said)


GROUND = "getComputedStyle(document.body).backgroundColor"
INK = "getComputedStyle(document.body).color"


def _light(colour: str) -> float:
    """Relative luminance of rgb(r, g, b), 0 to 1."""
    values = [float(value) / 255 for value in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_light(one), _light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_and_the_switch(browser, file, scheme):
    with Watched(browser, file, DESKTOP, scheme) as seen:
        assert (_light(seen.page.evaluate(GROUND)) > 0.5) == (scheme == "light")
        for wanted in ("light", "dark", "auto"):
            seen.page.click("#theme")
            assert seen.page.inner_text("#theme") == f"Theme: {wanted}"
            light = wanted == "light" or (wanted == "auto" and scheme == "light")
            assert (_light(seen.page.evaluate(GROUND)) > 0.5) == light


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_curves_can_be_seen_on_their_ground(browser, file, scheme):
    """WCAG: 4.5 to 1 for words, 3 to 1 for curves."""
    with Watched(browser, file, DESKTOP, scheme) as seen:
        ground = seen.page.evaluate(GROUND)
        assert _contrast(ground, seen.page.evaluate(INK)) > 7
        for words in (".note", ".lead", ".eyebrow", ".answers .next", ".chart .tick"):
            key = "fill" if "tick" in words else "color"
            colour = seen.page.evaluate(f"getComputedStyle(document.querySelector('{words}')).{key}")
            assert _contrast(ground, colour) > 4.5, words
        strokes = seen.page.evaluate(
            "[...document.querySelectorAll('.chart .line')].map(l => getComputedStyle(l).stroke)"
        )
        assert len(strokes) > 10 and all(_contrast(ground, stroke) > 3 for stroke in strokes)


def test_without_a_script_the_figures_are_there(browser, file):
    with Watched(browser, file, DESKTOP, script=False) as seen:
        assert seen.page.locator(".panel:visible .chart.wide").count() >= 3
        seen.page.click("label[for=metric-1]")
        assert seen.page.locator("#curves .panel:visible svg.wide[aria-label^='MS-SSIM']").count() == 1
        assert seen.page.locator(".needs-js:visible").count() == 0


def test_the_legend_switches_curves(browser, file):
    with Watched(browser, file) as seen:
        curve = seen.page.locator("#curves .panel:visible g.s[data-s='swift']").first
        assert curve.is_visible()
        chip = seen.page.locator(".legend button[data-s='swift']")
        chip.focus()
        seen.page.keyboard.press("Space")
        assert chip.get_attribute("aria-pressed") == "false" and not curve.is_visible()
        seen.page.click(".legend button[data-do='all']")
        assert curve.is_visible()
        assert seen.page.locator(".legend button[aria-pressed='false']").count() == 0


def test_pointing_at_a_curve_tells_its_figures(browser, file):
    with Watched(browser, file) as seen:
        mark = seen.page.locator("#curves .panel:visible .chart.wide g.s[data-s='swift'] circle").nth(2)
        mark.scroll_into_view_if_needed()
        box = mark.bounding_box()
        seen.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert "Calotype swift" in seen.page.inner_text("#tip") and "bpp" in seen.page.inner_text("#tip")
        seen.page.mouse.move(5, 5)
        assert not seen.page.is_visible("#tip")


def test_cells_of_the_matrix_tell_more_to_arrow_keys(browser, file):
    with Watched(browser, file) as seen:
        first = seen.page.locator("#differences .panel:visible .matrix td[tabindex='0']")
        assert first.count() == 1
        first.focus()
        detail = seen.page.locator("#differences .panel:visible .detail")
        before = detail.inner_text()
        assert "single pictures" in before
        seen.page.keyboard.press("ArrowRight")
        assert detail.inner_text() != before


def test_tables_sort_up_and_down(browser, file):
    with Watched(browser, file) as seen:
        table = seen.page.locator("#pictures .panel:visible table")
        head = table.locator("thead button").nth(3)
        figures = "rows => rows.map(row => +row.cells[3].dataset.v)"
        for order in ("ascending", "descending"):
            head.click()
            values = table.locator("tbody tr").evaluate_all(figures)
            assert values == sorted(values, reverse=order == "descending") and len(set(values)) > 3
            assert head.locator("..").get_attribute("aria-sort") == order


def test_two_pieces_lie_over_each_other(browser, file):
    with Watched(browser, file) as seen:
        slider = seen.page.locator(".viewer input")
        slider.focus()
        seen.page.keyboard.press("Home")
        assert seen.page.evaluate("document.querySelector('.stage').style.getPropertyValue('--cut')") == "0%"
        seen.page.locator(".viewer select").nth(1).select_option("3")
        assert seen.page.locator(".viewer img.over").get_attribute("alt") == "p00.png, jpeg-420"

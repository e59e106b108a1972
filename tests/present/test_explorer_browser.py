"""The page in a real Chromium, driven by Playwright, where the machine has both."""

from __future__ import annotations

import os
import shutil

import pytest

import flopscope as fs

CHROMIUM = os.environ.get("FLOPSCOPE_CHROMIUM") or shutil.which("chromium")
REASON = "Playwright or Chromium, in which the page is opened, is not installed"


def _can_browse() -> bool:
    try:
        import playwright.sync_api as found
    except ImportError:
        return False
    return CHROMIUM is not None and found is not None


pytestmark = [
    pytest.mark.may_skip(REASON),
    pytest.mark.skipif(not _can_browse(), reason=REASON),
]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    page = fs.explore("mobilenetv3_large:width=0.6", "mobilenetv2", res=160, only=True)
    return page.save(tmp_path_factory.mktemp("page") / "explorer.html").as_uri()


@pytest.fixture
def page(browser, file):
    """The page, which must not ask a server nor report an error."""
    found, wrong, asked = browser.new_page(), [], []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    found.on("request", lambda request: asked.append(request.url))
    found.goto(file)
    found.wait_for_selector("#table table")
    yield found
    assert wrong == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    found.close()


def first_row(page):
    return page.locator("#table tbody tr").first.inner_text().split("\t")


def test_a_slider_moves_every_number(page):
    known = fs.analyze("mobilenetv3_large:width=0.6", res=160)
    assert f"{known.macs().value:,}" in page.locator("#table").inner_text()
    page.locator("#all-res-number").fill("224")
    page.locator("#all-res-number").press("Tab")
    moved = fs.analyze("mobilenetv3_large:width=0.6", res=224)
    page.wait_for_function(f"document.body.innerText.includes('{moved.macs().value:,}')")
    assert "~H=160" not in page.url


def test_a_published_accuracy_goes_when_a_size_moves(page):
    page.locator("#all-res-number").fill("224")
    page.locator("#all-res-number").press("Tab")
    last = page.locator("#table tbody tr").nth(1).locator("td").last
    page.wait_for_function("document.querySelectorAll('#table sup').length === 2")
    assert last.inner_text().startswith("72")
    assert page.locator("#table td[data-label='Measured, ms']").nth(1).inner_text() == "6.591"
    page.locator("#all-width-number").fill("1.01")
    page.locator("#all-width-number").press("Tab")
    page.wait_for_function("document.querySelectorAll('#table sup').length === 0")


def test_a_device_has_times_and_roofs(page):
    (told,) = fs.predict("mobilenetv2", device="pixel1-cpu-tflite", res=160, batch=1).predictions
    page.select_option("#conventions select >> nth=2", "pixel1-cpu-tflite")
    milliseconds = f"{1e3 * told.time.seconds:.3g}"
    page.wait_for_function(f"document.querySelector('#table').innerText.includes('{milliseconds}')")
    assert "device=pixel1-cpu-tflite" in page.url
    assert page.locator("#roof-chart .unit").count() > 10
    assert "on pixel1-cpu-tflite are spent in units" in page.locator("#roof").inner_text()
    for name in ("parts", "curve", "cost"):
        page.evaluate(f"page.{name} = 'time'; drawChoices(); changed()")
    page.wait_for_selector("#curve-chart path.curve")
    page.locator("#budget").fill("20 ms")
    page.locator("#budget").press("Tab")
    page.wait_for_function("document.querySelectorAll('#budget-answers strong').length === 2")


def test_a_link_is_a_figure(page, browser):
    page.locator("#budget").fill("100M")
    page.locator("#budget").press("Tab")
    page.wait_for_function("location.hash.includes('budget=100000000')")
    answers = page.locator("#budget-answers").inner_text()
    other = browser.new_page()
    other.goto(page.url)
    other.wait_for_selector("#budget-answers strong")
    assert other.locator("#budget-answers").inner_text() == answers
    other.close()


def test_copies_are_commands_that_run(page):
    page.locator("#copies button", has_text="Command line").click()
    lines = page.locator("#copied").input_value()
    assert lines == (
        "flopscope compare mobilenetv3_large:width=0.6 mobilenetv2 --res 160 --convention macs "
        "--device i7-12700h-inductor"
    )
    page.locator("#copies button", has_text="LaTeX").click()
    (row,) = [each for each in page.locator("#copied").input_value().splitlines() if "v3" in each]
    assert row == (
        "mobilenetv3\\_large (160 px, width 0.6) & 52{,}320{,}032 & 3{,}097{,}016 & "
        "1{,}703{,}696 & 12.4 & 1.55 & 2.05 & 15.7 & 4.19 (3.59 -- 5.62) & -- \\\\"
    )


def test_axes_may_be_logarithmic(page):
    page.select_option("#curve-choice select >> nth=2", "logarithmic")
    page.wait_for_function(
        "document.querySelector('#curve-chart').textContent.includes('MACs (logarithmic)')"
    )
    assert "axes=logarithmic" in page.url
    page.locator("#budget-line").focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_function("location.hash.includes('budget=')")
    assert page.locator("#budget-answers strong").count() == 2


def test_the_budget_moves_by_keys(page):
    page.locator("#budget-line").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("location.hash.includes('budget=')")
    assert page.locator("#budget-answers strong").count() >= 1


def test_a_refusal_is_a_row_in_words(page):
    page.locator("#all-B-number").fill("0")
    page.locator("#all-B-number").press("Tab")
    page.wait_for_selector("tr.refused")
    assert "B must be at least 1" in page.locator("tr.refused").first.inner_text()


def test_without_javascript_the_table_is_there(browser, file):
    context = browser.new_context(java_script_enabled=False)
    found = context.new_page()
    found.goto(file)
    assert "JavaScript, which is off" in found.locator("body").inner_text()
    assert "3,504,872" in found.locator("#static").inner_text()
    context.close()


NETS = """
from torch import nn


class Long(nn.Module):
    def __init__(self, title=""):
        super().__init__()
        self.body = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(3000)))

    def forward(self, x):
        return self.body(x)


class Fixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(x)


class Wide(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1)

    def forward(self, x):
        return self.stem(x)


class Idle(nn.Module):
    def forward(self, x):
        return x.relu()
"""


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A page of networks that nobody draws pages for."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "net.py").write_text(NETS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        name = "net.py:Long[title='</script><img src=x onerror=alert(1)>']"
        pages = {
            "long": fs.explore(name, "net.py:Idle", res=8, only=True),
            "fixed": fs.explore("net.py:Fixed", input=(1, 8), only=True),
            "wide": fs.explore("net.py:Wide", "mobileclip_s0", only=True),
        }
        return {name: each.save(folder / f"{name}.html").as_uri() for name, each in pages.items()}


@pytest.mark.parametrize("name", ["long", "fixed"])
def test_odd_networks_are_drawn_whole(browser, odd, name):
    """Thousands of rows, HTML in a name, nothing to multiply, and no free size."""
    found, wrong = browser.new_page(), []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("dialog", lambda dialog: wrong.append(dialog.message))
    found.goto(odd[name])
    found.wait_for_selector("#table table")
    found.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    found.wait_for_selector("#layers table")
    text = found.locator("body").inner_text()
    said = {
        "long": ["</script><img src=x onerror=alert(1)>", "15,552,000"],
        "fixed": ["It has no free size.", "so there is no curve to draw", "all are fixed"],
    }
    assert [each for each in said[name] if each not in text] == []
    assert found.locator("#app img").count() == 0
    if name == "long":
        assert found.locator("#layers tbody tr").count() == 3000
        found.evaluate("page.roof = 1; changed()")
        found.wait_for_function("document.body.innerText.includes('no multiply-accumulates')")
    assert wrong == []
    found.close()


def test_arguments_move_other_metrics_go_and_energy_is_shown_when_asked(browser, odd):
    found, wrong = browser.new_page(), []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.goto(odd["wide"])
    found.wait_for_selector(".scores-table")
    assert "zero-shot top-1 on ImageNet-1k, %" in found.locator(".scores-table").inner_text()
    assert "apple/ml-mobileclip README.md" in found.locator("#table .sources").inner_text()
    assert found.locator("#table").inner_text().count("horowitz-45nm") == 0
    found.select_option("#conventions select >> nth=3", "all")
    found.wait_for_function("document.querySelector('#table').innerText.includes('horowitz-45nm')")
    found.locator("[id='all-own width-number']").fill("16")
    found.locator("[id='all-own width-number']").press("Tab")
    found.wait_for_function("document.querySelector('#table').innerText.includes('448')")
    assert "columns=all" in found.url
    assert "~width=16" in found.url
    found.locator("#all-tokens-number").fill("76")
    found.locator("#all-tokens-number").press("Tab")
    found.wait_for_function("document.querySelector('.scores-table') === null")
    assert wrong == []
    found.close()


@pytest.mark.parametrize("width", [390, 1360])
def test_nothing_sticks_out_of_the_page(browser, file, width):
    found = browser.new_page(viewport={"width": width, "height": 800})
    found.goto(file)
    found.wait_for_selector("#table table")
    assert found.evaluate("document.documentElement.scrollWidth") <= width
    found.close()

"""The list of alerts in a real browser: newest on top, as text, and still true for who comes later."""

from pathlib import Path

import pytest
from support.browser import Watch, until

from rtlab.alerts import Alert
from rtlab.views.alert_list import AlertList

pytestmark = pytest.mark.browser
SHOTS = Path(".shots")
DAY = 1_700_000_000 * 10**9


def alert(n: int) -> Alert:
    return Alert(
        "r", "BTC-USD", f"BTC-USD traded at {60_000 + n}.5: last price at or above 60000 <b>{n}</b>", str(n)
    )


def texts(page) -> list[str]:
    return page.locator(".alerts .text").all_inner_texts()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_newest_is_on_top_and_text_is_only_text(browser, serve, theme):
    panels = []

    def app():
        panels.append(AlertList(rows=5, theme=theme))
        panels[-1].append(DAY, alert(0))
        return panels[-1]

    page = browser.new_page(viewport={"width": 480, "height": 320})
    watch = Watch(page)
    page.goto(serve(app))
    until(lambda: texts(page) == [alert(0).text], "the alert of before")
    assert page.locator(".alerts .fresh").count() == 0  # it was there before
    for n in range(1, 8):
        panels[-1].append(DAY + n * 10**9, alert(n))
    until(lambda: texts(page) == [alert(n).text for n in (7, 6, 5, 4, 3)], "the newest five")
    assert page.locator(".alerts .fresh").count() == 5
    assert page.locator(".alerts time").first.inner_text() == "22:13:27.000"
    assert page.locator(".alerts b").count() == 0
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"alerts-{theme}.png")
    assert (watch.errors, watch.outside) == ([], [])
    page.close()


def test_an_empty_list_says_so(browser, serve):
    page = browser.new_page()
    page.goto(serve(AlertList))
    until(lambda: page.locator(".alerts .empty").count() == 1, "the page")
    assert page.locator(".alerts .empty").inner_text() == "No alert so far"
    page.close()

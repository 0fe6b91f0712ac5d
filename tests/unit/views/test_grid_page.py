from support.looker import looking_at

from rtlab.views.grid_page import GridPage
from rtlab.views.metrics import Metrics


def test_a_page_shows_the_numbers_and_the_health_of_the_feed():
    metrics = Metrics()
    metrics.append(0, {"BTC-USD": 5.0})
    page = GridPage("Instruments", metrics)
    with looking_at(page) as looker:
        page.update({"state": "live"})
        for _ in range(3):
            page.beat.pace._due.clear()
            looker.say(page.beat, {"painted": page.beat.pace.statistics().drawn})
        assert looker.last(page.grid.visual)["cards"][0][0] == "BTC-USD"
        assert looker.last(page._health.visual)["state"] == "live"
    assert page.visual.places == [["board", "Instruments"]]
    assert page.visual.symbols == []
    assert repr(page) == "GridPage(Metrics(1 keys, 120 intervals))"


def test_a_page_without_a_feed_shows_no_health():
    assert not GridPage("Machine", Metrics(), has_feed=False).visual.has_feed
    assert GridPage("Machine", Metrics()).visual.has_feed


def test_the_reader_chooses_the_theme_of_the_grid_too():
    page = GridPage("Machine", Metrics())
    with looking_at(page) as looker:
        looker.say(page.visual, {"wear": "dark"})
    assert (page.theme, page.grid.theme) == ("dark", "dark")

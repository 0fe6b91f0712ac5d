import panel as pn
import pytest
from bokeh.document import Document
from bokeh.models import ImportedStyleSheet
from panel.io.state import set_curdoc
from support.random_market import BTC, ETH

from rtlab.errors import InstrumentError
from rtlab.views.ladder import Ladder
from rtlab.views.price import Prices
from rtlab.views.shell import InstrumentPage, whole_page


class Small(InstrumentPage):
    kind = "small"

    def _made(self, instrument, prices):
        return {
            "one": Ladder(instrument, 5, theme=self.theme),
            "two": Ladder(instrument, 9, theme=self.theme),
        }


def small(*instruments) -> Small:
    return Small(instruments, {"one": "First", "two": "Second"}, on_instrument=Prices, theme="dark")


def test_the_shell_is_told_its_kind_and_its_places():
    page = small(BTC, ETH)
    assert page.visual.kind == "small"
    assert page.visual.places == [["one", "First"], ["two", "Second"]]
    assert [panel.depth for panel in page._panels.values()] == [5, 9]
    assert page.visual.panels == [panel.visual for panel in page._panels.values()]


def test_another_instrument_makes_other_panels_in_the_same_places():
    page = small(BTC, ETH)
    before = list(page._panels.values())
    page.choose("ETH-USD")
    assert [panel.instrument for panel in page._panels.values()] == [ETH, ETH]
    assert not set(before) & set(page._panels.values())
    assert {panel.theme for panel in page._panels.values()} == {"dark"}


def test_a_page_without_an_instrument_is_refused_by_its_name():
    with pytest.raises(InstrumentError, match="a small page needs an instrument"):
        small()


def test_repr_tells_the_kind_of_page_and_its_instruments():
    assert repr(small(BTC, ETH)) == "Small(BTC-USD of BTC-USD, ETH-USD)"


def test_a_session_whose_html_was_another_sessions_has_its_styles_from_here():
    document = Document()
    with set_curdoc(document):
        whole_page(pn.Column("text")).server_doc(document)
    urls = [str(sheet.url) for sheet in document.select({"type": ImportedStyleSheet})]
    assert urls
    assert [url for url in urls if "://" in url] == []

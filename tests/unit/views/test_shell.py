import pytest
from support.random_market import BTC, ETH

from rtlab.errors import InstrumentError
from rtlab.views.ladder import Ladder
from rtlab.views.price import Prices
from rtlab.views.shell import InstrumentPage


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

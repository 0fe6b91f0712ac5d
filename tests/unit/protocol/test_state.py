from decimal import Decimal
from typing import get_type_hints

import pytest

from rtlab.book import BarsView, BookView, KeyedTable, L3Book, Market, TapeView, TickerView, Update
from rtlab.model import Instrument
from rtlab.protocol import Source, Sources, View


def members(protocol):
    names = {name for name in vars(protocol) if not name.startswith("_")}
    return names | set(get_type_hints(protocol))


def market():
    return Market([Instrument("A", Decimal(1), Decimal(1))], 1)


@pytest.mark.parametrize("channel", ["book", "trades", "ticker", "bars"])
def test_every_channel_of_a_market_is_a_source(channel):
    source = market().source(channel, "A", 10**9)
    assert all(hasattr(source, name) for name in members(Source))
    assert isinstance(source.since(0, 0, 5, 0), Update)
    assert isinstance(source.digest(5), bytes)


@pytest.mark.parametrize("source", [L3Book(), KeyedTable((1,), 0)])
def test_other_tables_are_sources_where_they_have_a_digest(source):
    names = members(Source) - {"digest"}
    assert all(hasattr(source, name) for name in names)


@pytest.mark.parametrize("view", [BookView, TapeView, TickerView, BarsView])
def test_every_view_is_a_view(view):
    assert all(hasattr(view(), name) for name in members(View))
    assert (view().epoch, view().seq, view().held) == (0, 0, 0)


def test_a_market_is_where_sources_are_found():
    assert all(hasattr(market(), name) for name in members(Sources))

import json
from decimal import Decimal

import pytest

from rtlab.errors import InstrumentError, ProtocolError
from rtlab.sources.venues import listings


def binance(name="BTCUSDT", tick="0.01000000", step="0.00001000", most="9000.00000000", places=8, **more):
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": most, "stepSize": step},
        {"filterType": "ICEBERG_PARTS", "limit": 10},
    ]
    symbol = {"symbol": name, "baseAssetPrecision": places, "filters": filters, **more}
    return json.dumps({"symbols": [symbol]}).encode()


def test_the_grid_of_spot_is_its_tick_and_the_unit_that_the_asset_is_counted_in():
    (found,) = listings.binance_spot(binance(), ["BTCUSDT"])
    assert (found.name, found.instrument.symbol) == ("BTCUSDT", "BTCUSDT")
    assert (found.instrument.tick_size, found.instrument.lot_size) == (Decimal("0.01"), Decimal("0.00000001"))


def test_a_lot_is_never_so_small_that_a_level_would_not_fit_into_an_integer():
    (found,) = listings.binance_spot(binance(step="1.00", most="46116860414.00"), ["BTCUSDT"])
    assert found.instrument.lot_size == Decimal("0.0001")
    (found,) = listings.binance_spot(binance(step="1.00", most="9e30"), ["BTCUSDT"])
    assert found.instrument.lot_size == 1


def test_the_grid_of_futures_is_the_step_of_an_order():
    (found,) = listings.binance_usdm(binance(tick="0.10", step="0.001"), ["BTCUSDT"])
    assert (found.instrument.tick_size, found.instrument.lot_size) == (Decimal("0.1"), Decimal("0.001"))


def test_an_instrument_that_is_not_listed_is_told_with_the_nearest():
    with pytest.raises(
        InstrumentError, match="Binance lists no such instrument: expected BTCUSDT, got BTCUSD"
    ):
        listings.binance_usdm(binance(), ["BTCUSD"])


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"symbols":[{"symbol":"BTCUSDT","baseAssetPrecision":8}]}',
        binance(tick="0.00"),
        binance(tick="x"),
        binance(step="-1"),
    ],
)
def test_a_grid_that_is_none_is_an_error_and_no_guess(body):
    with pytest.raises(ProtocolError, match="Binance"):
        listings.binance_spot(body, ["BTCUSDT"])


PAIR = (
    '{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","qty_precision":8,'
    '"qty_increment":0.00000001,"price_precision":1,"cost_precision":5,"price_increment":0.1,"qty_min":0.00005}'
)


def instruments(pairs=PAIR, kind="snapshot"):
    return (
        f'{{"channel":"instrument","type":"{kind}","data":{{"assets":[{{"id":"BTC"}}],"pairs":[{pairs}]}}}}'
    )


def test_the_grid_of_kraken_comes_with_the_decimals_that_its_checksum_needs():
    (found,) = listings.kraken(instruments(), ["BTC/USD"])
    assert (found.instrument.tick_size, found.instrument.lot_size) == (Decimal("0.1"), Decimal("0.00000001"))
    assert (found.price_places, found.qty_places) == (1, 8)


def test_other_messages_of_kraken_are_not_the_answer():
    assert listings.kraken('{"channel":"status","data":[]}', ["BTC/USD"]) is None
    assert listings.kraken('{"method":"subscribe","success":true}', ["BTC/USD"]) is None
    assert listings.kraken(instruments(kind="update"), ["BTC/USD"]) is None


def test_steps_that_cannot_be_written_are_an_error():
    with pytest.raises(ProtocolError, match="cannot write: expected 0 decimals"):
        listings.kraken(instruments(PAIR.replace('"price_precision":1', '"price_precision":0')), ["BTC/USD"])


@pytest.mark.parametrize(
    ("name", "near"), [("BTCUSD", "BTC/USD"), ("btc-usd", "BTC/USD"), ("BTC/EUR", "BTC/USD")]
)
def test_a_name_in_another_form_finds_the_right_one(name, near):
    with pytest.raises(InstrumentError, match=f"expected {near}"):
        listings.kraken(instruments(), [name])


def product(**more):
    base = {"product_id": "BTC-USD", "base_increment": "0.00000001", "quote_increment": "0.01"}
    return json.dumps({**base, "price": "1", **more}).encode()


def test_the_grid_of_coinbase():
    found = listings.coinbase(product(), "BTC-USD")
    assert (found.instrument.tick_size, found.instrument.lot_size) == (Decimal("0.01"), Decimal("0.00000001"))
    assert listings.coinbase(product(price_increment="0.5"), "BTC-USD").instrument.tick_size == Decimal("0.5")


def test_an_answer_about_something_else_is_an_error():
    with pytest.raises(ProtocolError, match="another product: expected ETH-USD, got BTC-USD"):
        listings.coinbase(product(), "ETH-USD")


def test_an_unknown_instrument_of_a_venue_that_does_not_list_all_is_told_with_an_example():
    error = listings.unknown("X", "Coinbase", example="BTC-USD")
    assert str(error) == "Coinbase lists no such instrument: expected a name as BTC-USD, got X"

from rtlab.store.keys import Point, state_key, steps_key


def test_both_keys_of_an_instrument_carry_its_hash_tag():
    assert steps_key("BTC-USD") == "rtlab:{BTC-USD}:steps"
    assert state_key("BTC-USD") == "rtlab:{BTC-USD}:state"


def test_a_point_is_an_entry_id_and_is_ordered_as_redis_orders_them():
    assert Point(12, 7).id == "12-7"
    assert Point.of(b"12-7") == Point(12, 7)
    assert Point(2, 0) > Point(1, 999)

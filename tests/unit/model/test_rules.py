import msgspec
import pytest

from rtlab.errors import ConfigError
from rtlab.model import Rules


def test_without_numbers_all_is_allowed_and_free():
    assert set(msgspec.structs.asdict(Rules()).values()) == {0}


@pytest.mark.parametrize("name", [name for name in Rules.__struct_fields__ if not name.endswith("ppm")])
@pytest.mark.parametrize("number", [-1, (1 << 62) + 1, 1.5, "7"])
def test_a_rule_out_of_range_is_named(name, number):
    with pytest.raises(ConfigError, match=f"{name} is out of range: expected 0 to {1 << 62}"):
        Rules(**{name: number})


@pytest.mark.parametrize("name", ["maker_fee_ppm", "taker_fee_ppm"])
def test_a_fee_may_be_a_rebate_but_no_more_than_the_whole(name):
    assert getattr(Rules(**{name: -100}), name) == -100
    for number in (-1_000_001, 1_000_001):
        with pytest.raises(ConfigError, match=name):
            Rules(**{name: number})


def test_rules_survive_the_snapshot():
    rules = Rules(price_band=5, taker_fee_ppm=7)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(rules), type=Rules) == rules

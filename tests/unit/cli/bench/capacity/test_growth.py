import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.cli.bench.capacity.growth import exponent
from rtlab.errors import LocalError

SIZES = (100, 200, 400, 800)


@given(power=st.floats(0.0, 3.0), each=st.floats(1e-6, 1e3))
def test_a_power_is_found_whatever_it_is_multiplied_with(power, each):
    costs = [each * size**power for size in SIZES]
    assert exponent(SIZES, costs) == pytest.approx(power, abs=1e-9)


def test_what_is_fixed_lowers_it_and_what_is_quadratic_raises_it():
    assert exponent(SIZES, [1000 + size for size in SIZES]) < 0.6
    assert exponent(SIZES, [size + size**2 / 100 for size in SIZES]) > 1.5


def test_noise_of_a_tenth_moves_it_by_little():
    random = np.random.default_rng(1)
    found = [exponent(SIZES, [size * random.uniform(0.95, 1.05) for size in SIZES]) for _ in range(50)]
    assert abs(np.mean(found) - 1) < 0.02


@pytest.mark.parametrize(
    ("sizes", "costs"),
    [((1,), (1,)), ((5, 5), (1, 2)), ((1, 2), (1, 0)), ((1, 2), (1, 2, 3)), ((0, 1), (1, 1))],
)
def test_what_tells_no_growth_is_an_error(sizes, costs):
    with pytest.raises(LocalError, match="growth cannot be told"):
        exponent(sizes, costs)

from random import Random

import pytest

from rtlab.bus.retry import Retry
from rtlab.errors import BusError


def test_waits_double_up_to_the_most_and_jitter_stays_in_the_upper_half():
    retry, draw = Retry(tries=20, first_s=0.1, most_s=5.0), Random(1)
    for failed in range(1, 70):
        whole = min(5.0, 0.1 * 2 ** (failed - 1))
        waits = [retry.wait_s(failed, draw) for _ in range(50)]
        assert whole / 2 <= min(waits) <= max(waits) <= whole
        assert len(set(waits)) > 10


@pytest.mark.parametrize("wrong", [{"tries": 0}, {"first_s": -1.0}, {"first_s": 9.0, "most_s": 1.0}])
def test_retries_that_make_no_sense_are_refused(wrong):
    with pytest.raises(BusError, match="make no sense"):
        Retry(**wrong)

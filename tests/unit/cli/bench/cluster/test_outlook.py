import pytest

from rtlab.cli.bench.cluster.outlook import outlook
from rtlab.cli.bench.cluster.race import Measured

ONE = Measured(1_000_000, 5e5, 2.0, 0.5, 0.02, 0.125, 50_000_000, 1, "a")
FOUR = ONE._replace(lasted_s=4.0, scheduling_s=0.16)


def test_each_bound_is_reckoned_from_what_a_row_cost():
    found = outlook(ONE, FOUR, 4)
    assert found.rate_of_core == 2e6
    assert found.rate_of_redis == 8e6
    assert found.cores_of_redis == 4
    assert found.mb_per_s == 400  # 50 bytes a row
    assert found.shards_of_scheduler == pytest.approx(100)  # 1 % of a core each


@pytest.mark.parametrize(("cores", "rate"), [(1, 2e6), (3, 6e6), (4, 8e6), (40, 8e6)])
def test_more_cores_help_until_redis_has_no_time_left(cores, rate):
    assert outlook(ONE, FOUR, 4).rate(cores) == rate

import pytest

from rtlab.cli.bench.cluster.crew import on_dask, plain
from rtlab.cli.bench.cluster.race import GRAPH

pytestmark = pytest.mark.filterwarnings("ignore")


def test_both_kinds_fold_the_same_rows_to_the_same_state_and_tell_what_they_used(course):
    found = {}
    for kind in (plain, on_dask):
        with kind(GRAPH, 1) as crew:
            before = crew.spent()
            found[kind] = [course.race(crew, 16_000) for _ in range(2)]
            assert crew.spent().folding_s > before.folding_s
            assert before.resident > 25e6  # a process with numpy
    assert len({one.digest for races in found.values() for one in races}) == 1
    assert all(one.folding_s > 0 for races in found.values() for one in races)
    assert [one.scheduling_s for one in found[plain]] == [0, 0]
    assert all(one.scheduling_s > 0 for one in found[on_dask])

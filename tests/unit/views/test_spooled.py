from pathlib import Path

import numpy as np
import pytest

from rtlab.errors import LocalError, SourceError
from rtlab.views.pyramid import Pyramid

RANDOM = np.random.default_rng(8)
N = 100_000
X = np.cumsum(RANDOM.exponential(1, N))
Y = RANDOM.standard_normal((N, 2)).cumsum(axis=0)
Y[500:9000, 0] = np.nan
Y[[0, 70_000, N - 1], 1] = np.nan


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("n", [0, 1, 64, 5000, N])
@pytest.mark.parametrize("step", [700, 64_000])
def test_what_is_written_part_by_part_is_what_is_saved_at_once(tmp_path, n, step):
    parts = ((X[i : min(n, i + step)], Y[i : min(n, i + step)]) for i in range(0, n, step))
    written = Pyramid.write(tmp_path / "parts", parts, names=("a", "b"))
    Pyramid(X[:n], Y[:n], names=("a", "b")).save(tmp_path / "whole")
    assert files_of(tmp_path / "parts") == files_of(tmp_path / "whole")
    assert (len(written), written.names) == (n, ("a", "b"))


def test_parts_are_taken_one_at_a_time_and_none_is_kept(tmp_path):
    taken = []

    def parts():
        for i in range(0, 10_000, 1000):
            taken.append((tmp_path / "x.f8").stat().st_size)
            yield X[i : i + 1000], {"y": Y[i : i + 1000, 1]}

    Pyramid.write(tmp_path, parts())
    assert taken[0] == 0
    assert taken[-1] >= 8 * 8000  # the rest waits in the file's buffer
    assert Pyramid.open(tmp_path).x.tolist() == X[:10_000].tolist()


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (([0.5], [1.0]), "x decreases at position 0: expected x >= 2.0, got 0.5"),
        (([3.0, 4.0], [1.0]), "x and y belong together: expected as many x as y, got 2 and 1"),
        (([3.0], [np.inf]), "y at position 0 cannot be drawn"),
        ((["a"], [1.0]), "the caller's x cannot be drawn: expected numbers in one dimension"),
    ],
)
def test_a_part_that_cannot_follow_leaves_no_pyramid(tmp_path, second, message):
    Pyramid([1.0], [1.0]).save(tmp_path)
    with pytest.raises(LocalError, match=message):
        Pyramid.write(tmp_path, [([1.0, 2.0], [1.0, np.nan]), second])
    with pytest.raises(SourceError, match="there is no pyramid"):
        Pyramid.open(tmp_path)

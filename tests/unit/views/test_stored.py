import numpy as np
import pytest
from support.m4_oracle import brute_force_gaps

from rtlab.errors import SourceError
from rtlab.views.pyramid import Pyramid

RANDOM = np.random.default_rng(8)
N = 200_000
X = np.cumsum(RANDOM.exponential(1, N))


def columns(n: int) -> dict[str, np.ndarray]:
    low, high = RANDOM.standard_normal(n).cumsum(), RANDOM.standard_normal(n)
    if n > 10:
        low[RANDOM.integers(0, n, 9)] = np.nan
        low[n // 3 : n // 2] = np.nan
    return {"low": low, "high": high}


@pytest.mark.parametrize("n", [0, 1, 63, 64, 5000, N])
def test_what_is_opened_is_drawn_as_what_was_saved(tmp_path, n):
    kept = columns(n)
    saved = Pyramid(names=("low", "high"))
    for start in range(0, n, 30_000):
        saved.append(
            X[start : start + 30_000][: n - start], {k: v[start : start + 30_000] for k, v in kept.items()}
        )
    saved.save(tmp_path / "p")
    opened = Pyramid.open(tmp_path / "p")
    assert opened.names == ("low", "high")
    assert len(opened) == n
    for i, y in enumerate(kept.values()):
        assert np.array_equal(opened.values(i), y, equal_nan=True)
        for x0, x1, width in ((0.0, float(n), 400), (n / 4, n / 3, 50)):
            assert np.array_equal(opened.view(x0, x1, width, i), brute_force_gaps(X[:n], y, x0, x1, width))


def test_appending_to_an_opened_pyramid_leaves_the_files_alone(tmp_path):
    y = RANDOM.standard_normal(N)
    Pyramid(X[:-1000], y[:-1000]).save(tmp_path)
    opened = Pyramid.open(tmp_path)
    opened.append(X[-1000:], y[-1000:])
    assert np.array_equal(opened.view(0.0, X[-1], 300), Pyramid(X, y).view(0.0, X[-1], 300))
    assert len(Pyramid.open(tmp_path)) == N - 1000


def test_saving_again_replaces_what_was_there(tmp_path):
    Pyramid(X, columns(N)).save(tmp_path)
    Pyramid([1.0, 2.0], [3.0, 4.0]).save(tmp_path)
    opened = Pyramid.open(tmp_path)
    assert (opened.names, opened.y.tolist()) == (("y",), [3.0, 4.0])


def test_a_folder_without_a_pyramid_is_refused(tmp_path):
    with pytest.raises(SourceError, match="there is no pyramid in this folder"):
        Pyramid.open(tmp_path)


@pytest.mark.parametrize("name", ["x.f8", "y.0.f8", "values.0.f8", "places.0.i8"])
@pytest.mark.parametrize("fault", ["cut", "gone"])
def test_a_file_that_is_not_whole_is_named(tmp_path, name, fault):
    Pyramid(X[:1000], X[:1000]).save(tmp_path)
    path = tmp_path / name
    path.unlink() if fault == "gone" else path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(SourceError, match=rf"{name} is not whole"):
        Pyramid.open(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"points": "many"}', '{"points": 3}'])
def test_an_index_that_makes_no_sense_is_refused(tmp_path, text):
    Pyramid(X[:1000], X[:1000]).save(tmp_path)
    (tmp_path / "pyramid.json").write_text(text)
    with pytest.raises(SourceError, match="there is no pyramid in this folder"):
        Pyramid.open(tmp_path)

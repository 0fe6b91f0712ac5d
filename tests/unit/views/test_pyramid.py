import threading

import numpy as np
import pytest
from support.m4_oracle import brute_force, brute_force_edges, brute_force_gaps
from tsdownsample import M4Downsampler

from rtlab.errors import LocalError
from rtlab.views import cells
from rtlab.views.pyramid import Pyramid, milliseconds

RANDOM = np.random.default_rng(7)


def walk(n: int) -> np.ndarray:
    return np.cumsum(RANDOM.standard_normal(n))


@pytest.fixture(scope="module")
def uneven() -> tuple[np.ndarray, np.ndarray]:
    x = np.cumsum(RANDOM.exponential(1.0, 40_000) ** 3)
    return x, walk(len(x))


@pytest.mark.parametrize("width", [1, 2, 7, 400, 1000, 5000])
def test_whole_extent_is_brute_force_m4_at_any_width(uneven, width):
    x, y = uneven
    assert np.array_equal(Pyramid(x, y).view(x[0], x[-1], width), brute_force(x, y, x[0], x[-1], width))


def test_random_windows_are_brute_force_m4(uneven):
    x, y = uneven
    pyramid = Pyramid(x, y)
    for _ in range(200):
        x0, x1 = np.sort(RANDOM.uniform(x[0] - 50, x[-1] + 50, 2))
        width = int(RANDOM.integers(1, 1200))
        assert np.array_equal(pyramid.view(x0, x1, width), brute_force(x, y, x0, x1, width))


def test_windows_that_begin_and_end_on_points_hold_the_first_and_not_the_last():
    x = np.arange(10_000.0)
    pyramid = Pyramid(x, walk(10_000))
    indices = pyramid.view(64.0, 128.0, 1)
    assert indices[0] == 63
    assert indices[1] == 64
    assert indices[-2] == 127
    assert indices[-1] == 128


def test_flat_y_gives_first_and_last_of_every_column():
    x = np.arange(1000.0)
    indices = Pyramid(x, np.ones(1000)).view(0.0, 1000.0, 10)
    assert np.array_equal(indices, np.sort(np.r_[np.arange(0, 1000, 100), np.arange(99, 1000, 100)]))


def test_of_equal_extremes_the_first_is_taken():
    y = np.zeros(5000)
    y[[700, 701, 4000]] = 1
    y[[900, 3000]] = -1
    assert list(Pyramid(np.arange(5000.0), y).view(0.0, 5000.0, 1)) == [0, 700, 900, 4999]


def test_duplicates_of_x_stay_in_one_column():
    x = np.repeat(np.arange(50.0), 300)
    y = walk(len(x))
    for width in (1, 50, 77, 3000):
        assert np.array_equal(Pyramid(x, y).view(3.0, 47.0, width), brute_force(x, y, 3.0, 47.0, width))


def test_all_x_equal_is_one_column():
    x, y = np.full(3000, 5.0), walk(3000)
    indices = Pyramid(x, y).view(0.0, 10.0, 100)
    assert set(indices) == {0, 2999, int(np.argmin(y)), int(np.argmax(y))}


def test_empty_window_gives_only_the_neighbours():
    pyramid = Pyramid(np.arange(100.0), walk(100))
    assert list(pyramid.view(50.0, 50.0, 300)) == [49, 50]
    assert list(pyramid.view(50.2, 50.8, 300)) == [50, 51]


def test_one_point_is_seen_within_before_and_behind():
    pyramid = Pyramid([5.0], [1.0])
    assert list(pyramid.view(0.0, 10.0, 100)) == [0]
    assert list(pyramid.view(6.0, 10.0, 100)) == [0]
    assert list(pyramid.view(0.0, 5.0, 100)) == [0]


def test_window_beyond_the_points_gives_the_last_one_and_before_them_the_first():
    pyramid = Pyramid(np.arange(1000.0), walk(1000))
    assert list(pyramid.view(5000.0, 6000.0, 800)) == [999]
    assert list(pyramid.view(-60.0, -5.0, 800)) == [0]


def test_empty_pyramid_gives_no_index():
    pyramid = Pyramid()
    assert len(pyramid) == 0
    assert len(pyramid.view(0.0, 1.0, 100)) == 0
    assert repr(pyramid) == "Pyramid(0 points)"


def test_more_columns_than_points_gives_every_point_once():
    x = np.sort(RANDOM.uniform(0, 1, 500))
    assert np.array_equal(Pyramid(x, walk(500)).view(0.0, 1.0, 100_000), np.arange(500))


def test_the_narrowest_window_that_floats_allow_is_brute_force():
    x = 1.7e12 + np.arange(100.0)
    y = walk(100)
    x0, x1 = x[50], np.nextafter(x[50], np.inf)
    assert np.array_equal(Pyramid(x, y).view(x0, x1, 900), brute_force(x, y, x0, x1, 900))


def test_evenly_spaced_points_agree_with_tsdownsample():
    for n, width in ((64_000, 100), (100_000, 1000), (12_800, 200)):
        y = walk(n)
        theirs = np.unique(M4Downsampler().downsample(y, n_out=4 * width))
        assert np.array_equal(Pyramid(np.arange(float(n)), y).view(0.0, float(n), width), theirs)


@pytest.mark.parametrize("pieces", [1, 3, 63, 64, 65, 1000, 40_000])
def test_points_appended_in_pieces_give_what_all_at_once_give(uneven, pieces):
    x, y = uneven
    n = min(len(x), 200 * pieces)
    pyramid = Pyramid()
    for start in range(0, n, pieces):
        pyramid.append(x[start : min(n, start + pieces)], y[start : min(n, start + pieces)])
    assert np.array_equal(pyramid.x, x[:n])
    assert np.array_equal(pyramid.y, y[:n])
    assert np.array_equal(pyramid.view(x[0], x[n - 1], 300), brute_force(x[:n], y[:n], x[0], x[n - 1], 300))


def test_every_moment_of_growth_is_brute_force():
    x = np.arange(300.0)
    y = walk(300)
    pyramid = Pyramid()
    for i in range(300):
        pyramid.append(x[i], y[i])
        assert np.array_equal(
            pyramid.view(-1.0, i + 0.5, 2), brute_force(x[: i + 1], y[: i + 1], -1.0, i + 0.5, 2)
        )


def test_growth_doubles_and_keeps_everything():
    x = np.arange(300_000.0)
    y = walk(300_000)
    pyramid = Pyramid(x[:1000], y[:1000])
    for start in range(1000, 300_000, 7919):
        pyramid.append(x[start : start + 7919], y[start : start + 7919])
    held = pyramid.statistics()
    assert (held.points, held.capacity, held.grown) == (300_000, 1 << 19, 3)
    assert held.level_bytes < 0.05 * 16 * held.capacity
    assert np.array_equal(pyramid.view(0.0, 3e5, 100), brute_force(x, y, 0.0, 3e5, 100))


@pytest.mark.parametrize("step", [1, 50, 1000, 20_000])
def test_whatever_the_steps_growth_copies_everything_in_time(step):
    n = 300_000 if step > 1 else 70_000
    x, y = np.arange(float(n)), np.sin(np.arange(n) / 7)
    start = 0 if step > 1 else 65_000
    pyramid = Pyramid(x[:start], y[:start])
    for at in range(start, n, step):
        pyramid.append(x[at : at + step], y[at : at + step])
    assert np.array_equal(pyramid.x, x)
    assert np.array_equal(pyramid.y, y)
    assert np.array_equal(pyramid.view(0.0, float(n), 777), brute_force(x, y, 0.0, float(n), 777))


def test_what_was_taken_before_growth_stays_as_it_was():
    pyramid = Pyramid(np.arange(65_000.0), np.zeros(65_000))
    before = pyramid.x
    pyramid.append(np.arange(65_000.0, 200_000.0), np.ones(135_000))
    assert np.array_equal(before, np.arange(65_000.0))


def test_columns_take_any_edges():
    x = np.arange(5000.0)
    y = walk(5000)
    edges = np.array([10.0, 11.0, 11.0, 900.5, 4200.0])
    assert np.array_equal(Pyramid(x, y).columns(edges), brute_force_edges(x, y, edges))


def test_x_and_y_cannot_be_written_to():
    pyramid = Pyramid([1.0, 2.0], [3.0, 4.0])
    with pytest.raises(ValueError, match="read-only"):
        pyramid.x[0] = 9
    with pytest.raises(ValueError, match="read-only"):
        pyramid.y[0] = 9


def test_integers_and_lists_are_taken_as_numbers():
    pyramid = Pyramid([1, 2, 3], np.array([1, 5, 2], dtype=np.int32))
    assert list(pyramid.view(0, 10, 1)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2, 1.5], [0, 0, 0], r"x decreases at position 2: expected x >= 2.0, got 1.5"),
        (
            [1, 2],
            [0, np.inf],
            r"y at position 1 cannot be drawn: expected a finite number, or nan for a gap, got inf",
        ),
        ([1, 2], [-np.inf, 0], r"y at position 0 .* got -inf"),
        ([1, np.nan], [0, 0], r"x at position 1 .* got nan"),
        ([1, np.inf], [0, 0], r"x at position 1 .* got inf"),
        ([1, 2, 3], [0, 0], r"expected as many x as y, got 3 and 2"),
        ([[1, 2]], [[0, 0]], r"expected numbers in one dimension, got int64 of shape \(1, 2\)"),
        (["a"], [0], r"caller's x cannot be drawn: expected numbers"),
        ([1], [None], r"caller's y cannot be drawn: expected numbers"),
        (np.array(["2024-01-01"], "M8[ns]"), [0], r"caller's x cannot be drawn: expected numbers"),
    ],
)
def test_bad_points_are_refused_whole_and_what_was_held_is_kept(x, y, message):
    pyramid = Pyramid([0.5], [7.0])
    with pytest.raises(LocalError, match=message):
        pyramid.append(x, y)
    assert list(pyramid.x) == [0.5]
    pyramid.append([0.5, 9.0], [1.0, 2.0])
    assert list(pyramid.y) == [7.0, 1.0, 2.0]


def test_points_before_the_last_held_one_are_refused():
    pyramid = Pyramid([5.0], [1.0])
    with pytest.raises(LocalError, match=r"x decreases at position 0: expected x >= 5.0, got 4.0"):
        pyramid.append([4.0], [1.0])


def test_x_without_y_is_refused():
    with pytest.raises(LocalError, match="as many x as y, got 2 and 0"):
        Pyramid([1, 2])


@pytest.mark.parametrize(
    ("x0", "x1", "width"),
    [
        (1.0, 0.0, 10),
        (0.0, np.nan, 10),
        (-np.inf, 0.0, 10),
        (-1.7e308, 1.7e308, 10),
        (0.0, 1.0, 0),
        (0.0, 1.0, -4),
    ],
)
def test_windows_that_make_no_sense_are_refused(x0, x1, width):
    with pytest.raises(LocalError, match=r"finite x0 <= x1 and width >= 1"):
        Pyramid([1.0], [1.0]).view(x0, x1, width)


def test_who_reads_while_points_come_sees_a_prefix():
    n, step = 400_000, 997
    x = np.arange(float(n))
    y = np.sin(x / 1000) * x
    pyramid = Pyramid()
    wrong: list[str] = []
    reads = 0
    done = threading.Event()

    def read() -> None:
        nonlocal reads
        while not done.is_set():
            seen = len(pyramid)
            indices = pyramid.view(0.0, float(n), 50)
            if not len(indices):
                continue
            held = int(indices[-1]) + 1
            reads += 1
            if held < seen or held % step not in (0, n % step):
                wrong.append(f"{held} points seen, no append ended there")
            elif not np.array_equal(indices, brute_force(x[:held], y[:held], 0.0, float(n), 50)):
                wrong.append(f"not the M4 of the first {held}")

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for start in range(0, n, step):
        pyramid.append(x[start : start + step], y[start : start + step])
    done.set()
    for reader in readers:
        reader.join(30)
    assert not wrong
    assert reads > 0


def test_two_who_append_do_not_mix():
    pyramid = Pyramid()
    writers = [
        threading.Thread(target=lambda: [pyramid.append([0.0] * 100, [1.0] * 100) for _ in range(200)])
        for _ in range(2)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert len(pyramid) == 40_000
    assert list(pyramid.view(-1.0, 1.0, 1)) == [0, 39_999]


def test_nanoseconds_become_milliseconds_without_loss_of_microseconds():
    times = np.array([1_700_000_000_123_456_789, 1_700_000_000_123_457_789])
    ms = milliseconds(times)
    assert ms[0] == 1_700_000_000_123 + 0.456789
    assert ms[1] - ms[0] == pytest.approx(0.001, abs=0.0003)
    assert np.array_equal(milliseconds(times.astype("M8[ns]")), ms)
    assert list(milliseconds(5_000_000)) == [5.0]


def test_times_that_are_no_times_are_refused():
    with pytest.raises(LocalError, match="integer nanoseconds or datetime64, got float64"):
        milliseconds([1.5])


def test_repr_says_how_much_is_held():
    assert repr(Pyramid(np.arange(2000.0), np.zeros(2000))) == "Pyramid(2,000 points, x from 0 to 1999)"


def test_several_columns_share_one_x_and_are_drawn_each_by_itself():
    x, table = np.arange(5000.0), np.stack([walk(5000), walk(5000)], axis=1)
    by_name = Pyramid(x, {"bid": table[:, 0], "ask": table[:, 1]})
    by_shape = Pyramid(names=("bid", "ask"))
    by_shape.append(x, table)
    for pyramid in (by_name, by_shape):
        assert repr(pyramid) == "Pyramid(5,000 points of bid, ask, x from 0 to 4999)"
        for column in (0, 1):
            expected = brute_force(x, table[:, column], 10.5, 4000.0, 70)
            assert np.array_equal(pyramid.view(10.5, 4000.0, 70, column), expected)
            assert np.array_equal(pyramid.values(column), table[:, column])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ({"bid": [1.0]}, "a column of the caller's vanished: expected bid, ask, got no ask"),
        ({"bid": [1.0], "ask": [1.0, 2.0]}, "expected as many x as y, got 1 and 2"),
        ({"bid": [1.0], "ask": ["x"]}, "the caller's ask cannot be drawn"),
        ({"bid": [1.0], "ask": [np.inf]}, "the caller's ask at position 0 cannot be drawn"),
        ([1.0], r"expected shape \(points, 2\): bid, ask, got shape \(1,\)"),
    ],
)
def test_of_several_columns_all_take_a_point_or_none(y, message):
    pyramid = Pyramid([0.0], {"bid": [5.0], "ask": [6.0]})
    with pytest.raises(LocalError, match=message):
        pyramid.append([1.0], y)
    assert (pyramid.values(0).tolist(), pyramid.values(1).tolist()) == ([5.0], [6.0])


def test_names_must_differ():
    with pytest.raises(LocalError, match="at least one, all different"):
        Pyramid(names=("a", "a"))


@pytest.mark.parametrize("step", [997, 20_000, 150_000])
@pytest.mark.parametrize(("age", "most"), [(70_000.0, None), (None, 200_000), (90_000.0, 300_000)])
def test_what_is_too_old_goes_and_the_rest_is_drawn_exactly(step, age, most):
    n = 900_000
    x, y = np.arange(float(n)), walk(n)
    y[RANDOM.integers(0, n, 30)] = np.nan
    most_bytes = None if most is None else int(most * 16 * 1.04) + 16
    pyramid = Pyramid(age=age, most_bytes=most_bytes)
    for start in range(0, n, step):
        pyramid.append(x[start : start + step], y[start : start + step])
        held = len(pyramid)
        assert pyramid.x[-1] - pyramid.x[0] >= min(pyramid.total - 1, (age or 0))
        if most is not None:
            assert held <= 1.5 * most + 2 * step
    gone = pyramid.statistics().evicted
    assert gone > 0
    assert pyramid.total == n
    assert np.array_equal(pyramid.x, x[gone:])
    x0 = float(x[gone])
    expected = brute_force_gaps(x[gone:], y[gone:], x0, float(n), 500)
    assert np.array_equal(pyramid.view(x0, float(n), 500), expected)


@pytest.mark.parametrize("bad", [{"age": 0.0}, {"age": np.nan}, {"most_bytes": 1000}])
def test_a_pyramid_that_could_keep_nothing_is_refused(bad):
    with pytest.raises(LocalError, match="can keep nothing"):
        Pyramid(**bad)


def test_what_is_held_at_a_moment_stays_while_more_comes():
    pyramid = Pyramid(np.arange(100.0), walk(100))
    then = pyramid.now()
    pyramid.append(np.arange(100.0, 70_000.0), walk(69_900))
    assert (len(then), len(pyramid)) == (100, 70_000)
    assert then.view(0.0, 1e6, 3)[-1] == 99


def test_marks_are_of_the_points_between_the_edges_and_the_others_are_counted():
    y = walk(10_000)
    pyramid = Pyramid(np.arange(10_000.0), {"a": y, "b": -y})
    grid = cells.Grid(float(-y.max()), 1.0, 400, 2)
    drawn = pyramid.marks(np.array([100.0, 200.0, 300.0]), grid, column=1)
    assert drawn.x.min() >= 100
    assert drawn.x.max() < 300
    assert drawn.y.tolist() == (-y)[drawn.x.astype(int)].tolist()
    assert (drawn.low, drawn.high) == (drawn.y.min(), drawn.y.max())
    assert drawn.merged == 200 - len(drawn.x)
    assert pyramid.marks(np.array([-9.0, -8.0]), grid).merged == 0

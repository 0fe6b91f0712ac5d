import threading

import numpy as np
import pytest

from rtlab.errors import ConfigError, DataError
from rtlab.views.metrics import Metrics


def course(metrics: Metrics, key: str) -> list[float]:
    return metrics.course(key).values.tolist()


def test_a_course_is_the_last_value_of_each_interval():
    metrics = Metrics(interval_ns=10, keep=5)
    for ts, value in ((100, 1.0), (105, 2.0), (110, 3.0), (129, 4.0)):
        metrics.append(ts, {"a": value})
    assert course(metrics, "a") == [2.0, 3.0, 4.0]
    seen = metrics.course("a")
    assert (seen.first, seen.newest, seen.at) == (1.0, 4.0, 129)


def test_an_interval_without_a_value_repeats_the_one_before_and_its_time_stays():
    metrics = Metrics(interval_ns=10, keep=5)
    metrics.append(100, {"a": 1.0, "b": 7.0})
    metrics.append(120, {"b": 8.0, "a": None})
    assert course(metrics, "a") == [1.0, 1.0, 1.0]
    assert course(metrics, "b") == [7.0, 7.0, 8.0]
    assert metrics.course("a").at == 100


def test_only_the_newest_intervals_are_kept():
    metrics = Metrics(interval_ns=10, keep=4)
    random = np.random.default_rng(1)
    expected: dict[int, float] = {}
    ts = 0
    for _ in range(500):
        ts += int(random.integers(0, 25))
        value = float(random.standard_normal())
        metrics.append(ts, {"a": value})
        expected[ts // 10] = value
        newest, filled = ts // 10, []
        for column in range(min(expected), newest + 1):
            filled.append(expected.get(column, filled[-1] if filled else None))
        assert course(metrics, "a") == filled[-4:]


def test_a_long_pause_leaves_the_last_value_everywhere():
    metrics = Metrics(interval_ns=10, keep=3)
    metrics.append(0, {"a": 5.0})
    metrics.append(10_000, {"b": 1.0})
    assert course(metrics, "a") == [5.0, 5.0, 5.0]
    assert course(metrics, "b") == [1.0]


def test_more_keys_than_there_is_room_for_are_refused_and_counted():
    metrics = Metrics(most=40)
    metrics.append(0, {f"key {i}": i for i in range(50)})
    assert metrics.statistics() == (40, 10)
    assert metrics.keys == [f"key {i}" for i in range(40)]
    assert course(metrics, "key 39") == [39.0]


@pytest.mark.parametrize("value", ["text", float("nan"), float("inf"), [1, 2]])
def test_what_is_no_number_is_refused_and_nothing_of_it_is_kept(value):
    metrics = Metrics()
    with pytest.raises(DataError, match="odd is not a number that can be shown: expected a finite number"):
        metrics.append(0, {"good": 1.0, "odd": value})
    assert metrics.keys == []


def test_a_key_that_never_came_is_told():
    with pytest.raises(DataError, match="there is no such number: expected none yet, got x"):
        Metrics().course("x")


@pytest.mark.parametrize("bad", [{"interval_ns": 0}, {"keep": 1}, {"most": 0}])
def test_metrics_that_could_hold_nothing_are_refused(bad):
    with pytest.raises(ConfigError, match="metrics need"):
        Metrics(**bad)


def test_who_reads_while_others_append_sees_whole_courses():
    metrics, odd = Metrics(interval_ns=1, keep=50), []
    ending = threading.Event()

    def read() -> None:
        while not ending.is_set():
            for key in metrics.keys:
                values = metrics.course(key).values
                if not np.array_equal(values, np.sort(values)):
                    odd.append(values)

    reader = threading.Thread(target=read)
    reader.start()
    for ts in range(3000):
        metrics.append(ts, {f"k{ts % 30}": float(ts)})
    ending.set()
    reader.join(10)
    assert not odd
    assert repr(metrics) == "Metrics(30 keys, 50 intervals)"

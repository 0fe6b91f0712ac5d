from rtlab.cli.bench.results import result


def test_a_result_is_the_median_and_the_ends_of_its_runs():
    told = result("throughput", "rtlab", "normal", "1/s", [3.0, 1.0, 2.0])
    assert told == {
        "name": "throughput",
        "contender": "rtlab",
        "case": "normal",
        "unit": "1/s",
        "runs": 3,
        "median": 2.0,
        "min": 1.0,
        "max": 3.0,
    }


def test_without_runs_there_is_no_number_and_a_reason():
    told = result("throughput", "other", "normal", "1/s", [], "not installed")
    assert (told["runs"], told["median"], told["min"], told["max"]) == (0, None, None, None)
    assert told["reason"] == "not installed"

from support.store import store_server

from rtlab.cli.bench.store.recording import folder, load_of, record, sample


def test_a_short_run_records_what_was_offered():
    with store_server():
        pass  # a machine without a server skips
    made = record(20_000, 1.0)
    assert 10_000 < made.rows_per_s < 40_000
    assert 0 < made.bytes_per_row < 8


def test_a_sample_has_the_rows_that_were_asked_for():
    assert sample(5_000).num_rows == 5_000
    assert load_of(10_000, 2.0).seconds == 2.0


def test_a_folder_goes_when_it_is_done_with():
    with folder() as path:
        assert path.is_dir()
    assert not path.exists()

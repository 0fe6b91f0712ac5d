from support.store import store_server

from rtlab.cli.bench.store.seam import _read
from rtlab.store import Store


def test_a_read_is_timed_as_often_as_was_asked(tmp_path):
    from rtlab.cli.bench.store.queries import INSTRUMENTS, _fill
    from rtlab.cli.bench.store.seam import INSTRUMENT
    from rtlab.store.cold.place import LocalPlace
    from rtlab.store.cold.writer import ColdWriter

    with store_server():
        pass  # a machine without a server skips
    with ColdWriter(LocalPlace(tmp_path), tmp_path, INSTRUMENT) as writer:
        _fill(writer, 4_000)
    with Store(tmp_path) as store:
        assert len(_read(store, 3)) == 3
    assert INSTRUMENTS

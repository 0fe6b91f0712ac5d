from support.store import store_server

from rtlab.cli.bench.store.peers import plain_xadd, result
from rtlab.cli.bench.store.recording import sample


def test_plain_xadd_counts_what_it_wrote():
    with store_server():
        pass  # a machine without a server skips
    told = plain_xadd(sample(1_000), 0.2)
    assert told["median"] > 1_000
    assert told["contender"] == "plain XADD"


def test_a_peer_that_could_not_be_installed_is_a_row_with_a_reason():
    told = result("x", "peer", "case", "rows/s", None, "no network")
    assert (told["median"], told["reason"], told["runs"]) == (None, "no network", 0)

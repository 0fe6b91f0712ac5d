from support.store import store_server

from rtlab.cli.bench.environments import Unfit
from rtlab.cli.bench.store import peers
from rtlab.cli.bench.store.peers import arctic, plain_xadd
from rtlab.cli.bench.store.recording import sample


def test_plain_xadd_counts_what_it_wrote():
    with store_server():
        pass  # a machine without a server skips
    told = plain_xadd(sample(1_000), 0.2)
    assert told["median"] > 1_000
    assert told["contender"] == "plain XADD"


def test_a_peer_that_could_not_be_installed_is_rows_with_a_reason(monkeypatch):
    def fail(*_):
        raise Unfit("no network")

    monkeypatch.setattr(peers, "python_with", fail)
    told = arctic(sample(1_000))
    assert [row["name"] for row in told] == ["recorded, cold alone", "increments and trades"]
    assert [(row["median"], row["reason"], row["runs"]) for row in told] == [(None, "no network", 0)] * 2

import sys
from pathlib import Path

import pytest

from rtlab.cli.bench import bus_peers
from rtlab.cli.bench.environments import Unfit


def test_without_a_rabbitmq_its_peers_have_a_reason(monkeypatch):
    monkeypatch.setattr(bus_peers, "python_with", lambda room, packages: Path("there"))
    monkeypatch.setattr(bus_peers, "answer", lambda *_, **__: {"events_per_s": 5})
    told = list(bus_peers.measure("unix://x", "", 10, 2))
    assert [peer.needs_rabbit for peer, _, _ in told] == [False, False, True, True]
    assert [rates for _, rates, _ in told] == [[5.0, 5.0], [5.0, 5.0], [], []]
    assert all("RTLAB_BUS_URL" in reason for peer, _, reason in told if peer.needs_rabbit)


def test_one_that_cannot_be_installed_has_a_reason(monkeypatch):
    def nowhere(room, packages):
        raise Unfit("could not be installed: no index")

    monkeypatch.setattr(bus_peers, "python_with", nowhere)
    told = list(bus_peers.measure("unix://x", "amqp://x", 10, 1))
    assert {reason for _, _, reason in told} == {"could not be installed: no index"}


@pytest.mark.parametrize("peer", bus_peers.PEERS, ids=lambda peer: peer.name)
def test_a_peer_that_is_not_installed_fails_with_its_last_word(peer, monkeypatch):
    monkeypatch.setattr(bus_peers, "PATIENCE_S", 20.0)
    with pytest.raises(Unfit, match="failed: "):
        bus_peers._once(Path(sys.executable), peer.name, "amqp://127.0.0.1:1/", 1)

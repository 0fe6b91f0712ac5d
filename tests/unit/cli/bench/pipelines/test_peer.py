import json
import sys

import numpy as np
import pytest

from rtlab.cli.bench.pipelines import graph, peer

TRADES, QUOTES = graph.random_rows(3000)
ROWS = (
    [tuple(row) for row in TRADES[:, :3].tolist()],
    [tuple(row) for row in QUOTES[:, [0, 2, 3, 4, 5]].tolist()],
)


def same(found: dict[str, float], expected: dict[str, float]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9), name


def test_the_plain_analytics_come_to_what_ours_do():
    parts = peer.Bars(), peer.Vwap(), peer.Variance(), peer.Imbalance()
    for part in parts:
        for row in ROWS[isinstance(part, peer.Imbalance)]:
            assert part.take(row) is part
    same(peer.told(*parts), graph.results(TRADES, QUOTES))


def test_streamz_row_by_row_comes_to_the_same():
    seconds, found = peer.streamz(*ROWS)
    assert seconds > 0
    same(found, graph.results(TRADES, QUOTES))


def test_the_script_prints_one_object(tmp_path, capsys, monkeypatch):
    np.savez(tmp_path / "rows.npz", trades=TRADES[:, :3], quotes=QUOTES[:, [0, 2, 3, 4, 5]])
    told = json.loads(peer.main("streamz", str(tmp_path / "rows.npz")))
    same(told["results"], graph.results(TRADES, QUOTES))
    assert told["rate"] > 0


def test_every_peer_has_a_way_to_run():
    assert set(peer.PEERS) == {"streamz", "bytewax", "csp", "pathway"}
    assert "peer" in sys.modules[peer.__name__].__name__

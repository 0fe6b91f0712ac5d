from rtlab.cli.bench.capacity import accepting


def test_who_comes_costs_something(monkeypatch):
    monkeypatch.setattr(accepting, "WINDOW_S", 0.4)
    assert 0 <= accepting.accept_us(20) < 1e6

import pytest

from rtlab.cli.bench.capacity import accepting


@pytest.mark.long  # the small run of the whole bench measures the same
def test_who_comes_costs_something(monkeypatch):
    monkeypatch.setattr(accepting, "WINDOW_S", 0.4)
    assert 0 <= accepting.accept_us(20) < 1e6

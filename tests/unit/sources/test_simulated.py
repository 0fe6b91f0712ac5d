from hashlib import sha256

import numpy as np
import pytest

from rtlab.errors import ConfigError, GridError, InstrumentError, RtlabError
from rtlab.model import COMMAND, Instrument
from rtlab.sources.simulated import DEMO_PRICES, Simulated, demo_instruments

TWO = (Instrument("A", "0.01", "1"), Instrument("B", "0.5", "0.1"))


def test_the_same_seed_gives_the_same_bytes_however_it_is_cut() -> None:
    whole = Simulated(TWO, seed=3).batch(30_000).tobytes()
    assert Simulated(TWO, seed=3).batch(30_000).tobytes() == whole
    rng, cut, source = np.random.default_rng(0), list[np.ndarray](), Simulated(TWO, seed=3)
    while (missing := 30_000 - sum(map(len, cut))) > 0:
        cut.append(source.batch(min(missing, int(rng.integers(0, 3_000)))))
    assert np.concatenate(cut).tobytes() == whole


def test_cut_by_time_or_by_number_the_flow_is_the_same() -> None:
    rng, by_time, source = np.random.default_rng(1), list[np.ndarray](), Simulated(TWO, seed=3, start=10**18)
    ts = 10**18
    for _ in range(200):
        by_time.append(source.until(ts))
        assert (by_time[-1]["ts"] <= ts).all()
        ts += int(rng.integers(0, 200_000_000))
    flow = np.concatenate(by_time)
    assert Simulated(TWO, seed=3, start=10**18).batch(len(flow)).tobytes() == flow.tobytes()


def test_chunks_are_the_same_flow_without_end() -> None:
    source, rows = Simulated(TWO, seed=3), list[np.ndarray]()
    for (ts, chunk), _ in zip(source.chunks(1_000_000), range(500), strict=False):
        assert ts == chunk["ts"][0]
        assert chunk["ts"][-1] <= ts + 1_000_000
        rows.append(chunk)
    flow = np.concatenate(rows)
    assert Simulated(TWO, seed=3).batch(len(flow)).tobytes() == flow.tobytes()
    assert next(Simulated(TWO).chunks())[0] == 0


def test_the_flow_of_seed_1_is_the_same_on_every_machine() -> None:
    # changes only when the market or the row is changed on purpose
    flow = Simulated(demo_instruments(), seed=1).batch(20_000)
    assert sha256(flow.tobytes()).hexdigest()[:16] == "412137f9c6098171"


def test_every_seed_is_another_market() -> None:
    flows = {Simulated(TWO, seed=seed).batch(2_000).tobytes() for seed in range(10)}
    assert len(flows) == 10


def test_the_start_moves_the_times_and_nothing_else() -> None:
    early, late = Simulated(TWO).batch(5_000), Simulated(TWO, start=10**18).batch(5_000)
    late["ts"] -= 10**18
    assert early.tobytes() == late.tobytes()


@pytest.mark.parametrize("rate", [100, 2_000, 50_000, 1_000_000])
def test_the_rate_is_kept_on_average_and_is_not_even(rate: int) -> None:
    source = Simulated(TWO, rate=rate)
    source.batch(source.opening)
    ts = source.batch(400_000)["ts"]
    assert 400_000 / (ts[-1] / 1e9) == pytest.approx(rate, rel=0.2)
    counts = np.histogram(ts, bins=100)[0]
    assert counts.std() > 3 * np.sqrt(counts.mean())  # quiet and busy times, not a plain Poisson process


def test_the_opening_fills_the_books_at_the_start() -> None:
    source = Simulated(TWO, start=42)
    opening = source.until(42)
    assert len(opening) == source.opening == 640
    assert opening.dtype == COMMAND
    assert set(opening["instrument"].tolist()) == {0, 1}


def test_nothing_comes_twice_and_nothing_early() -> None:
    source = Simulated(TWO)
    assert len(source.until(-1)) == 0
    first = len(source.until(10**9))
    assert first > source.opening
    assert len(source.until(10**9)) == 0


def test_busier_than_expected_is_still_given_whole() -> None:
    source = Simulated(TWO, rate=1_000_000)
    many = source.until(200_000_000)
    assert len(many) > 100_000
    assert len(np.unique(many["ts"])) > 10_000


def test_instruments_open_where_they_are_told() -> None:
    prices = {"A": "123.45", "B": 5_000}
    opening = Simulated(TWO, prices=prices).until(0)
    for index, middle in enumerate((12_345, 10_000)):
        mine = opening[opening["instrument"] == index]
        assert mine["price"][mine["side"] == 0].max() == middle - 1
        assert mine["price"][mine["side"] == 1].min() == middle + 1


def test_the_demo_has_three_instruments_that_open_at_known_prices() -> None:
    instruments = demo_instruments()
    assert [i.symbol for i in instruments] == ["BTC-USD", "ETH-USD", "SOL-USD"] == list(DEMO_PRICES)
    opening = Simulated(instruments).until(0)
    for index, instrument in enumerate(instruments):
        best = opening["price"][(opening["instrument"] == index) & (opening["side"] == 0)].max()
        assert float(instrument.price(best)) == pytest.approx(float(DEMO_PRICES[instrument.symbol]), rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "kind", "told"),
    [
        ({"instruments": ()}, InstrumentError, "got none"),
        ({"instruments": (TWO[0], TWO[0])}, InstrumentError, "each once: got A, A"),
        ({"rate": 0}, ConfigError, "rate is out of range"),
        ({"rate": 1e9}, ConfigError, "rate is out of range"),
        ({"rate": float("nan")}, ConfigError, "rate is out of range"),
        ({"seed": -1}, ConfigError, "seed is out of range"),
        ({"seed": 1 << 63}, ConfigError, "seed is out of range"),
        (
            {"prices": {"A": "1.00"}},
            ConfigError,
            r"A cannot open at 1.00: expected at least 2,000 ticks of 0.01",
        ),
        ({"prices": {"A": -50}}, ConfigError, "A cannot open at -50"),
        ({"prices": {"A": "100.005"}}, GridError, "off the grid"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict, kind: type[RtlabError], told: str) -> None:
    with pytest.raises(kind, match=told):
        Simulated(**{"instruments": TWO} | arguments)


def test_fifty_instruments_all_trade() -> None:
    many = [Instrument(f"I{n}", "0.01", "1") for n in range(50)]
    flow = Simulated(many).batch(100_000)
    assert (np.bincount(flow["instrument"], minlength=50) > 320).all()


def test_commands_that_are_skipped_are_those_that_would_have_come():
    rows = Simulated(TWO, seed=3, start=10**18).batch(1000)
    simulated = Simulated(TWO, seed=3, start=10**18)
    assert simulated.due == rows["ts"][0]
    simulated.skip(600)
    assert simulated.due == rows["ts"][600]
    simulated.skip(0)
    assert simulated.batch(400).tobytes() == rows[600:].tobytes()


def test_a_market_goes_on_from_its_state_as_if_it_had_not_been_away():
    first, second = Simulated(TWO, seed=3, start=10**18), Simulated(TWO, seed=3, start=10**18)
    first.batch(5000)
    first.until(first.due + 10**8)
    given, state = first.given, first.state()
    rows = first.batch(3000)
    second.resume(state)
    assert second.given == given > 5000
    assert second.batch(3000).tobytes() == rows.tobytes()
    assert first.given == second.given == given + 3000


def test_the_state_of_other_instruments_is_refused():
    with pytest.raises(ConfigError, match="another simulated market"):
        Simulated(TWO[:1], seed=3).resume(Simulated(TWO, seed=3).state())

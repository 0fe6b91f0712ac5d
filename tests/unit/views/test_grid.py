import pytest
from support.looker import Looker, looking_at

from rtlab.views.grid import MetricGrid, plain
from rtlab.views.metrics import Metrics

SECOND = 1_000_000_000


@pytest.fixture
def metrics() -> Metrics:
    made = Metrics(keep=10)
    made.append(SECOND, {"a": 10.0, "b": 0.0})
    return made


def cards(grid: MetricGrid, looker: Looker) -> list[list]:
    looker.forget()
    grid.beat.pace._due.clear()
    grid.refresh()
    return [card for message in looker.messages(grid.visual) for card in message["cards"]]


def test_a_card_tells_value_change_and_course(metrics):
    metrics.append(3 * SECOND, {"a": 12.5})
    with looking_at(grid := MetricGrid(metrics)) as looker:
        grid.beat.pace._due.clear()
        grid._appeared()
        told = {card[0]: card for card in looker.messages(grid.visual)[-1]["cards"]}
    assert told["a"][1:3] == ["12.50", 0.25]
    assert told["a"][4:] == [[10.0, 10.0, 12.5], True]
    assert told["b"][1:3] == ["0", 0.0]
    assert told["a"][3] > 1e9  # ms: it was told long ago


def test_only_what_changed_travels_and_within_an_interval_only_its_last_value(metrics):
    with looking_at(grid := MetricGrid(metrics)) as looker:
        assert cards(grid, looker) == []  # told when it was rendered
        metrics.append(SECOND + 5, {"b": 3.0})
        (card,) = cards(grid, looker)
        assert (card[0], card[4], card[5]) == ("b", [3.0], False)
        assert cards(grid, looker) == []
        metrics.append(2 * SECOND, {"b": 4.0})
        assert [(card[0], card[5]) for card in cards(grid, looker)] == [("a", True), ("b", True)]


def test_two_grids_share_metrics_and_each_is_told_everything(metrics):
    first, second = MetricGrid(metrics), MetricGrid(metrics)
    with looking_at(first) as one, looking_at(second) as other:
        first._appeared()
        second._appeared()
        seen = [looker.last(grid.visual)["cards"] for looker, grid in ((one, first), (other, second))]
        without_age = [[(*card[:3], *card[4:]) for card in cards] for cards in seen]
        assert without_age[0] == without_age[1] != []


def test_numbers_are_written_as_the_caller_says(metrics):
    grid = MetricGrid(metrics, written=lambda key, value: f"{key}={value:.1f}")
    with looking_at(grid) as looker:
        grid._appeared()
        assert [card[1] for card in looker.last(grid.visual)["cards"]] == ["a=10.0", "b=0.0"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (12345.678, "12,346"),
        (3.14159, "3.142"),
        (-0.5, "-0.500"),
        (99.5, "99.50"),
        (3e15, "3e+15"),
        (2e-7, "2e-07"),
    ],
)
def test_plain_numbers_have_few_digits(value, text):
    assert plain("x", value) == text


def test_the_theme_reaches_the_cards(metrics):
    grid = MetricGrid(metrics)
    grid.theme = "dark"
    assert grid.visual.theme == "dark"
    assert repr(grid) == "MetricGrid(Metrics(2 keys, 10 intervals))"

import pytest
from support.looker import PaintingLooker, looking_at
from support.random_market import BTC, ETH, NOON, RandomMarket

from rtlab.views.volume import Volume, Window
from rtlab.views.volume_profile import LEAST_ROWS, MOST_ROWS, VolumeProfile

MS = 1_000_000


def columns(*trades: tuple[int, int, int, int]) -> dict[str, list[int]]:
    return {name: [row[i] for row in trades] for i, name in enumerate(("ts", "ticks", "lots", "side"))}


def redrawn(panel: VolumeProfile, looker: PaintingLooker) -> None:
    panel.beat.pace._due.clear()
    looker.paint()


def test_rows_come_from_the_highest_price_down_with_bought_before_sold() -> None:
    panel = VolumeProfile(BTC)
    with looking_at(panel) as looker:
        panel.append(columns((NOON, 100, 5, 0), (NOON, 102, 1, 1), (NOON, 100, 2, 1)))
        message = looker.last(panel.visual)
    assert message["rows"] == [0, 1, 0, 0, 5, 2]
    assert (message["first"], message["step"], message["control"]) == (100, 1, 0)
    assert message["note"] == "3 trades · each row 1 tick"


def test_rows_that_hold_several_ticks_are_said_to() -> None:
    panel = VolumeProfile(BTC)
    looker = PaintingLooker(panel)
    looker.say(panel.visual, {"fitting": 20})
    panel.append(columns(*((NOON, 100_000 + i, 1, 0) for i in range(100))))
    redrawn(panel, looker)
    message = looker.last(panel.visual)
    looker.leave()
    assert len(message["rows"]) == 2 * 20
    assert message["note"] == "100 trades · each row 5 ticks (0.5)"


@pytest.mark.parametrize(
    ("fitting", "rows"), [(50, 50), (-3, LEAST_ROWS), (10**9, MOST_ROWS), ("50", 40), (None, 40), (2.5, 40)]
)
def test_there_are_at_most_as_many_rows_as_the_browser_has_room_for(fitting: object, rows: int) -> None:
    panel = VolumeProfile(ETH)
    looker = PaintingLooker(panel)
    looker.say(panel.visual, {"fitting": fitting})
    panel.append(columns(*((NOON, i, 1, 0) for i in range(4000))))
    redrawn(panel, looker)
    sent = len(looker.last(panel.visual)["rows"]) / 2
    assert rows / 2.5 <= sent <= rows
    looker.leave()


def test_it_is_drawn_four_times_a_second_and_the_last_trade_is_in_it() -> None:
    panel, market = VolumeProfile(BTC), RandomMarket()
    looker = PaintingLooker(panel)
    for _ in range(100):
        panel.append(market.trades(3))
    drawn = len(looker.messages(panel.visual))
    assert drawn < 20
    redrawn(panel, looker)
    assert looker.last(panel.visual)["note"].startswith("300 trades")
    looker.leave()


def test_what_is_the_same_is_not_sent_again() -> None:
    panel = VolumeProfile(BTC)
    looker = PaintingLooker(panel)
    panel.append(columns((NOON, 100, 5, 0)))
    redrawn(panel, looker)
    sent = len(looker.messages(panel.visual))
    for _ in range(3):
        panel.refresh()
        redrawn(panel, looker)
    assert len(looker.messages(panel.visual)) == sent
    looker.say(panel.visual, {"ready": True})  # a browser that shows nothing yet
    redrawn(panel, looker)
    assert len(looker.messages(panel.visual)) == sent + 1
    looker.leave()


def test_an_empty_profile_has_nothing_to_say() -> None:
    panel = VolumeProfile(BTC)
    with looking_at(panel) as looker:
        looker.say(panel.visual, {"ready": True})
        assert looker.messages(panel.visual) == []


def test_the_reader_chooses_between_session_and_window() -> None:
    window: list[Window | None] = [(NOON / MS + 1, NOON / MS + 2)]
    panel = VolumeProfile(BTC, window=lambda: window[0])
    assert panel.visual.has_window
    looker = PaintingLooker(panel)
    panel.append(columns(*((NOON + i * MS, 100 + i, 1 + i, 0) for i in range(5))))

    def shown(message: dict[str, object] | None = None) -> tuple[object, object, object]:
        if message:
            looker.say(panel.visual, message)
        panel.refresh()
        redrawn(panel, looker)
        last = looker.last(panel.visual)
        return last["whole"], last["first"], last["rows"]

    assert shown() == (True, 100, [5, 0, 4, 0, 3, 0, 2, 0, 1, 0])
    assert shown({"whole": False}) == (False, 101, [3, 0, 2, 0])
    window[0] = (NOON / MS + 3, NOON / MS + 9)  # the chart beside it was moved
    assert shown() == (False, 103, [5, 0, 4, 0])
    window[0] = (0, 1)
    assert shown() == (False, 0, [])
    window[0] = None  # nobody knows yet what the chart shows
    assert shown()[1:] == (100, [5, 0, 4, 0, 3, 0, 2, 0, 1, 0])
    assert shown({"whole": "no"})[0] is False
    assert shown({"whole": True})[0] is True
    looker.leave()


def test_a_window_of_which_trades_are_kept_no_more_says_so() -> None:
    panel = VolumeProfile(BTC, Volume(keep=2), window=lambda: (0, 1e15))
    panel.whole = False
    with looking_at(panel) as looker:
        panel.append(columns(*((NOON + i, 100, 1, 0) for i in range(5))))
        assert looker.last(panel.visual)["note"] == "2 trades (the last 2 are kept) · each row 1 tick"


def test_without_a_window_there_is_none_to_choose() -> None:
    panel = VolumeProfile(BTC)
    assert not panel.visual.has_window
    with looking_at(panel) as looker:
        looker.say(panel.visual, {"whole": False})
    assert panel.whole


def test_panels_share_a_volume() -> None:
    volume = Volume()
    first, second = VolumeProfile(BTC, volume), VolumeProfile(BTC, volume)
    first.append(columns((NOON, 100, 5, 0)))
    with looking_at(second) as looker:
        looker.say(second.visual, {"ready": True})
        assert looker.last(second.visual)["rows"] == [5, 0]


def test_the_face_knows_how_prices_and_sizes_are_written() -> None:
    face = VolumeProfile(ETH).visual
    assert (face.tick, face.decimals, face.lot, face.lot_decimals) == (0.01, 2, 0.0001, 4)


def test_theme_reaches_the_browser() -> None:
    panel = VolumeProfile(BTC)
    panel.theme = "dark"
    assert panel.visual.theme == "dark"


def test_repr_tells_how_many_and_the_point_of_control() -> None:
    panel = VolumeProfile(BTC)
    assert repr(panel) == "VolumeProfile(BTC-USD, trades=0)"
    panel.append(columns((NOON, 612_345, 5, 0), (NOON, 612_346, 6, 1)))
    assert repr(panel) == "VolumeProfile(BTC-USD, trades=2, most at 61,234.6)"

from support.frames import quotes, random_quotes

from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import root


def test_the_midprice_is_that_of_the_spread():
    stream = root("ticker", "ticker", OwnersLoop())
    mid, spread = stream.midprice(), stream.spread()
    stream._emit(quotes(random_quotes(1, 300)))
    assert mid.latest_frame["mid"].tolist() == spread.latest_frame["mid"].tolist()
    assert mid.left_out == spread.left_out > 0

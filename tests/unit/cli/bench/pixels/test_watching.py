import numpy as np
import pytest

from rtlab.cli.bench.environments import Unfit
from rtlab.cli.bench.pixels.watching import summed_up


def noted(**changes):
    frames = list(np.arange(101) * 10.0)
    return {"frames": frames, "hovers": [8.0] * 90 + [40.0] * 10, "behind": [20.0] * 30, **changes}


def test_frames_are_counted_over_the_time_that_they_took():
    seen = summed_up(noted())
    assert seen.frames_per_s == pytest.approx(100.0)
    assert seen.frame_p95_ms == pytest.approx(10.0)
    assert seen.paints_per_s == pytest.approx(30.0)


def test_a_long_frame_in_ten_is_the_p95():
    long = np.cumsum([10.0] * 90 + [100.0] * 10)
    assert summed_up(noted(frames=list(long))).frame_p95_ms == pytest.approx(100.0)
    assert summed_up(noted()).hover_p95_ms == pytest.approx(40.0)


@pytest.mark.parametrize("lacking", ["frames", "hovers", "behind"])
def test_a_page_that_showed_or_answered_nothing_has_no_numbers(lacking):
    with pytest.raises(Unfit, match="0 "):
        summed_up(noted(**{lacking: []}))

import numpy as np
import pandas as pd
import pytest

from rtlab.pipelines.analytics import kernels
from rtlab.pipelines.analytics.kernels import moments, smooth

VALUES = np.random.default_rng(1).normal(100, 1, 500)


def test_smooth_is_the_recursion():
    expected = pd.Series([3.0, *VALUES]).ewm(alpha=0.1, adjust=False).mean().to_numpy()[1:]
    assert smooth(VALUES, 0.1, 3.0) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("period", [1, 2, 17, 500, 501])
def test_moments_are_those_of_each_window(period):
    mean, deviation = moments(VALUES, period)
    windows = [VALUES[n : n + period] for n in range(max(501 - period, 0))]
    assert mean == pytest.approx([w.mean() for w in windows], rel=1e-13)
    assert deviation == pytest.approx([w.std() for w in windows], rel=1e-12, abs=1e-13)


def test_every_kernel_is_loaded_by_warming():
    kernels.warm()
    compiled = [one for one in vars(kernels).values() if hasattr(one, "signatures")]
    assert len(compiled) == 7
    assert all(one.signatures for one in compiled)

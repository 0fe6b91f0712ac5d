import subprocess
import sys

import pytest

import rtlab.views

CODE = """
import sys
from rtlab.views import Pyramid
Pyramid([1, 2], [3, 4]).view(0, 9, 100)
heavy = {"panel", "bokeh", "holoviews", "pandas"} & set(sys.modules)
assert not heavy, heavy
"""


def test_a_pyramid_is_had_without_importing_panel():
    subprocess.run([sys.executable, "-c", CODE], check=True, timeout=100)


def test_every_public_name_is_there():
    for name in rtlab.views.__all__:
        assert getattr(rtlab.views, name) is not None
    assert dir(rtlab.views) == sorted(rtlab.views.__all__)


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'rtlab.views' has no attribute 'Nothing'"):
        _ = rtlab.views.Nothing

import sys

import pytest

from rtlab.errors import BusError, LocalError
from rtlab.extras import check_extra, extra


def test_a_missing_package_is_told_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "aio_pika", None)
    with (
        pytest.raises(
            BusError, match=r"the bus needs the package aio-pika: expected pip install 'rtlab\[rabbit\]'"
        ),
        extra("rabbit", "aio_pika", "the bus", BusError),
    ):
        import aio_pika  # noqa: F401


def test_a_module_inside_of_the_package_counts_as_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.dataframe", None)
    with (
        pytest.raises(LocalError, match="a dataframe needs the package dask"),
        extra("cluster", "dask", "a dataframe"),
    ):
        import dask.dataframe  # noqa: F401


def test_another_module_that_is_missing_is_not_blamed_on_the_extra():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), extra("rabbit", "aio_pika", "the bus"):
        import no_such_module  # noqa: F401


def test_what_is_there_is_imported():
    with extra("metrics", "json", "nothing"):
        import json
    assert json.loads("1") == 1


def test_what_is_missing_is_told_without_importing_what_is_there(monkeypatch):
    monkeypatch.delitem(sys.modules, "json.tool", raising=False)
    check_extra("metrics", "json.tool", "nothing")
    assert "json.tool" not in sys.modules
    monkeypatch.setitem(sys.modules, "aio_pika", None)
    with pytest.raises(
        BusError, match=r"the bus needs the package aio-pika: expected pip install 'rtlab\[rabbit\]'"
    ):
        check_extra("rabbit", "aio_pika", "the bus", BusError)

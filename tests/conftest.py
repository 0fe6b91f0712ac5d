"""Rules for every test: in CI a skip is a failure, no example is judged by how long it took, and no test
leaves the logging of rtlab changed behind it.
"""

import logging
import os

import pytest
from hypothesis import settings

settings.register_profile("rtlab", deadline=None, max_examples=200 if "RTLAB_ROUNDS" in os.environ else 30)
settings.load_profile("rtlab")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    if "RTLAB_ROUNDS" not in os.environ:
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"CI must run every test, this one was skipped: {call.excinfo.value}"


@pytest.fixture(autouse=True)
def logger():
    """The logger of rtlab, put back as it was after each test: a command sets it up for good."""
    ours = logging.getLogger("rtlab")
    before = (list(ours.handlers), ours.level, ours.propagate)
    yield ours
    ours.handlers, ours.level, ours.propagate = before

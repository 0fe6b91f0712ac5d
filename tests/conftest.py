"""Rules for every test: in CI a skip is a failure, no example is judged by how long it took, what fails is named
at once, and no test leaves behind it what a command sets up for its whole process.
"""

import logging
import os
import signal

import pytest
from hypothesis import settings

from rtlab.signals import end_at_once

settings.register_profile("rtlab", deadline=None, max_examples=200 if "RTLAB_ROUNDS" in os.environ else 30)
settings.load_profile("rtlab")


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Naming(config), "naming")


class Naming:
    """Tells the name of a test as it fails: a run that is cut off, or whose process dies, has no summary."""

    def __init__(self, config):
        self.config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.config.pluginmanager.get_plugin("terminalreporter").write_line(f" {report.nodeid}")


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


@pytest.fixture(autouse=True)
def signals():
    """Whatever signals a command let end it at once: the process of the tests goes on."""
    yield
    end_at_once({})


@pytest.fixture
def interrupts():
    """Let an interrupt be raised, as in a terminal: a process in the background may have been told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)

"""Plain counters, shown to others: statistics as Prometheus text on scrape, and logging to stderr."""

import logging
import re
import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from rtlab.errors import ConfigError, LocalError

if TYPE_CHECKING:
    from prometheus_client.core import Metric

LEVELS = ("debug", "info", "warning", "error")
_METRIC = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def exposition(statistics: Mapping[str, NamedTuple]) -> bytes:
    """Give the numeric fields of each group's statistics in Prometheus' text format.

    `statistics` maps a group to its named tuple; its fields become `rtlab_<group>_<field>`, booleans 0 or 1,
    and what is not a number is left out. Raises LocalError without the extra `metrics`, or for a group whose
    name cannot be part of a metric's.
    """
    try:
        from prometheus_client import CollectorRegistry, generate_latest
    except ImportError as error:
        raise LocalError(
            "metrics need the package prometheus-client", expected="pip install 'rtlab[metrics]'"
        ) from error
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Statistics(statistics))
    return generate_latest(registry)


class _Statistics:
    """Collects nothing before the scrape: counting costs the owners a plain `+= 1`."""

    def __init__(self, statistics: Mapping[str, NamedTuple]) -> None:
        for group in statistics:
            if not _METRIC.fullmatch(group):
                raise LocalError(
                    "a group of statistics has no metric name", expected=_METRIC.pattern, got=group
                )
        self._statistics = statistics

    def collect(self) -> Iterator["Metric"]:
        from prometheus_client.core import UnknownMetricFamily

        for group, counters in self._statistics.items():
            for field, value in zip(counters._fields, counters, strict=True):
                if isinstance(value, int | float):
                    name = f"rtlab_{group}_{field}"
                    yield UnknownMetricFamily(name, f"{field} of {group}", value=float(value))


class _OneLine(logging.Formatter):
    """Time in UTC to the millisecond, level, logger, message; a traceback's lines are joined by ' | '."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
        )
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        return " | ".join(line for line in super().format(record).splitlines() if line)


def configure_logging(level: str) -> None:
    """Log what rtlab reports at `level` (debug, info, warning, error) or above to stderr, one line a record.

    Any number of calls leave one line per record; the last `level` counts. ConfigError for another level.
    """
    if level not in LEVELS:
        raise ConfigError("unknown log level", expected=f"one of {', '.join(LEVELS)}", got=level)
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name("rtlab")
    handler.setFormatter(_OneLine())
    logger = logging.getLogger("rtlab")
    logger.handlers = [other for other in logger.handlers if other.name != "rtlab"] + [handler]
    logger.setLevel(level.upper())
    logger.propagate = False

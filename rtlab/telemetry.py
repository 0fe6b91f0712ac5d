"""Plain counters, shown to others: statistics as Prometheus text on scrape, and logging to stderr."""

import json
import logging
import re
import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from rtlab.errors import ConfigError, LocalError
from rtlab.extras import extra

if TYPE_CHECKING:
    from prometheus_client.core import Metric

LEVELS = ("debug", "info", "warning", "error")
_FOREIGN = re.compile(r"[^a-zA-Z0-9_]+")
_SECRET = re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?|(?<=\bbearer )[\w.~+/=-]+", re.IGNORECASE)
_FIELDS = "rtlab_fields"


def exposition(statistics: Mapping[str, NamedTuple]) -> bytes:
    """Give the numeric fields of each group's statistics in Prometheus' text format.

    `statistics` maps a group to its named tuple; its fields become `rtlab_<group>_<field>`, booleans 0 or 1,
    and what is not a number is left out. In a group's name whatever a metric's may not have becomes `_`, and the
    name as it was is the label `group`. Raises LocalError without the extra `metrics`, or for a group without a
    name.
    """
    with extra("metrics", "prometheus_client", "the text of metrics"):
        from prometheus_client import CollectorRegistry, generate_latest
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Statistics(statistics))
    return generate_latest(registry)


class _Statistics:
    """Collects nothing before the scrape: counting costs the owners a plain `+= 1`."""

    def __init__(self, statistics: Mapping[str, NamedTuple]) -> None:
        if "" in statistics:
            raise LocalError("a group of statistics has no name", expected="a text that is not empty")
        self._statistics = statistics

    def collect(self) -> Iterator["Metric"]:
        from prometheus_client.core import Metric

        metrics: dict[str, Metric] = {}
        for group, counters in self._statistics.items():
            plain = _FOREIGN.sub("_", group)
            labels = {} if plain == group else {"group": group}
            for field, value in zip(counters._fields, counters, strict=True):
                if isinstance(value, int | float):
                    name = f"rtlab_{plain}_{field}"
                    if name not in metrics:
                        metrics[name] = Metric(name, f"{field} of {plain}", "unknown")
                    metrics[name].add_sample(name, labels, float(value))
        yield from metrics.values()


def event(logger: logging.Logger, level: int, what: str, **fields: object) -> None:
    """Log that `what` happened, with `fields` that a program can read: `what key=value` or a JSON object's keys."""
    logger.log(level, "%s", what, extra={_FIELDS: fields})


def _line(text: str) -> str:
    # one line, and no token in it, whoever wrote it
    return _SECRET.sub("[token]", " | ".join(line for line in text.splitlines() if line))


class _OneLine(logging.Formatter):
    """Time in UTC to the millisecond, level, logger, message; a traceback's lines are joined by ' | '."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
        )
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, _FIELDS, {})
        text = "".join([super().format(record), *(f" {name}={value}" for name, value in fields.items())])
        return _line(text)


class _Json(logging.Formatter):
    """One JSON object a line: time, level, logger, what, the event's fields, and `problem` with a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        time_of = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        told: dict[str, object] = {
            "time": f"{time_of}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "what": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            told["problem"] = self.formatException(record.exc_info)
        return _line(json.dumps(told, default=str))


def configure_logging(level: str, *, as_json: bool = False) -> None:
    """Log what rtlab reports at `level` (debug, info, warning, error) or above to stderr, one line a record.

    As text for people or, where asked, as one JSON object a line; what looks like a token is never shown.
    Any number of calls leave one line per record; the last `level` counts. ConfigError for another level.
    """
    if level not in LEVELS:
        raise ConfigError("unknown log level", expected=f"one of {', '.join(LEVELS)}", got=level)
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name("rtlab")
    handler.setFormatter(_Json() if as_json else _OneLine())
    logger = logging.getLogger("rtlab")
    logger.handlers = [other for other in logger.handlers if other.name != "rtlab"] + [handler]
    logger.setLevel(level.upper())
    logger.propagate = False

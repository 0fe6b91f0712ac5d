import enum
import json
import logging
import re
import sys
from typing import NamedTuple

import pytest

from rtlab.errors import ConfigError, LocalError
from rtlab.telemetry import LEVELS, configure_logging, event, exposition


class Stage(enum.IntEnum):
    LIVE = 2


class Counters(NamedTuple):
    sent: int = 3
    lag_ms: float = 2.5
    paused: bool = True
    stage: Stage = Stage.LIVE
    name: str = "gateway"
    rows: tuple[int, ...] = ()
    last: int | None = None


def samples(text: bytes) -> dict[str, float]:
    lines = (line.split() for line in text.decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


def test_every_number_is_a_sample_named_by_group_and_field():
    assert samples(exposition({"gateway": Counters()})) == {
        "rtlab_gateway_sent": 3.0,
        "rtlab_gateway_lag_ms": 2.5,
        "rtlab_gateway_paused": 1.0,
        "rtlab_gateway_stage": 2.0,
    }


def test_groups_are_kept_apart():
    found = samples(exposition({"a": Counters(sent=1), "b": Counters(sent=2)}))
    assert (found["rtlab_a_sent"], found["rtlab_b_sent"]) == (1.0, 2.0)


def test_the_text_is_read_by_prometheus_own_parser():
    from prometheus_client.parser import text_string_to_metric_families

    families = list(text_string_to_metric_families(exposition({"feed": Counters()}).decode()))
    assert {family.name for family in families} == {
        "rtlab_feed_sent",
        "rtlab_feed_lag_ms",
        "rtlab_feed_paused",
        "rtlab_feed_stage",
    }
    assert all(family.documentation for family in families)


def test_large_and_special_numbers_survive():
    found = samples(exposition({"x": Counters(sent=2**53, lag_ms=float("inf"))}))
    assert found["rtlab_x_sent"] == 2**53
    assert found["rtlab_x_lag_ms"] == float("inf")


def test_nothing_to_tell_is_an_empty_text():
    assert exposition({}) == b""


def test_two_scrapes_do_not_know_each_other():
    assert exposition({"x": Counters()}) == exposition({"x": Counters()})


@pytest.mark.parametrize("group", ["trades BTC-USD", "a-b", "ä", "a\n", 'x"y\\z', "2x!"])
def test_a_group_with_any_name_can_be_scraped_and_keeps_it_as_a_label(group):
    from prometheus_client.parser import text_string_to_metric_families

    (sent,) = [
        sample
        for family in text_string_to_metric_families(exposition({group: Counters()}).decode())
        for sample in family.samples
        if sample.name.endswith("_sent")
    ]
    assert re.fullmatch(r"rtlab_\w+_sent", sent.name, re.ASCII)
    assert (sent.labels, sent.value) == ({"group": group}, 3.0)


def test_groups_whose_names_become_alike_stay_apart_in_one_family():
    text = exposition({"a b": Counters(sent=1), "a-b": Counters(sent=2), "a_b": Counters(sent=3)}).decode()
    assert text.count("# TYPE rtlab_a_b_sent ") == 1
    for line in ('rtlab_a_b_sent{group="a b"} 1.0', 'rtlab_a_b_sent{group="a-b"} 2.0', "rtlab_a_b_sent 3.0"):
        assert line in text.splitlines()


def test_a_group_without_a_name_is_refused():
    with pytest.raises(LocalError, match="no name"):
        exposition({"": Counters()})


def test_without_the_extra_the_message_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(LocalError, match=re.escape("rtlab[metrics]")):
        exposition({"x": Counters()})


def test_a_record_is_one_line_on_stderr_with_time_level_and_logger(logger, capsys):
    configure_logging("info")
    logging.getLogger("rtlab.feed").info("ready on %s", "127.0.0.1")
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO rtlab\.feed ready on 127\.0\.0\.1\n", err
    )


def test_time_is_utc(logger, capsys):
    configure_logging("info")
    record = logger.makeRecord("rtlab", logging.INFO, "f", 1, "x", (), None)
    record.created, record.msecs = 0.0, 7.0
    logger.handle(record)
    assert capsys.readouterr().err.startswith("1970-01-01T00:00:00.007Z ")


def test_a_traceback_and_a_message_of_several_lines_stay_one_line(logger, capsys):
    configure_logging("warning")
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logger.exception("it failed:\r\nbadly\u2028really")
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "it failed: | badly | really | Traceback" in err
    assert "ValueError: first | second" in err


def test_configuring_again_leaves_one_line_a_record_and_the_last_level(logger, capsys):
    for level in ("debug", "debug", "error"):
        configure_logging(level)
    logger.warning("quiet")
    logger.error("loud")
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "loud" in err


def test_handlers_of_others_are_left_alone(logger):
    other = logging.NullHandler()
    logger.addHandler(other)
    configure_logging("info")
    configure_logging("info")
    assert logger.handlers.count(other) == 1
    assert sum(handler.name == "rtlab" for handler in logger.handlers) == 1


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_lets_itself_and_what_is_worse_through(level, logger, capsys):
    configure_logging(level)
    for name in LEVELS:
        logger.log(getattr(logging, name.upper()), name)
    seen = [line.rsplit(" ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    assert seen == list(LEVELS[LEVELS.index(level) :])


@pytest.mark.parametrize("level", ["", "loud", "INFO", "10"])
def test_an_unknown_level_is_refused_and_changes_nothing(level, logger):
    before = list(logger.handlers)
    with pytest.raises(ConfigError, match="debug, info, warning, error"):
        configure_logging(level)
    assert logger.handlers == before


def test_levels_are_those_of_the_setting():
    from rtlab.config import SETTINGS

    assert SETTINGS["log_level"].expected == "one of " + ", ".join(LEVELS)


def test_an_event_is_a_line_with_its_fields(logger, capsys):
    configure_logging("info")
    event(logger, logging.INFO, "reader left", address="127.0.0.1", code=4008)
    assert capsys.readouterr().err.endswith(" INFO rtlab reader left address=127.0.0.1 code=4008\n")


def test_as_json_a_record_is_one_object_a_line_with_the_fields_beside_it(logger, capsys):
    configure_logging("info", as_json=True)
    event(logger, logging.INFO, "reader left", address="::1", code=4008, why='slow\n"very"')
    logger.warning("plain %s", 7)
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first == {
        "level": "info",
        "logger": "rtlab",
        "what": "reader left",
        "address": "::1",
        "code": 4008,
        "why": 'slow\n"very"',
    }
    assert (second["what"], second["level"]) == ("plain 7", "warning")


def test_as_json_a_traceback_is_a_field(logger, capsys):
    configure_logging("info", as_json=True)
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logger.exception("it failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError: first\nsecond" in json.loads(line)["problem"]


@pytest.mark.parametrize("as_json", [False, True])
def test_what_looks_like_a_token_is_never_shown(as_json, logger, capsys):
    from support.tokens import token

    configure_logging("debug", as_json=as_json)
    text = token()
    logger.info("got %s", text)
    event(
        logger, logging.INFO, "asked", header=f"Bearer {text}", opaque="bearer s3cr3t-0paque", part=text[:-5]
    )
    try:
        raise ValueError(f"bad token {text}")
    except ValueError:
        logger.exception("it failed")
    err = capsys.readouterr().err
    assert err.count("[token]") >= 5
    assert not any(secret in err for secret in (text.split(".")[1], text.split(".")[2], "s3cr3t-0paque"))
    if as_json:
        assert [json.loads(line) for line in err.splitlines()]

import dataclasses
import difflib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtlab.config import NOT_SETTINGS, SETTINGS, Settings, describe, load
from rtlab.errors import ConfigError

DEFAULTS = {
    "host": "127.0.0.1",
    "port": 8765,
    "dashboard_port": 5006,
    "url": "demo",
    "rate": 2000,
    "seed": 1,
    "heartbeat_s": 1.0,
    "evict_after_s": 10.0,
    "window_bytes": 65536,
    "memory_budget_bytes": 67_108_864,
    "compression": "off",
    "tape_rows": 1000,
    "tombstones": 4096,
    "frame_hz": 30,
    "log_level": "warning",
    "log_form": "text",
    "token_key": "none",
    "token_issuer": "rtlab",
    "token_audience": "rtlab",
    "token_leeway_s": 10.0,
    "token_revoked": "none",
    "token": "none",
    "ca_file": "none",
    "allow_anyone": False,
    "allowed_origins": "local",
    "tls_cert": "none",
    "tls_key": "none",
    "connections": 16384,
    "connections_per_address": 256,
    "connections_per_token": 8,
    "accept_per_s": 1000.0,
    "subscriptions": 128,
    "messages_per_s": 100.0,
    "message_bytes": 65536,
    "handshake_s": 5.0,
    "idle_s": 600.0,
    "drain_s": 5.0,
    "redis_url": "embedded",
    "messages": "none",
    "messages_synced": False,
    "venue_url": "none",
    "journal": "none",
    "store": "none",
    "bus_url": "embedded",
    "alerts": "alerts",
    "resume_wait_s": 2.0,
    "history_s": 60.0,
    "history_bytes": 67108864,
    "hot_limit_bytes": 268_435_456,
    "store_buffer_bytes": 33554432,
    "store_buffer_s": 10.0,
}


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(text: str, name: str = "rtlab.toml") -> Path:
    path = Path(name)
    path.write_text(text)
    return path


def refusal(**arguments: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(**{"environ": {}, **arguments})
    assert "\n" not in str(caught.value)
    return caught.value


def test_defaults_are_as_documented():
    settings = load(environ={})
    assert {name: getattr(settings, name) for name in SETTINGS} == DEFAULTS
    assert {name: setting.default for name, setting in SETTINGS.items()} == DEFAULTS


def test_every_field_is_a_setting_with_a_description_a_range_and_a_variable():
    assert set(SETTINGS) == {field.name for field in msgspec.structs.fields(Settings)} - {"origins"}
    for name, setting in SETTINGS.items():
        assert setting.name == name
        assert len(setting.description) > 15
        assert setting.expected.startswith(
            ("an integer from", "a number from", "a text", "one of", "true or")
        )
        assert setting.variable == f"RTLAB_{name.upper()}"


def test_describe_has_one_line_for_each_setting_with_its_default():
    lines = describe().splitlines()
    assert [line.split()[0] for line in lines] == list(SETTINGS)
    assert [line.split()[1] for line in lines] == [str(default) for default in DEFAULTS.values()]


def test_settings_cannot_be_changed():
    with pytest.raises((AttributeError, dataclasses.FrozenInstanceError)):
        load(environ={}).port = 1


@pytest.mark.parametrize(
    ("file", "environ", "flags", "port", "origin"),
    [
        ("", {}, {}, 8765, "default"),
        ("port = 1", {}, {}, 1, "file"),
        ("port = 1", {"RTLAB_PORT": "2"}, {}, 2, "environment"),
        ("port = 1", {"RTLAB_PORT": "2"}, {"port": 3}, 3, "flag"),
        ("", {"RTLAB_PORT": "2"}, {"port": 3}, 3, "flag"),
        ("port = 1", {}, {"port": 3}, 3, "flag"),
        ("port = 1", {"RTLAB_PORT": "2"}, {"port": None}, 2, "environment"),
        ("port = 8765", {}, {}, 8765, "file"),
    ],
)
def test_the_later_place_wins_and_is_named(file, environ, flags, port, origin):
    written(file)
    settings = load(environ=environ, flags=flags)
    assert (settings.port, settings.origin("port")) == (port, origin)
    assert settings.origin("seed") == "default"


def test_a_flag_of_zero_or_empty_counts_as_given():
    assert load(environ={"RTLAB_PORT": "7"}, flags={"port": 0}).port == 0


def test_another_file_is_read_in_place_of_the_one_in_the_working_folder():
    written("port = 1")
    assert load(file=written("port = 2", "other.toml"), environ={}).port == 2


def test_every_kind_of_value_comes_from_every_place():
    text = 'host = "::1"\nrate = 5\nheartbeat_s = 2\nlog_level = "debug"\n'
    expected = ("::1", 5, 2.0, "debug")
    strings = {
        "RTLAB_HOST": "::1",
        "RTLAB_RATE": "5",
        "RTLAB_HEARTBEAT_S": "2",
        "RTLAB_LOG_LEVEL": "debug",
    }
    flags = {"host": "::1", "rate": 5, "heartbeat_s": 2, "log_level": "debug"}
    for loaded in (
        load(file=written(text), environ={}),
        load(environ=strings),
        load(environ={}, flags=flags),
    ):
        values = (loaded.host, loaded.rate, loaded.heartbeat_s, loaded.log_level)
        assert values == expected
        assert isinstance(loaded.heartbeat_s, float)


def test_unknown_key_names_file_key_and_the_nearest():
    error = refusal(file=written("prot = 1"))
    assert str(error) == "rtlab.toml: unknown key: expected port (the nearest), got 'prot'"


def test_unknown_variable_names_the_nearest_variable():
    error = refusal(environ={"RTLAB_TAPE_ROW": "1"})
    assert str(error).startswith("unknown environment variable: ")
    assert error.got == "'RTLAB_TAPE_ROW'"
    assert error.expected == "RTLAB_TAPE_ROWS (the nearest)"


def test_unknown_variable_like_no_other_is_told_all_names():
    error = refusal(environ={"RTLAB_QQQQ": "1"})
    assert all(setting.variable in str(error.expected) for setting in SETTINGS.values())


def test_unknown_flag_is_named_as_the_user_typed_it():
    error = refusal(flags={"frame_hx": 3})
    assert error.got == "'--frame-hx'"
    assert error.expected == "frame_hz (the nearest)"


def test_a_table_is_no_setting():
    assert "got 'feed'" in str(refusal(file=written("[feed]\nport = 1")))
    assert refusal(file=written("[port]\na = 1")).expected == "an integer from 0 to 65535"


def test_variables_read_elsewhere_and_those_of_others_are_ignored():
    environ = {**dict.fromkeys(NOT_SETTINGS, "x"), "PATH": "/bin", "XRTLAB_PORT": "1", "rtlab_port": "1"}
    assert set(NOT_SETTINGS) == {"RTLAB_DATA", "RTLAB_ROUNDS"}
    assert load(environ=environ) == load(environ={})


def test_a_variable_in_the_wrong_case_is_unknown():
    assert refusal(environ={"RTLAB_port": "1"}).expected == "RTLAB_PORT (the nearest)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('port = "8765"', "an integer from 0 to 65535"),
        ("port = true", "an integer from 0 to 65535"),
        ("port = 65536", "an integer from 0 to 65535"),
        ("port = -1", "an integer from 0 to 65535"),
        ("port = 1.5", "an integer from 0 to 65535"),
        ("port = [1]", "an integer from 0 to 65535"),
        ("rate = 0", "an integer from 1 to 1000000"),
        ("rate = 1000001", "an integer from 1 to 1000000"),
        ("window_bytes = 1", "an integer from 2048 to 67108864"),
        ("heartbeat_s = 0", "a number from 0.05 to 3600"),
        ("heartbeat_s = inf", "a number from 0.05 to 3600"),
        ("heartbeat_s = nan", "a number from 0.05 to 3600"),
        ('evict_after_s = "soon"', "a number from 0.1 to 3600"),
        ("host = 1", "a text that is not empty"),
        ('host = ""', "a text that is not empty"),
        ('log_level = "loud"', "one of debug, info, warning, error"),
        ('log_level = "DEBUG"', "one of debug, info, warning, error"),
    ],
)
def test_wrong_type_or_range_in_the_file_says_key_expected_and_got(text, expected):
    error = refusal(file=written(text))
    key, value = text.split(" = ")
    assert error.what == f"rtlab.toml: key {key!r}"
    assert error.expected == expected
    assert str(error.got).strip("'").lower() == value.strip('"').lower()


@pytest.mark.parametrize("value", ["", " 1", "one", "1.5", "0x10", "65536", "-1", "nan", "true", "9" * 40])
def test_wrong_text_in_the_environment_says_variable_expected_and_got(value):
    error = refusal(environ={"RTLAB_PORT": value})
    assert error.what == "environment variable RTLAB_PORT"
    assert (error.expected, error.got) == ("an integer from 0 to 65535", repr(value))


def test_wrong_flag_says_flag_expected_and_got():
    error = refusal(flags={"tape_rows": 0})
    assert str(error) == "flag --tape-rows: expected an integer from 1 to 1000000, got 0"


def test_an_error_in_a_place_that_is_overruled_is_still_an_error():
    assert "RTLAB_PORT" in str(refusal(environ={"RTLAB_PORT": "x"}, flags={"port": 1}))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("port = ", 1),
        ("port = 1\nrate == 2\n", 2),
        ("a = 1\n\nb = 'x", 3),
        ("port = 1\nport = 2\n", 2),
        ("a = [", 1),
    ],
)
def test_broken_toml_names_file_and_line(text, line):
    error = refusal(file=written(text))
    assert error.what == f"rtlab.toml, line {line}"
    assert error.expected == "TOML"


def test_a_file_that_is_no_text_names_file_and_line():
    path = Path("rtlab.toml")
    path.write_bytes(b"port = 1\nhost = \xff\xfe\n")
    assert refusal(file=path).what == "rtlab.toml, line 2"


def test_a_file_that_was_asked_for_and_is_missing_or_a_folder_is_an_error(tmp_path):
    assert "absent.toml cannot be read" in str(refusal(file=Path("absent.toml")))
    assert "cannot be read" in str(refusal(file=tmp_path))


def test_origin_of_an_unknown_setting_is_refused():
    with pytest.raises(ConfigError, match="expected port"):
        load(environ={}).origin("prot")


@settings(deadline=None)
@given(st.text(min_size=1, max_size=20))
def test_any_unknown_name_is_refused_with_a_known_one(name):
    if name in SETTINGS:
        return
    error = refusal(flags={name: 1})
    nearest = difflib.get_close_matches(name.lower(), SETTINGS, n=1, cutoff=0.5)
    assert (nearest[0] if nearest else "host, port, ") in str(error.expected)


@settings(deadline=None)
@given(st.sampled_from(["port", "rate", "seed", "tape_rows", "tombstones", "frame_hz"]), st.integers())
def test_an_integer_is_taken_exactly_when_it_is_in_the_range_told(name, value):
    low, high = map(int, SETTINGS[name].expected.removeprefix("an integer from ").split(" to "))
    if low <= value <= high:
        assert getattr(load(environ={SETTINGS[name].variable: str(value)}), name) == value
    else:
        assert refusal(environ={SETTINGS[name].variable: str(value)}).expected == SETTINGS[name].expected


def test_a_token_is_shown_by_no_text(tmp_path):
    settings = load(environ={"RTLAB_TOKEN": "eyJ.secret"}, flags={"port": 1})
    assert settings.token == "eyJ.secret"
    assert "secret" not in repr(settings)
    assert repr(settings) == "Settings(token=..., port=1)"
    file = tmp_path / "rtlab.toml"
    file.write_text("token = 4711")
    with pytest.raises(ConfigError) as refused:
        load(file=file, environ={})
    assert "4711" not in str(refused.value)

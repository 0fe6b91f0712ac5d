"""Typed settings: defaults < rtlab.toml in the working folder < RTLAB_* environment < flags."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from rtlab.errors import ConfigError

FILE = "rtlab.toml"
PREFIX = "RTLAB_"
NOT_SETTINGS = {
    "RTLAB_DATA": "the folder of the recorded market data, read by tests and benchmarks",
    "RTLAB_ROUNDS": "how often the long tests repeat their rounds, read by tests",
}
"""Variables that begin as settings do, are read elsewhere, and are ignored here."""

SECRETS = frozenset({"token", "bus_url", "redis_url"})
"""Settings whose values are in no text that is shown or logged."""

NO_JOURNAL = "none"
"""What stands for the journal's folder where none is kept."""

NO_VENUE_URL = "none"
"""What stands for the address of a venue where it is the venue's own."""

Origin = Literal["default", "file", "environment", "flag"]

Port = Annotated[int, Meta(ge=0, le=65535)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting, checked. Build it with `load`; `describe` and `SETTINGS` list them."""

    host: Annotated[str, Meta(min_length=1, description="address that the feed and the dashboard bind")] = (
        "127.0.0.1"
    )
    port: Annotated[Port, Meta(description="port of the feed; 0 takes a free one")] = 8765
    dashboard_port: Annotated[Port, Meta(description="port of the dashboard; 0 takes a free one")] = 5006
    url: Annotated[
        str,
        Meta(
            min_length=1,
            description="feed that the dashboard shows, or a live venue as binance:BTCUSDT; demo is a simulated one",
        ),
    ] = "demo"
    rate: Annotated[
        int, Meta(ge=1, le=1_000_000, description="commands per second of the simulated market")
    ] = 2000
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="seed of the simulated market")] = 1
    heartbeat_s: Annotated[
        float, Meta(ge=0.05, le=3600, description="longest silence of the feed between two pings, in seconds")
    ] = 1.0
    evict_after_s: Annotated[
        float, Meta(ge=0.1, le=3600, description="seconds without progress after which a reader is cut off")
    ] = 10.0
    window_bytes: Annotated[
        int, Meta(ge=2048, le=2**26, description="most unanswered bytes on the way to one reader")
    ] = 65536
    memory_budget_bytes: Annotated[
        int,
        Meta(
            ge=65536,
            le=2**40,
            description="most bytes held for all readers; then the worst laggards are cut off",
        ),
    ] = 67_108_864
    compression: Annotated[
        Literal["off", "deflate"],
        Meta(description="what the feed compresses with for readers who ask for it"),
    ] = "off"
    tape_rows: Annotated[
        int, Meta(ge=1, le=1_000_000, description="trades kept per instrument for readers that come (back)")
    ] = 1000
    tombstones: Annotated[
        int,
        Meta(ge=0, le=1_000_000, description="removed prices remembered per side for readers that come back"),
    ] = 4096
    frame_hz: Annotated[int, Meta(ge=1, le=240, description="frames per second of pipelines and views")] = 30
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="least severity that is logged")
    ] = "warning"
    log_form: Annotated[
        Literal["text", "json"], Meta(description="lines of text for people, or one JSON object a line")
    ] = "text"
    token_key: Annotated[
        str,
        Meta(
            min_length=1,
            description="file of the key that readers' tokens are signed with: a PEM public key, or a secret; "
            "none asks for no token",
        ),
    ] = "none"
    token_issuer: Annotated[str, Meta(min_length=1, description="who signs the tokens (iss)")] = "rtlab"
    token_audience: Annotated[str, Meta(min_length=1, description="whom the tokens are for (aud)")] = "rtlab"
    token_leeway_s: Annotated[
        float, Meta(ge=0, le=300, description="seconds by which the clock of who signs the tokens may differ")
    ] = 10.0
    token_revoked: Annotated[
        str,
        Meta(
            min_length=1,
            description="file of revoked token ids and subjects, one a line, read again when it changes",
        ),
    ] = "none"
    token: Annotated[
        str,
        Meta(min_length=1, description="token that the client shows to a feed of others; none shows none"),
    ] = "none"
    ca_file: Annotated[
        str,
        Meta(
            min_length=1, description="certificates (PEM) that the client trusts for wss; none: the system's"
        ),
    ] = "none"
    allow_anyone: Annotated[
        bool, Meta(description="let readers of other machines in without a token, and to the page of a demo")
    ] = False
    allowed_origins: Annotated[
        str,
        Meta(
            min_length=1,
            description="origins of web pages that may read the feed, by comma; local is those of this machine, "
            "* is any",
        ),
    ] = "local"
    tls_cert: Annotated[
        str, Meta(min_length=1, description="file of the certificate (PEM) for wss; none serves ws")
    ] = "none"
    tls_key: Annotated[str, Meta(min_length=1, description="file of the certificate's key (PEM)")] = "none"
    connections: Annotated[int, Meta(ge=1, le=1_000_000, description="most sockets of one gateway")] = 16384
    connections_per_address: Annotated[
        int, Meta(ge=1, le=1_000_000, description="most sockets from one address (of IPv6: one /64)")
    ] = 256
    connections_per_token: Annotated[
        int, Meta(ge=1, le=1_000_000, description="most sockets with one token")
    ] = 8
    accept_per_s: Annotated[
        float,
        Meta(ge=1, le=1_000_000, description="readers a second that are let in; the others are told when"),
    ] = 1000.0
    subscriptions: Annotated[int, Meta(ge=1, le=100_000, description="most subscriptions of one reader")] = (
        128
    )
    messages_per_s: Annotated[
        float, Meta(ge=1, le=1_000_000, description="messages a second that one reader may send")
    ] = 100.0
    message_bytes: Annotated[
        int, Meta(ge=1024, le=2**24, description="most bytes of one message that a reader sends")
    ] = 65536
    handshake_s: Annotated[
        float, Meta(ge=0.1, le=300, description="seconds in which a socket must become a reader")
    ] = 5.0
    idle_s: Annotated[
        float,
        Meta(ge=1, le=86400, description="seconds after which a reader without a subscription is closed"),
    ] = 600.0
    drain_s: Annotated[
        float, Meta(ge=0, le=600, description="seconds over which readers are sent away when the server ends")
    ] = 5.0
    redis_url: Annotated[
        str,
        Meta(min_length=1, description="Redis of engine, gateways and relay; embedded starts one of our own"),
    ] = "embedded"
    messages: Annotated[
        str,
        Meta(
            min_length=1,
            description="name of the relay of wallets' messages beside the feed, its host where pages reach it; "
            "none has no relay",
        ),
    ] = "none"
    messages_synced: Annotated[
        bool,
        Meta(
            description="let the relay acknowledge what is on the disk of its Redis only, up to a second later"
        ),
    ] = False
    venue_url: Annotated[
        str,
        Meta(
            min_length=1,
            description="server that serves a live venue's paths in its place, as a mirror; none is the venue itself",
        ),
    ] = NO_VENUE_URL
    journal: Annotated[
        str,
        Meta(
            min_length=1, description="folder of the engine's journal, from which it goes on; none keeps none"
        ),
    ] = NO_JOURNAL
    store: Annotated[
        str,
        Meta(min_length=1, description="folder of the recorded history that a lab reads; none has none"),
    ] = "none"
    bus_url: Annotated[
        str,
        Meta(
            min_length=1, description="the bus: redis://, unix:// or amqp://; embedded starts one of our own"
        ),
    ] = "embedded"
    alerts: Annotated[
        str,
        Meta(
            pattern="^[A-Za-z0-9_-]+$",
            description="topic of the bus for this lab's alerts; labs that share a bus have one each",
        ),
    ] = "alerts"
    resume_wait_s: Annotated[
        float,
        Meta(
            ge=0, le=60, description="seconds a gateway that is behind a returning reader tries to catch up"
        ),
    ] = 2.0
    history_s: Annotated[
        float, Meta(ge=0, le=86_400, description="age at which steps leave a stream in Redis, in seconds")
    ] = 60.0
    history_bytes: Annotated[
        int, Meta(ge=4096, le=2**40, description="bytes of steps that a stream in Redis holds per instrument")
    ] = 67_108_864
    hot_limit_bytes: Annotated[
        int,
        Meta(
            ge=65_536,
            le=2**40,
            description="bytes of steps per instrument that Redis holds for a recorder that is behind; beyond them "
            "the oldest are given up, counted and told",
        ),
    ] = 268_435_456
    store_buffer_bytes: Annotated[
        int,
        Meta(ge=65_536, le=2**34, description="bytes of steps per instrument that wait for a slow Redis"),
    ] = 33_554_432
    store_buffer_s: Annotated[
        float,
        Meta(
            ge=0.1,
            le=3600,
            description="seconds that steps wait for a slow Redis before a state replaces them",
        ),
    ] = 10.0
    origins: dict[str, Origin] = {}  # only of what is no default

    def __repr__(self) -> str:
        """Give all settings that are no default; what is secret only by its name."""
        shown = {name: "..." if name in SECRETS else repr(getattr(self, name)) for name in self.origins}
        return f"Settings({', '.join(f'{name}={text}' for name, text in shown.items())})"

    def origin(self, name: str) -> Origin:
        """Say where the value of setting `name` came from; ConfigError if there is no such setting."""
        _known(name, "there is no such setting", SETTINGS)
        return self.origins.get(name, "default")


class Setting(NamedTuple):
    """What a user must know of one setting. `expected` is its type and range in words."""

    name: str
    default: object
    description: str
    expected: str
    variable: str


def _describe(name: str, default: object, annotation: object) -> Setting:
    kind, *metas = get_args(annotation)
    limits: dict[str, float] = {}
    description = ""
    for meta in metas:
        limits |= {key: value for key in ("ge", "le") if (value := getattr(meta, key)) is not None}
        description = meta.description or description
    if get_origin(kind) is Literal:
        expected = "one of " + ", ".join(get_args(kind))
    elif kind is bool:
        expected = "true or false"
    elif kind is str:
        expected = "a text that is not empty"
    else:
        words = {int: "an integer", float: "a number"}[kind]
        expected = f"{words} from {limits['ge']} to {limits['le']}"
    return Setting(name, default, description, expected, PREFIX + name.upper())


_HINTS = get_type_hints(Settings, include_extras=True)
SETTINGS: dict[str, Setting] = {
    field.name: _describe(field.name, field.default, _HINTS[field.name])
    for field in msgspec.structs.fields(Settings)
    if field.name != "origins"
}
"""Every setting by name, in the order of their definition."""


def describe() -> str:
    """Give all settings as text, one line each: name, default, meaning, range."""
    wide = max(map(len, SETTINGS))
    return "\n".join(
        f"{s.name:{wide}}  {s.default!s:9}  {s.description} ({s.expected})" for s in SETTINGS.values()
    )


def load(
    *, file: Path | None = None, environ: Mapping[str, str], flags: Mapping[str, object] | None = None
) -> Settings:
    """Read the settings from all four places; the later wins: defaults, file, environment, flags.

    `file` None means rtlab.toml in the working folder, if there is one. A flag that is None was not given.
    Raises ConfigError for an unknown name (with the nearest known one), a wrong type or range, a broken file.
    """
    values: dict[str, object] = {}
    origins: dict[str, Origin] = {}
    for name, value in _from_file(file).items():
        values[name], origins[name] = value, "file"
    for name, value in _from_environment(environ).items():
        values[name], origins[name] = value, "environment"
    for name, value in (flags or {}).items():
        if value is not None:
            flag = "--" + name.replace("_", "-")
            _known(name, "unknown flag", SETTINGS, got=flag)
            values[name], origins[name] = _checked(name, value, f"flag {flag}"), "flag"
    return msgspec.convert({**values, "origins": origins}, Settings)


def _from_file(file: Path | None) -> dict[str, object]:
    path = file or Path(FILE)
    if file is None and not path.exists():
        return {}
    values = {}
    for name, value in _parsed(path).items():
        _known(name, f"{path}: unknown key", SETTINGS)
        values[name] = _checked(name, value, f"{path}: key {name!r}")
    return values


def _parsed(path: Path) -> dict[str, object]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"the settings file {path} cannot be read", got=error.strerror) from error
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}", expected="UTF-8 text", got=error.reason) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at line (\d+)", str(error))
        line = int(where[1]) if where else max(1, len(text.splitlines()))
        raise ConfigError(f"{path}, line {line}", expected="TOML", got=str(error)) from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    settings = {setting.variable: setting.name for setting in SETTINGS.values()}
    values = {}
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable not in NOT_SETTINGS:
            _known(variable, "unknown environment variable", [*settings, *NOT_SETTINGS])
            name = settings[variable]
            values[name] = _checked(name, environ[variable], f"environment variable {variable}", text=True)
    return values


def _known(name: str, what: str, names: Iterable[str], *, got: str | None = None) -> None:
    names = list(names)
    if name not in names:
        bare = {known.removeprefix(PREFIX).lower(): known for known in names}
        nearest = difflib.get_close_matches(name.removeprefix(PREFIX).lower(), bare, n=1, cutoff=0.5)
        expected = f"{bare[nearest[0]]} (the nearest)" if nearest else "one of " + ", ".join(names)
        raise ConfigError(what, expected=expected, got=repr(got or name))


def _checked(name: str, value: object, where: str, *, text: bool = False) -> object:
    try:
        return msgspec.convert(value, _HINTS[name], strict=not text)
    except msgspec.ValidationError:
        got = "something else" if name in SECRETS else repr(value)
        raise ConfigError(where, expected=SETTINGS[name].expected, got=got) from None

"""The files of a deployment: they parse, and what they say to rtlab, to Prometheus and to Redis is so."""

import json
import re
import shlex
from configparser import ConfigParser

import click
import pytest
import yaml

from rtlab.cli import cli, main
from rtlab.cli.deploy import given
from rtlab.config import load
from rtlab.feed.admission import AdmissionStatistics
from rtlab.feed.statistics import GatewayStatistics
from rtlab.store.following import FollowerStatistics

TEXTS = given()
UNITS = [path for path in TEXTS if path.endswith((".service", ".timer"))]
FUNCTIONS = {"sum", "max", "rate", "increase", "clamp_min"}
# the names of /metrics; that a running gateway prints just these is a test of its own (tests/integration)
GROUPS = {"feed": GatewayStatistics, "store": FollowerStatistics, "admission": AdmissionStatistics}
METRICS = {f"rtlab_{group}_{field}" for group, one in GROUPS.items() for field in one._fields}


def unit(path: str) -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str
    parser.read_string(TEXTS[path])
    return parser


def documents(path: str) -> list:
    return [one for one in yaml.safe_load_all(TEXTS[path]) if one is not None]


def accept(arguments: list[str]) -> str:
    """Let the command line read arguments without doing anything; UsageError when it does not know them."""
    context = click.Context(cli)
    command = cli.get_command(context, arguments[0])
    assert command is not None, arguments
    command.make_context(arguments[0], arguments[1:])
    return arguments[0]


def commands() -> list[list[str]]:
    found = [shlex.split(unit(one)["Service"]["ExecStart"])[1:] for one in UNITS if one.endswith(".service")]
    found += [one["command"] for one in documents("compose.yaml")[0]["services"].values() if "build" in one]
    for document in documents("kubernetes.yaml"):
        for container in document.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
            found.append(container["args"])
    return found


def environments() -> list[dict[str, str]]:
    plain = dict(line.split("=", 1) for line in TEXTS["rtlab.env"].splitlines() if line[:1].isalpha())
    services = documents("compose.yaml")[0]["services"].values()
    kube = [one["data"] for one in documents("kubernetes.yaml") if one["kind"] == "ConfigMap"]
    return [plain, *(one["environment"] for one in services if "environment" in one), *kube]


def expressions() -> list[str]:
    board = json.loads(TEXTS["grafana/rtlab.json"])
    found = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    rules = documents("prometheus/rules.yml")[0]["groups"]
    return found + [rule["expr"] for group in rules for rule in group["rules"]]


def test_every_command_is_one_that_rtlab_takes(tmp_path):
    found = [[re.sub(r"^/var/lib/.*|^/data/.*", str(tmp_path), word) for word in one] for one in commands()]
    assert len(found) == 10
    assert {accept(one) for one in found} == {"serve", "record", "tend"}


def test_a_flag_that_rtlab_does_not_know_would_be_found():
    with pytest.raises(click.UsageError, match="No such option"):
        accept(["serve", "--roles", "engine"])


def test_every_variable_is_a_setting_with_a_value_that_it_may_have():
    assert len(environments()) >= 4
    for environment in environments():
        settings = load(environ={name: str(value) for name, value in environment.items()})
        assert settings.origins
        assert settings.redis_url != "embedded"


def test_units_have_what_systemd_needs_and_may_stop_slowly_enough():
    drain = float(environments()[0]["RTLAB_DRAIN_S"])
    for path in UNITS:
        one = unit(path)
        assert one["Unit"]["Description"]
        if path.endswith(".timer"):
            assert one["Timer"]["OnCalendar"].endswith("UTC")
            continue
        assert one["Service"]["EnvironmentFile"] == "/etc/rtlab/rtlab.env"
        assert one["Service"]["ExecStart"].startswith("/opt/rtlab/bin/rtlab ")
        if one["Service"].get("Type") != "oneshot":
            assert one["Service"]["Restart"] == "always"
            assert float(one["Service"]["TimeoutStopSec"]) > drain
            assert one["Service"]["Environment"] == "NUMBA_CACHE_DIR=/var/cache/rtlab"
            assert one["Service"]["CacheDirectory"] == "rtlab"


def test_a_gateway_may_hold_as_many_files_as_it_may_have_readers():
    most = int(environments()[0]["RTLAB_CONNECTIONS"]) + 256
    assert int(unit("systemd/rtlab-gateway@.service")["Service"]["LimitNOFILE"]) >= most
    assert documents("compose.yaml")[0]["services"]["gateway"]["ulimits"]["nofile"] >= most


def test_compose_has_one_engine_many_gateways_and_a_redis_that_forgets_nothing():
    services = documents("compose.yaml")[0]["services"]
    assert set(services) == {"redis", "engine", "gateway", "recorder", "proxy", "prometheus", "grafana"}
    redis = services["redis"]["command"]
    assert redis[redis.index("--appendonly") + 1] == "yes"
    assert redis[redis.index("--maxmemory-policy") + 1] == "noeviction"
    assert "ports" not in services["gateway"]
    named = {volume.split(":")[0] for one in services.values() for volume in one.get("volumes", [])}
    files = {name.removeprefix("./") for name in named if name.startswith("./")}
    assert all(name in TEXTS or any(path.startswith(f"{name}/") for path in TEXTS) for name in files)
    assert named - {f"./{name}" for name in files} == set(documents("compose.yaml")[0]["volumes"])


def test_kubernetes_runs_one_engine_and_asks_gateways_whether_they_are_ready():
    kinds = {(one["kind"], one["metadata"]["name"]): one for one in documents("kubernetes.yaml")}
    assert kinds["StatefulSet", "rtlab-engine"]["spec"]["replicas"] == 1
    pod = kinds["Deployment", "rtlab-gateway"]["spec"]["template"]
    container = pod["spec"]["containers"][0]
    assert container["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "feed"}
    assert "httpGet" not in container["livenessProbe"]
    drain = float(kinds["ConfigMap", "rtlab"]["data"]["RTLAB_DRAIN_S"])
    assert pod["spec"]["terminationGracePeriodSeconds"] > drain
    service = kinds["Service", "rtlab"]["spec"]
    assert service["selector"] == pod["metadata"]["labels"]
    for kind in ("StatefulSet", "Deployment"):
        for (found, _), one in kinds.items():
            if found == kind:
                assert one["spec"]["selector"]["matchLabels"] == one["spec"]["template"]["metadata"]["labels"]


def test_every_metric_that_is_watched_is_one_that_a_gateway_prints():
    seen = set()
    for expression in expressions():
        names = set(re.findall(r"\b[a-z_]+\b(?!\s*[=(])", re.sub(r"\{.*?\}|\[.*?\]", "", expression)))
        seen |= {name for name in names if name.startswith("rtlab_")}
        assert names - FUNCTIONS - METRICS <= {"up"}, expression
    assert len(seen) >= 25


def test_expressions_close_what_they_open_and_call_only_what_prometheus_has():
    for expression in expressions():
        assert expression.count("(") == expression.count(")"), expression
        assert set(re.findall(r"(\w+)\s*\(", expression)) <= FUNCTIONS, expression


def test_counters_are_rates_and_states_are_not():
    counted = {"evicted", "dropped", "bytes_sent", "publishes", "accepted", "refused", "unauthorised", "gaps"}
    for expression in expressions():
        for name in re.findall(r"rtlab_[a-z]+_([a-z_]+)", expression):
            is_rate = re.search(rf"(rate|increase)\(rtlab_[a-z]+_{name}\[\d+m\]\)", expression)
            if name in counted:
                assert is_rate, expression
            if name in ("readers", "lagging", "buffered", "publish_us", "silent_s"):
                assert not is_rate, expression


def test_every_alarm_says_what_to_do():
    (group,) = documents("prometheus/rules.yml")[0]["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(names) == len(set(names)) >= 8
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in ("page", "warn")
        assert set(rule["annotations"]) == {"summary", "mend"}


def test_panels_of_the_board_do_not_lie_upon_each_other():
    board = json.loads(TEXTS["grafana/rtlab.json"])
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    source = documents("grafana/datasource.yaml")[0]["datasources"][0]
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}


def test_the_proxy_passes_websockets_and_holds_nothing_back():
    text = re.sub(r"#.*", "", TEXTS["nginx.conf"])
    assert text.count("{") == text.count("}")
    for line in (
        "proxy_http_version 1.1",
        "proxy_set_header Upgrade $http_upgrade",
        "proxy_set_header Connection $connection_upgrade",
        "proxy_buffering off",
        "least_conn",
    ):
        assert f"{line};" in text
    assert re.search(r"location = /metrics \{ return 403; \}", text)


def test_the_files_are_written_and_not_written_over(tmp_path, capsys):
    for arguments, status in (([], 0), ([], 2), (["--force"], 0)):
        with pytest.raises(SystemExit) as ended:
            main(["deploy", str(tmp_path / "out"), *arguments])
        assert ended.value.code == status
    told = capsys.readouterr()
    assert "has such files already: expected another folder, or --force" in told.err
    assert {
        str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()
    } == set(TEXTS)

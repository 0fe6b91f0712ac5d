import logging
import pickle
import re
import subprocess
import sys
from pathlib import Path

import cloudpickle
import pytest
from distributed import Client, LocalCluster
from support.cluster import wait
from support.shards import analytics

from rtlab.pipelines import Graph
from rtlab.pipelines.cluster.warming import warm, warming

pytestmark = pytest.mark.filterwarnings("ignore")


def noting(place: Path):
    """A graph that notes in a file each time that it is built, and each row that it is given."""

    def build(stream):
        def note(frame):
            place.open("a").write("row\n")
            return frame

        place.open("a").write("built\n")
        return {"bars": stream.map(note).bars("1s")}

    return Graph(build)


def test_a_process_that_preloads_it_has_all_that_a_shard_runs_on():
    code = """
import sys
from rtlab.pipelines.cluster.warming import dask_setup
dask_setup(None)
before = set(sys.modules)
from support.shards import analytics
from rtlab.pipelines import Graph
from rtlab.pipelines.analytics import kernels
from rtlab.pipelines.cluster.warming import NOBODY
from rtlab.pipelines.cluster.starting import run_on_worker, versions
print(versions.cache_info().currsize)
Graph(analytics).begin(NOBODY).close()
print(sorted(name for name in set(sys.modules) - before if name.startswith(("rtlab.pipe", "redis", "numba"))))
print(all(one.signatures for one in vars(kernels).values() if hasattr(one, "signatures")))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd="tests", capture_output=True, text=True)
    assert done.stdout == "1\n[]\nTrue\n", done.stderr


def test_a_graph_is_built_once_and_folds_nothing(tmp_path):
    place = tmp_path / "noted"
    assert warm(cloudpickle.dumps(noting(place)))
    assert place.read_text() == "built\n"


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (b"", "EOFError"),
        (b"cnowhere_at_all\nGraph\n.", "ModuleNotFoundError.*nowhere_at_all"),
        (pickle.dumps(Graph(len)), "has no len"),
        (pickle.dumps(Graph(str)), "a graph's function gives its streams by name"),
    ],
)
def test_a_graph_that_cannot_be_loaded_or_built_is_named_and_stops_nothing(packed, reason, caplog):
    with caplog.at_level(logging.WARNING):
        assert not warm(packed)
    assert len(caplog.records) == 1
    assert caplog.records[0].getMessage().startswith("this worker cannot be warmed with a graph: ")
    assert re.search(reason, caplog.text)


def test_each_worker_of_now_and_of_later_builds_the_graph_before_it_is_given_a_shard(tmp_path):
    place = tmp_path / "noted"
    with (
        LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.register_plugin(warming("mine", cloudpickle.dumps(noting(place))))
        wait(lambda: place.exists() and place.read_text() == "built\n")
        cluster.scale(2)
        wait(lambda: place.read_text() == "built\n" * 2)


def test_a_worker_without_rtlab_can_load_what_warms_the_others():
    code = """
import pickle, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "rtlab":
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Missing())
plugin = pickle.loads(sys.stdin.buffer.read())
print(plugin.name)
try:
    plugin.setup(None)
except ModuleNotFoundError as problem:
    print(problem)
"""
    packed = cloudpickle.dumps(warming("mine", cloudpickle.dumps(Graph(analytics))))
    done = subprocess.run([sys.executable, "-c", code], input=packed, capture_output=True)
    assert done.stdout.decode().splitlines() == ["rtlab-warming-mine", "No module named 'rtlab'"], done.stderr

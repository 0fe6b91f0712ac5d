import subprocess
import sys

import cloudpickle
import pytest
from distributed import Client, LocalCluster
from support.cluster import wait
from support.shards import analytics

from rtlab.errors import ConfigError
from rtlab.pipelines import Graph, deploy
from rtlab.pipelines.cluster import starting as module
from rtlab.pipelines.cluster.starting import UNFIT, check_versions, starting, versions

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=4, processes=False, protocol="tcp://", dashboard_address=None
        ) as cluster,
        Client(cluster, set_as_default=False) as one,
    ):
        yield one


class Heard(list):
    """What was told of a topic."""

    def __init__(self, client: Client, topic: str) -> None:
        client.subscribe_topic(topic, lambda event: self.append(event[1]))


class Answering:
    """A client whose workers answer what they are told to."""

    scheduler = "tcp://test"

    def __init__(self, answers: dict[str, object]) -> None:
        self._answers = answers

    def run(self, function, on_error: str) -> dict[str, object]:
        return self._answers


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({}, "the cluster has no workers"),
        (
            {"tcp://a": ModuleNotFoundError("No module named 'rtlab'")},
            "the worker tcp://a cannot run rtlab: .*No module",
        ),
        ({"tcp://a": {"python": "2.7"}}, "the worker tcp://a has other versions"),
    ],
)
def test_workers_that_cannot_do_it_are_named_when_a_graph_is_deployed(play, answers, message):
    with pytest.raises(ConfigError, match=message):
        deploy(Graph(analytics), Answering(answers), 1, url=play.url, name=play.name)


def test_the_versions_are_those_of_this_process():
    assert versions()["python"] == sys.version.split()[0]
    check_versions(versions())
    with pytest.raises(ConfigError, match=r"other versions: expected .*'numpy': '1.0'"):
        check_versions({**versions(), "numpy": "1.0"})


def test_a_task_of_a_sender_with_other_versions_is_not_begun_and_told(client, monkeypatch):
    heard = Heard(client, "other")
    monkeypatch.setattr(module, "versions", lambda: {**versions(), "rtlab": "0.0.0"})
    start = starting("other")
    monkeypatch.undo()
    said = client.submit(start, b"", 3, pure=False, retries=1000).result(30)
    assert said.startswith(f"{UNFIT}ConfigError: this worker has other versions: expected ")
    wait(lambda: heard)
    ((worker,), (told,)) = client.scheduler_info(n_workers=-1)["workers"], heard
    assert told == {"worker": worker, "shard": 3, "reason": said.removeprefix(UNFIT)}


def test_a_graph_whose_module_a_worker_has_not_is_told_and_tried_once(client):
    heard = Heard(client, "module")
    packed = b"cnowhere_at_all\nGraph\n."
    said = client.submit(starting("module"), packed, 0, pure=False, retries=1000).result(30)
    assert said == f"{UNFIT}ModuleNotFoundError: No module named 'nowhere_at_all'"
    wait(lambda: heard)
    assert len(heard) == 1


def test_what_is_sent_can_be_loaded_without_rtlab():
    code = """
import pickle, sys
sys.modules["rtlab"] = None
print(pickle.loads(sys.stdin.buffer.read()).__name__)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input=cloudpickle.dumps(starting("x")), capture_output=True
    )
    assert done.stdout == b"start\n", done.stderr


@pytest.fixture
def bare(client):
    """The address of one more worker, which has no rtlab."""
    known = set(client.scheduler_info(n_workers=-1)["workers"])

    def new() -> list[str]:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        return [one for one, said in workers.items() if one not in known and said["status"] == "running"]

    command = [sys.executable, "tests/support/bare_worker.py", "rtlab", client.scheduler.address]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait(lambda: new() or process.poll() is not None, 60)
    yield new()[0]
    process.kill()
    process.wait(20)


def test_a_worker_without_rtlab_that_joins_later_is_named_and_the_shards_go_on(play, client, request, caplog):
    play.append(200)
    with deploy(Graph(analytics), client, 2, url=play.url, name=play.name) as deployed:
        play.wait()
        bare = request.getfixturevalue("bare")
        deployed.move(1, bare)
        wait(lambda: bare in deployed.unfit)
        assert deployed.unfit[bare] == "ModuleNotFoundError: No module named 'rtlab'"
        assert f"the worker {bare} cannot run shards of {play.name}: ModuleNotFoundError" in caplog.text
        wait(lambda: deployed.submitted >= 4)  # elsewhere again, by who tends
        play.append(200)
        play.wait()
        with pytest.raises(ConfigError, match=f"the worker {bare} cannot run a shard"):
            deployed.move(0, bare)
        assert all(one.worker != bare for one in deployed.status())
        said = client.get_events(next(one for one in client.get_events() if play.name in str(one)))
        # by the move, and where a busy machine let others be silent meanwhile: an error would come back for ever
        assert 1 <= len(said) <= 3
    play.check()

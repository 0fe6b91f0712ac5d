import threading
from types import SimpleNamespace

import pytest
from distributed import Client, LocalCluster
from support.cluster import wait
from support.shards import COINS, analytics

from rtlab.errors import ConfigError, LocalError, UnreachableError
from rtlab.pipelines import Graph, deploy
from rtlab.pipelines.cluster import deployment as module
from rtlab.pipelines.cluster.deployment import Deployment
from rtlab.pipelines.cluster.keys import keys_of
from rtlab.pipelines.cluster.shard import Beat

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=2, processes=False, dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False) as one,
    ):
        yield one


def workers(client: Client) -> list[str]:
    return sorted(client.scheduler_info(n_workers=-1)["workers"])


def test_a_deployment_folds_what_comes_and_tells_how_it_stands(play, client):
    play.append(1000)
    with deploy(Graph(analytics), client, 2, url=play.url, name=play.name) as deployed:
        play.append(1000)
        play.wait()
        status = deployed.status()
        assert [one.shard for one in status] == [0, 1]
        assert sorted(symbol for one in status for symbol in one.instruments) == sorted(
            one.symbol for one in COINS
        )
        assert sum(one.rows for one in status) == 2000 * len(COINS)
        assert all(one.worker in workers(client) and one.age_s < 5 for one in status)
        assert [(one.behind, one.dead, one.attempts) for one in status] == [(0, 0, 0)] * 2
    play.check()


def test_shards_move_and_their_number_changes_under_way(play, client):
    play.append(300)
    with deploy(Graph(analytics), client, 2, url=play.url, name=play.name) as deployed:
        for step in (
            lambda: deployed.move(0, workers(client)[1]),
            lambda: deployed.resize(4),
            lambda: deployed.resize(2),
        ):
            play.append(300)
            step()
        deployed.move(1, workers(client)[0])
        play.append(300)
        play.wait()
        assert len(deployed.status()) == 2
    play.check()


def test_it_goes_on_after_it_was_stopped(play, client):
    for shards in (1, 3):
        play.append(300)
        with deploy(Graph(analytics), client, shards, url=play.url, name=play.name) as deployed:
            play.wait()
            assert len(deployed.status()) == shards
        deployed.stop()
    play.check()


def test_a_new_instrument_is_found(play, client):
    play.append(100, COINS[:2])
    with deploy(Graph(analytics), client, 2, url=play.url, name=play.name):
        play.wait()
        play.append(100, COINS)
        play.wait()
    play.check()


def test_a_shard_that_shows_no_life_is_submitted_again(play, client, monkeypatch):
    monkeypatch.setattr(module, "SILENT_S", 0.0)
    play.append(100)
    with deploy(Graph(analytics), client, 1, url=play.url, name=play.name) as deployed:
        play.wait()
        assert deployed.submitted >= 1
        assert deployed.tend() == [0]
        monkeypatch.setattr(module, "SILENT_S", 60.0)
        play.append(100)
        play.wait()
        assert deployed.tend() == []
    play.check()


def test_what_the_scheduler_knows_no_more_is_submitted_again_where_it_runs(play, client):
    play.append(100)
    with deploy(Graph(analytics), client, 2, url=play.url, name=play.name) as deployed:
        play.wait()
        was = [one.worker for one in deployed.status()]
        plugin = f"rtlab-warming-{play.name}"
        client.unregister_worker_plugin(plugin)
        deployed._scheduler = "the one before"
        client.cancel(list(deployed._futures.values()))
        wait(lambda: all(int(play.redis.get(keys_of(play.name, one.symbol).lease)) > 1 for one in COINS))
        assert client.run_on_scheduler(lambda dask_scheduler: plugin in dask_scheduler.worker_plugins)
        play.append(100)
        play.wait()
        assert [one.worker for one in deployed.status()] == was
        assert deployed.submitted == 4
        assert deployed.tend() == []
    play.check()


def test_nothing_is_submitted_while_the_client_has_no_scheduler(play, client, monkeypatch):
    deployed = Deployment(Graph(analytics), client, play.url, play.name, {})
    deployed.shards = 1
    monkeypatch.setattr(client, "status", "connecting")
    assert (deployed.tend(), deployed.submitted) == ([], 0)
    monkeypatch.undo()
    assert (deployed.tend(), deployed.submitted) == ([0], 1)
    deployed.stop()


def test_who_tends_is_more_patient_each_time_that_a_new_task_shows_no_life_either(play, client, monkeypatch):
    deployed = Deployment(Graph(analytics), client, play.url, play.name, {})
    deployed.shards, beats, now = 1, {}, [1e9]
    monkeypatch.setattr(deployed, "_beats", lambda: beats)
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: now[0]))
    monkeypatch.setattr(deployed, "_submit", lambda shard, worker: deployed._since.update({shard: now[0]}))
    waits = []
    for _ in range(8):
        began = now[0]
        while not deployed.tend():
            now[0] += 0.5
        waits.append(now[0] - began)
    assert waits == [0, 4.5, 8.5, 16.5, 32.5, 64.5, 64.5, 64.5]
    beats[0] = Beat("a", 1, 0, now[0], 1, 1, 0.0, "folding")
    assert deployed.tend() == []
    now[0] += 3
    assert deployed.tend() == [0]


def test_who_was_superseded_by_another_deploy_leaves_the_shards_to_it(play, client, monkeypatch):
    play.append(100)
    with (
        deploy(Graph(analytics), client, 1, url=play.url, name=play.name) as first,
        deploy(Graph(analytics), client, 1, url=play.url, name=play.name) as second,
    ):
        play.wait()
        monkeypatch.setattr(module, "SILENT_S", 0.0)
        assert (first.tend(), second.tend()) == ([], [0])
        monkeypatch.setattr(module, "SILENT_S", 60.0)
        play.append(100)
        play.wait()
    play.check()


def test_what_makes_no_sense_is_refused(play, client):
    with pytest.raises(ConfigError, match="number of shards"):
        deploy(Graph(analytics), client, 0, url=play.url, name=play.name)
    play.append(50)
    with deploy(Graph(analytics), client, 1, url=play.url, name=play.name) as deployed:
        with pytest.raises(ConfigError, match="no such shard: expected 0 to 0, got 5"):
            deployed.move(5, workers(client)[0])
        with pytest.raises(ConfigError, match="no such worker"):
            deployed.move(0, "tcp://nowhere:1")
        with pytest.raises(ConfigError, match="number of shards"):
            deployed.resize(0)


def test_a_graph_that_cannot_be_pickled_is_refused_before_anything_runs(play, client):
    lock = threading.Lock()

    def guarded(stream):
        with lock:
            return analytics(stream)

    with pytest.raises(LocalError, match="the graph mine cannot be sent to workers"):
        deploy(Graph(guarded, name="mine"), client, 1, url=play.url, name=play.name)


def test_another_graph_for_the_same_state_is_refused_by_name(play, client):
    play.append(200)
    with deploy(Graph(analytics), client, 1, url=play.url, name=play.name):
        play.wait()
    with pytest.raises(ConfigError, match="which the graph has not"):
        deploy(Graph(lambda stream: {"vwap": stream.vwap("1m")}), client, 1, url=play.url, name=play.name)


def test_a_redis_that_is_gone_is_named(client):
    with pytest.raises(UnreachableError, match="does not answer"):
        deploy(Graph(analytics), client, 1, url="redis://127.0.0.1:1", name="x")

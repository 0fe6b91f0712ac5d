import numpy as np
import pytest
from support.frames import BTC, random_trades

from rtlab.embedded import EmbeddedServer
from rtlab.errors import ConfigError, FullError, UnreachableError
from rtlab.pipelines import Log
from rtlab.pipelines.cluster.keys import keys_of
from rtlab.pipelines.cluster.log import connect
from rtlab.pipelines.cluster.packed import unpack_rows


def test_entries_lie_in_the_log_of_their_instrument(play):
    play.append(100, [BTC])
    entries = play.redis.xrange(keys_of(play.name, "BTC-USD").log)
    rows = np.concatenate([unpack_rows(fields[b"d"])[1] for _, fields in entries])
    assert rows.tolist() == play.rows["BTC-USD"].tolist()
    assert play.log.instruments() == {"BTC-USD": BTC}


def test_a_log_that_nobody_folds_is_full_at_its_limit(server):
    with Log(server.url, "small", limit=3) as log:
        for number in range(3):
            log.append(BTC, number, random_trades(1, 1))
        with pytest.raises(FullError, match="the log of BTC-USD is full: expected below 3, got 3"):
            log.append(BTC, 4, random_trades(1, 1))


def test_a_redis_without_memory_is_named():
    with EmbeddedServer() as server, Log(server.url, "full") as log:
        client = connect(server.url)
        client.config_set("maxmemory", "3mb")
        rows = random_trades(1, 2000)

        def flood() -> None:
            for number in range(1000):
                log.append(BTC, number, rows)

        with pytest.raises(FullError, match="Redis has no memory left for the log"):
            flood()
        client.close()


def test_a_redis_that_is_gone_is_named():
    server = EmbeddedServer()
    server.start()
    log = Log(server.url, "gone")
    server.close()
    with pytest.raises(UnreachableError, match="does not answer"):
        log.append(BTC, 1, random_trades(1, 2))
    log.close()


def test_what_is_no_address_and_no_instrument_is_refused(play):
    with pytest.raises(ConfigError, match="not the address of a Redis"):
        connect("carrier-pigeon://roof")
    with pytest.raises(ConfigError, match="there is no such instrument"):
        play.log.results("DOGE", "bars")

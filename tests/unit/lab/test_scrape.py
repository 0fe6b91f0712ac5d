import asyncio
import threading
import urllib.request

from rtlab.bus.tally import ConsumerStatistics, PublisherStatistics
from rtlab.lab.serving import start_server

BEHIND = ConsumerStatistics(
    handled=7, retried=1, postponed=0, dead=2, fenced=0, in_flight=3, shards=4, abandoned=0, lag=55, oldest_s=12.5,
    alarm=True,
)  # fmt: skip
SENT = PublisherStatistics(
    published=9, entries=3, retries=0, unconfirmed=0, refused=0, diverted=0, waiting=1, waits_s=0.25
)


async def test_what_a_process_counts_is_at_metrics_of_its_dashboards_read_in_a_thread():
    threads = []

    def count():
        threads.append(threading.current_thread())
        return {"bus": SENT, "bus_alerts_page": BEHIND}

    def get():
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=20) as answer:
            return answer.headers["Content-Type"], answer.read().decode()

    server = start_server({"page": lambda: None}, "127.0.0.1", 0, count)
    try:
        kind, text = await asyncio.to_thread(get)
    finally:
        server.stop()
    assert kind.startswith("text/plain; version=0.0.4")
    values = dict(line.split() for line in text.splitlines() if not line.startswith("#"))
    assert values["rtlab_bus_published"] == "9.0"
    assert values["rtlab_bus_waits_s"] == "0.25"
    assert values["rtlab_bus_alerts_page_lag"] == "55.0"
    assert values["rtlab_bus_alerts_page_oldest_s"] == "12.5"
    assert values["rtlab_bus_alerts_page_alarm"] == "1.0"
    assert threads[0] is not threading.main_thread()

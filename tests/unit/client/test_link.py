import pytest
from support.markets import BTC, ETH, HandMarket

from rtlab.client.backoff import FIRST_S
from rtlab.client.link import AFTER_FOREIGN_S, Link, LinkState
from rtlab.errors import ProtocolError, RefusedError, UnreachableError
from rtlab.protocol import Codec, Limits, PayloadCache, Snapshot, Subscriber, Welcome
from rtlab.protocol.pulse import Pulse

MS = 1_000_000
URL = "ws://127.0.0.1:1"


class Wire:
    """A Link and the Subscriber it talks to; what one says, the other hears `way_ms` later."""

    def __init__(self, codec: str = "msgpack", market: HandMarket | None = None) -> None:
        self.market = market or HandMarket()
        self.link = Link(URL, codec)
        self.now, self.way_ms = 1_000 * MS, 0
        self.open()

    def open(self) -> None:
        self.link.opened(self.now)
        self.subscriber = Subscriber(
            self.market,
            codec=Codec(self.link.codec.encoding),
            cache=PayloadCache(),
            limits=Limits(),
            now=self.now,
        )

    def exchange(self, rounds: int = 3) -> None:
        for _ in range(rounds):
            for payload in self.link.reader.payloads_to_send(self.now):
                self.subscriber.receive(payload, self.now)
            payloads = self.subscriber.payloads_to_send(self.now)
            self.now += self.way_ms * MS
            for payload in payloads:
                self.link.receive(payload, self.now)

    def pass_time(self, ms: int) -> None:
        self.now += ms * MS


@pytest.mark.parametrize("codec", ["msgpack", "json"])
def test_a_link_is_connecting_until_the_first_message_and_live_after_it(codec):
    wire = Wire(codec)
    assert wire.link.state is LinkState.CONNECTING
    wire.exchange()
    assert wire.link.state is LinkState.LIVE
    assert wire.link.text is (codec == "json")


def test_callbacks_hear_of_changes_after_the_view_has_them_and_not_of_pings():
    wire, heard = Wire(), []
    subscription = wire.link.reader.subscribe("book", "BTC-USD")
    wire.market.set_levels((0, 100, 5))

    def note(applied):
        heard.append((applied.how, subscription.view.bids()))

    wire.link.on_applied(note)
    wire.exchange()
    wire.market.set_levels((0, 101, 7))
    wire.exchange()
    wire.pass_time(2_000)
    wire.exchange()
    assert heard == [
        ("subscribed", []),
        ("snapshot", [(100, 5)]),
        ("status", [(100, 5)]),
        ("increment", [(101, 7), (100, 5)]),
    ]


def test_a_callback_that_was_removed_is_silent_and_removing_twice_is_harmless():
    wire, heard = Wire(), []
    remove = wire.link.on_applied(heard.append)
    remove()
    remove()
    wire.link.reader.subscribe("ticker", "BTC-USD")
    wire.exchange()
    assert heard == []


def test_a_callback_may_remove_itself_while_it_is_called():
    wire, heard = Wire(), []

    def once(applied):
        heard.append(applied.how)
        remove()

    remove = wire.link.on_applied(once)
    wire.link.on_applied(lambda applied: heard.append("second"))
    wire.link.reader.subscribe("book", "BTC-USD")
    wire.exchange()
    assert heard[:2] == ["subscribed", "second"]
    assert heard.count("second") == len(heard) - 1


def test_instruments_come_with_the_welcome():
    wire = Wire()
    assert wire.link.instruments() is None
    wire.exchange()
    assert wire.link.instruments() == {"BTC-USD": BTC, "ETH-USD": ETH}


def test_a_lost_link_resumes_in_the_epoch_and_takes_a_snapshot_in_the_next():
    wire = Wire()
    subscription = wire.link.reader.subscribe("book", "BTC-USD")
    wire.market.set_levels((0, 100, 5))
    wire.exchange()
    assert wire.link.lost(wire.now, 1006, "") >= 0
    assert wire.link.state is LinkState.RECONNECTING
    wire.market.set_levels((0, 101, 7))
    wire.open()
    wire.exchange()
    assert wire.link.state is LinkState.LIVE
    assert (subscription.came_back, subscription.view.bids()) == ("resumed", [(101, 7), (100, 5)])
    wire.link.lost(wire.now, 1012, "restarting")
    wire.market = HandMarket(epoch=2)
    wire.market.set_levels((1, 200, 9))
    wire.open()
    wire.exchange()
    assert subscription.came_back == "snapshot"
    assert (subscription.view.bids(), subscription.view.asks()) == ([], [(200, 9)])
    assert (wire.link.opened_count, wire.link.lost_count) == (3, 2)


def test_a_foreign_payload_is_counted_raised_and_changes_nothing():
    wire = Wire()
    subscription = wire.link.reader.subscribe("book", "BTC-USD")
    wire.market.set_levels((0, 100, 5))
    wire.exchange()
    with pytest.raises(ProtocolError):
        wire.link.receive(b"\xff\x00 not ours", wire.now)
    assert wire.link.foreign == 1
    assert subscription.view.bids() == [(100, 5)]
    assert wire.link.statistics(wire.now).foreign == 1


def test_tries_come_ever_later_until_a_server_has_answered_with_a_ping():
    wire = Wire()
    delays = [wire.link.failed(wire.now, UnreachableError("nobody")) for _ in range(8)]
    assert all(delay <= FIRST_S * 2**attempt for attempt, delay in enumerate(delays))
    assert wire.link.addresses.tries == 8
    assert wire.link.last_reason == "nobody"
    wire.link.reader.subscribe("book", "BTC-USD")
    wire.exchange()
    assert wire.link.lost(wire.now, 1006, "") <= FIRST_S


def test_a_server_that_only_welcomes_is_not_asked_ever_faster():
    wire = Wire()
    for _ in range(8):
        wire.link.failed(wire.now, UnreachableError("nobody"))
    wire.link.receive(wire.subscriber.payloads_to_send(wire.now)[0], wire.now)
    assert wire.link.addresses.tries == 8


@pytest.mark.parametrize(
    ("code", "reason", "least"),
    [
        (4008, "too slow; retry in 5 s", 5.0),
        (1012, "restarting; retry in 0.2 s", 0.2),
        (4002, "foreign", AFTER_FOREIGN_S),
        (4002, "foreign; retry in 3 s", 3.0),
    ],
)
def test_a_hint_of_the_server_is_respected(code, reason, least):
    link = Wire().link
    assert least <= link.lost(0, code, reason) <= least + max(least, FIRST_S)
    assert link.last_reason == f"{code} {reason}"


def test_a_refusal_that_says_when_is_respected():
    assert Wire().link.failed(0, RefusedError("later", code=503, retry_after_s=4.0)) >= 4.0


def test_staleness_is_the_age_of_the_last_message_and_the_lateness_of_the_last_ping():
    wire = Wire()
    assert wire.link.staleness_ms(wire.now) == -1.0
    wire.link.reader.subscribe("book", "BTC-USD")
    wire.exchange()
    wire.pass_time(300)
    assert wire.link.staleness_ms(wire.now) == 300.0
    wire.pass_time(700)
    wire.way_ms = 80  # the next ping takes 80 ms longer than the quickest one did
    wire.exchange(1)
    assert wire.link.staleness_ms(wire.now) == 80.0
    wire.pass_time(20)
    assert wire.link.statistics(wire.now).staleness_ms == 100.0


def test_a_refused_subscription_says_why_and_one_that_does_not_come_names_the_link():
    wire = Wire()
    subscription = wire.link.reader.subscribe("book", "NO-SUCH")
    wire.exchange()
    with pytest.raises(RefusedError, match="NO-SUCH"):
        wire.link.is_ready(subscription)
    line = str(wire.link.not_ready("book of NO-SUCH", 2.5))
    assert URL in line
    assert "2.5 s" in line
    assert "live" in line


def test_a_closed_link_stays_closed_whatever_comes():
    wire = Wire()
    wire.exchange()
    wire.link.close(wire.now)
    wire.link.close(wire.now)
    wire.link.lost(wire.now, 1006, "")
    assert wire.link.state is LinkState.CLOSED
    wire.subscriber.payloads_to_send(wire.now + 2_000 * MS)
    wire.link.receive(wire.link.codec.encode(Snapshot(9, 1, 1, 1, [], [], None)), wire.now)
    assert wire.link.state is LinkState.CLOSED
    assert wire.link.statistics(wire.now).state == "closed"


def test_a_tap_sees_every_payload_as_it_came_before_it_changes_a_view():
    wire, seen = Wire(), []
    subscription = wire.link.reader.subscribe("book", "BTC-USD")
    wire.market.set_levels((0, 100, 5))
    wire.link.on_payload(lambda payload: seen.append((payload, subscription.view.bids())))
    wire.exchange()
    assert len(seen) > 2
    with_book = [bids for payload, bids in seen if isinstance(Codec().decode_server(payload), Snapshot)]
    assert with_book == [[]]
    with pytest.raises(ProtocolError):
        wire.link.receive(b"nonsense", wire.now)
    assert seen[-1] == (b"nonsense", [(100, 5)])


def test_a_socket_that_is_not_read_is_named_as_the_reason():
    assert "a blocking inbox is full" in str(Wire().link.not_ready("book", 1.0, held=True))


@pytest.mark.parametrize(("evict_after_s", "heartbeat_s", "seconds"), [(3.0, 1.0, 6.0), (1.0, 5.0, 15.0)])
def test_a_server_may_be_silent_twice_as_long_as_it_waits_for_us(evict_after_s, heartbeat_s, seconds):
    link = Wire().link
    assert link.silence_s == 20.0  # nothing was told yet
    welcome = Welcome(1, 0, heartbeat_s, {"evict_after_s": evict_after_s})
    link.receive(link.codec.encode(welcome), 0)
    assert link.silence_s == seconds
    assert f"{seconds:g} s" in link.fell_silent()
    assert link.statistics(0).silent == 1


def test_after_a_loss_the_next_gateway_is_tried_and_what_is_held_is_resumed_there():
    link = Link(["ws://one.example", "ws://two.example"])
    link.opened(0)
    link.lost(0, 1012, "restarting; retry in 5 s")
    assert link.addresses.url == "ws://two.example"
    assert link.statistics(0).url == "ws://two.example"


def test_what_is_known_is_as_old_as_the_servers_own_silence_says():
    """Pings go on coming; that the server hears nothing of its engine is told by Status."""
    wire, pulse = Wire(), Pulse(Limits())
    wire.link.opened(wire.now)
    wire.subscriber = Subscriber(
        wire.market, codec=Codec("msgpack"), cache=PayloadCache(), limits=Limits(), now=wire.now, pulse=pulse
    )
    wire.exchange()
    assert wire.link.staleness_ms(wire.now) < 1
    pulse.silent_ms = 1_600.0
    wire.subscriber.tell(wire.now)
    wire.exchange()
    assert wire.link.staleness_ms(wire.now) == pytest.approx(1_600)
    wire.pass_time(400)
    assert wire.link.staleness_ms(wire.now) == pytest.approx(2_000)
    pulse.silent_ms = 0.0
    wire.subscriber.tell(wire.now)
    wire.exchange()
    assert wire.link.staleness_ms(wire.now) < 1

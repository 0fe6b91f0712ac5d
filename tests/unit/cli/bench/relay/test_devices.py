import base64

import msgspec
from support.command import assert_one_clear_line, environ_without, rtlab

from rtlab.cli.bench import relay
from rtlab.cli.bench.relay import Size, _goals, measure
from rtlab.cli.bench.relay.devices import DeviceSocket, _ident
from rtlab.cli.bench.results import result
from rtlab.messaging.encryption.envelope import Kind


def test_a_relay_is_measured_all_at_once_and_at_half_load():
    rows = list(measure(Size(1, 6, 300, 0.3)))
    assert [row["name"] for row in rows] == [
        "sockets",
        "throughput",
        "sent to delivered, p50",
        "sent to delivered, p99",
        "refused or stored twice",
    ]
    assert rows[0]["median"] == 6
    assert all(row["median"] > 0 for row in rows[:4])
    assert rows[4]["median"] == 0
    assert [(goal["name"], goal["bound"]) for goal in _goals(rows)] == [
        ("sockets", 1000),
        ("throughput", 6000),
    ]


def test_a_peer_that_cannot_be_run_is_a_row_with_its_reason():
    row = result("throughput", relay.PEERS[0], "", "envelopes/s", [], "a service")
    assert (row["median"], row["reason"]) == (None, "a service")


def test_the_identifier_of_an_envelope_is_found_in_what_is_sent_and_in_what_comes():
    socket = DeviceSocket()
    envelope = socket.device.seal(Kind.MESSAGE, b"payload")
    request = msgspec.json.encode({"op": "send", "to": ["aa"], "envelope": envelope})
    mail = msgspec.json.encode({"op": "mail", "cursor": 12345, "envelope": envelope})
    assert _ident(request) == _ident(mail)
    assert envelope[37:53] in base64.b64decode(_ident(mail))


def test_frames_are_cut_however_they_come():
    socket, got = DeviceSocket(), []
    socket.on_mail = got.append
    long = b'{"op":"mail","x":"' + b"y" * 300 + b'"}'
    stream = b"HTTP/1.1 101 ok\r\n\r\n" + b"\x81\x0d" + b'{"op":"mail"}' + b"\x81\x7e\x01\x40" + long
    assert len(long) == 0x140
    for at in range(len(stream)):
        socket.data_received(stream[at : at + 1])
    assert got == [b'{"op":"mail"}', long]


def test_without_its_packages_it_says_which_extra_has_them(tmp_path):
    done = rtlab("bench", "relay", "--quick", environ=environ_without("base58", tmp_path))
    assert_one_clear_line(done, "pip install 'rtlab[messaging]'")

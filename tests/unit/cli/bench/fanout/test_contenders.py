import socket

import pytest
from support.recorded import missing

from rtlab.cli.bench.crowd.building import compiler
from rtlab.cli.bench.fanout.contenders import RAW, contenders
from rtlab.cli.bench.fanout.serving import Window
from rtlab.cli.bench.fanout.ticks import TOGETHER, make_ticks
from rtlab.protocol import Codec


def read_all(reader: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += reader.recv(size - len(data))
    return data


def test_raw_sends_every_frame_in_order_and_ten_of_them_where_ten_come_together():
    if compiler() is None:
        missing("no C compiler")
    payloads = make_ticks(40).payloads
    with contenders(40, None, (RAW,)) as field:
        raw = field.present[RAW]
        with socket.create_connection(("127.0.0.1", raw.port), 10) as reader:
            reader.sendall(b"GET / HTTP/1.1\r\n\r\n")
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += reader.recv(1)
            assert answer.startswith(b"HTTP/1.1 101 ")
            ticks = (
                raw.measure(Window(20.0, 0.1)).ticks + TOGETHER * raw.measure(Window(20.0, 0.01, True)).ticks
            )
            for number in range(ticks):
                head = read_all(reader, 2)
                payload = read_all(reader, head[1])
                assert payload == payloads[number % 40]
                assert Codec().decode_server(payload).depth == 10
        assert raw.resident() > 0


def test_without_a_compiler_raw_is_absent_with_the_reason(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with contenders(5, None, (RAW,)) as field:
        assert field.present == {}
        assert "no C compiler" in field.absent[RAW]


def test_a_contender_ends_with_its_bench():
    if compiler() is None:
        missing("no C compiler")
    with contenders(5, None, (RAW,)) as field:
        port = field.present[RAW].port
        socket.create_connection(("127.0.0.1", port), 10).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 10)

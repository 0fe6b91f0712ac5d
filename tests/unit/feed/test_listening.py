import socket

import pytest

from rtlab.errors import AddressError
from rtlab.feed.listening import SEND_BUFFER, is_loopback, listening_socket


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_names_of_this_machine_are_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org", "", "127.0.0.1.example.org"])
def test_any_other_host_is_not_loopback_and_is_refused_in_one_line(host):
    assert not is_loopback(host)
    with pytest.raises(AddressError, match=r"token_key.*allow_anyone") as refused:
        listening_socket(host, 0)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_what_may_be_exposed_listens_on_every_address(host):
    with listening_socket(host, 0, exposed=True) as listener:
        assert listener.getsockname()[0] == host


def test_a_port_is_shared_by_those_who_ask_for_it():
    with (
        listening_socket("127.0.0.1", 0, reuse_port=True) as one,
        listening_socket(*one.getsockname(), reuse_port=True) as two,
    ):
        assert one.getsockname() == two.getsockname()
        with pytest.raises(AddressError, match="in use"):
            listening_socket(*one.getsockname())


def test_where_ports_cannot_be_shared_that_is_said(monkeypatch):
    monkeypatch.delattr(socket, "SO_REUSEPORT")
    with pytest.raises(AddressError, match="cannot be shared"):
        listening_socket("127.0.0.1", 0, reuse_port=True)


def test_port_zero_gives_a_free_port_on_loopback():
    with listening_socket("127.0.0.1", 0) as listener:
        host, port = listener.getsockname()
        assert host == "127.0.0.1"
        assert port > 0


def test_accepted_sockets_inherit_the_small_send_buffer():
    with listening_socket("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            # Linux doubles what it is asked for, for its own book-keeping
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * SEND_BUFFER


def test_a_port_in_use_names_the_port_who_is_to_blame_and_what_to_do():
    with listening_socket("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(AddressError) as refused:
            listening_socket("127.0.0.1", port)
    line = str(refused.value)
    assert f"port {port}" in line
    assert "another program" in line
    assert "(0 takes a free one)" in line
    assert "choose another port" in line
    assert "\n" not in line


def test_a_port_just_left_can_be_taken_again_at_once():
    with listening_socket("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        client = socket.create_connection(address)
        accepted, _ = listener.accept()
        accepted.close()  # the server closes first: its side lies in TIME_WAIT
        client.close()
    with listening_socket(*address) as again:
        assert again.getsockname() == address


def test_small_messages_do_not_wait_for_the_acknowledgement_of_others():
    with listening_socket("127.0.0.1", 0) as listener:
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_does_not_exist_is_refused(port):
    with pytest.raises(AddressError, match="0 to 65535"):
        listening_socket("127.0.0.1", port)


def test_a_name_that_does_not_resolve_is_no_traceback(monkeypatch):
    def nobody(*_: object, **__: object) -> None:
        raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr(socket, "create_server", nobody)
    with pytest.raises(AddressError, match="Cannot assign requested address"):
        listening_socket("127.0.0.1", 0)


def test_a_port_below_1024_that_may_not_be_bound_says_so(monkeypatch):
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "create_server", forbidden)
    with pytest.raises(AddressError, match="above 1023"):
        listening_socket("127.0.0.1", 80)

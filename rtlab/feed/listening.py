"""The listening socket of the gateway: loopback only, small send buffers, a clear line when it cannot be had."""

import errno
import ipaddress
import socket

from rtlab.errors import AddressError

SEND_BUFFER = (
    16 << 10
)  # bytes; accepted sockets inherit it. What the kernel holds, nobody can conflate any more
BACKLOG = 1024


def is_loopback(host: str) -> bool:
    """Tell whether `host` names this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listening_socket(host: str, port: int) -> socket.socket:
    """Bind a TCP socket to `host` and `port` (0: any free one).

    AddressError when the port is in use, may not be bound, or `host` is not this machine: until readers
    authenticate themselves, nobody else may reach the feed.
    """
    if not is_loopback(host):
        raise AddressError(
            f"the feed does not listen on {host}: readers do not authenticate themselves yet",
            expected="a loopback host such as 127.0.0.1",
            got=host,
        )
    if not 0 <= port <= 65535:
        raise AddressError("this port does not exist", expected="0 to 65535", got=port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as problem:
        raise _address_error(host, port, problem) from None
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return listener


def _address_error(host: str, port: int, problem: OSError) -> AddressError:
    if problem.errno == errno.EADDRINUSE:
        return AddressError(
            f"port {port} on {host} is in use by another program: stop that program or choose another port"
        )
    if problem.errno == errno.EACCES:
        return AddressError(f"this user may not listen on port {port}: choose one above 1023")
    return AddressError(f"cannot listen on {host} port {port}: {problem.strerror or problem}")

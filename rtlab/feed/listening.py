"""The listening socket of the gateway: loopback unless told otherwise, a small send buffer, clear refusals."""

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


def listening_socket(
    host: str, port: int, *, exposed: bool = False, reuse_port: bool = False
) -> socket.socket:
    """Bind a TCP socket to `host` and `port` (0: any free one); `reuse_port` shares the port with other processes.

    AddressError when the port is in use, may not be bound or shared, or when `host` is not this machine and the
    feed may not be `exposed`.
    """
    if not exposed and not is_loopback(host):
        raise AddressError(
            f"the feed does not listen on {host}, because there anybody could read it: give it the key of its "
            "readers' tokens (token_key), or let anybody in (allow_anyone=true), or bind it to 127.0.0.1"
        )
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise AddressError(f"on this platform port {port} cannot be shared: start one gateway a port")
    if not 0 <= port <= 65535:
        raise AddressError("this port does not exist", expected="0 to 65535", got=port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=reuse_port)
    except OSError as problem:
        raise _address_error(host, port, problem) from None
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    # asyncio sets it only where a socket says that it is of TCP, and an accepted one does not: a small message would
    # wait up to 40 ms for the peer's delayed acknowledgement of the one before
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _address_error(host: str, port: int, problem: OSError) -> AddressError:
    if problem.errno == errno.EADDRINUSE:
        return AddressError(
            f"port {port} on {host} is in use by another program: stop that program or choose another port"
            " (0 takes a free one)"
        )
    if problem.errno == errno.EACCES:
        return AddressError(f"this user may not listen on port {port}: choose one above 1023")
    return AddressError(f"cannot listen on {host} port {port}: {problem.strerror or problem}")

"""Why a connection did not come about or ended, in one line, and whether trying again can help."""

from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.uri import parse_uri

from rtlab.errors import ConfigError, RefusedError, RtlabError, UnreachableError
from rtlab.protocol import Code

MAX_MESSAGE = 16 << 20  # bytes of one message from a server
OPEN_TIMEOUT_S = 5.0
NETWORK = (OSError, TimeoutError, EOFError, InvalidHandshake)  # what opening a connection may raise

FINAL = frozenset({401, 403, Code.UNAUTHORISED, Code.FORBIDDEN})  # the same reader will be refused again


def check_url(url: str) -> str:
    """Give `url` back when it is a WebSocket URL; else ConfigError."""
    try:
        parse_uri(url)
    except (InvalidURI, ValueError):
        raise ConfigError("this is not the address of a feed", expected="ws://host:port", got=url) from None
    return url


def not_connected(url: str, problem: Exception) -> RtlabError:
    """Say why connecting to `url` failed: RefusedError or UnreachableError, each one line."""
    if isinstance(problem, InvalidStatus):
        status = problem.response.status_code
        said = (problem.response.body or b"").decode(errors="replace").strip().partition("\n")[0]
        return RefusedError(f"the server at {url} refused with HTTP {status}: {said[:200]}", code=status)
    if isinstance(problem, InvalidHandshake):
        return UnreachableError(f"what answers at {url} is not a feed: {_line(problem)}")
    if isinstance(problem, TimeoutError):
        return UnreachableError(f"nobody answers at {url} in time: is the server running there?")
    return UnreachableError(f"nobody answers at {url}: is the server running there? ({_line(problem)})")


def closed(url: str, code: int, reason: str) -> RefusedError:
    """Say how the connection to `url` ended, from the close code and reason that the server sent."""
    return RefusedError(f"the server at {url} closed with {code}: {reason or 'no reason given'}", code=code)


def is_final(problem: RtlabError) -> bool:
    """Tell whether trying again cannot help."""
    return isinstance(problem, ConfigError) or (isinstance(problem, RefusedError) and problem.code in FINAL)


def _line(problem: Exception) -> str:
    return (str(problem) or type(problem).__name__).partition("\n")[0]

"""Why a connection did not come about or ended, in one line, and whether trying again can help."""

from websockets.exceptions import InvalidHandshake, InvalidStatus

from rtlab.client.backoff import retry_hint_s
from rtlab.errors import ConfigError, RefusedError, RtlabError, UnreachableError, shown
from rtlab.protocol import Code

NETWORK = (OSError, TimeoutError, EOFError, InvalidHandshake)  # what opening a connection may raise

TOKEN = "; the token to show it is the argument token or the variable RTLAB_TOKEN"

FINAL = frozenset({401, 403, Code.UNAUTHORISED, Code.FORBIDDEN})  # the same reader will be refused again


def not_connected(url: str, problem: Exception) -> RtlabError:
    """Say why connecting to `url` failed: RefusedError or UnreachableError, each one line."""
    url = shown(url)
    if isinstance(problem, InvalidStatus):
        response = problem.response
        said = (response.body or b"").decode(errors="replace").strip().partition("\n")[0]
        hint = retry_hint_s(said)
        mend = TOKEN if response.status_code == 401 else ""
        return RefusedError(
            f"the server at {url} refused with HTTP {response.status_code}: {said[:200]}{mend}",
            code=response.status_code,
            retry_after_s=_seconds(response.headers.get("Retry-After")) if hint is None else hint,
        )
    if isinstance(problem, InvalidHandshake):
        return UnreachableError(f"what answers at {url} is not a feed: {_line(problem)}")
    if isinstance(problem, TimeoutError):
        return UnreachableError(f"nobody answers at {url} in time: is the server running there?")
    return UnreachableError(f"nobody answers at {url}: is the server running there? ({_line(problem)})")


BROKE_OFF = 1006
"""What stands for the close code where none was sent (RFC 6455, section 7.4.1)."""


def ending(code: int, reason: str) -> str:
    """Say how a connection ended: by the close code and reason that were sent, or in words that none was."""
    if code == BROKE_OFF:
        return reason or "the connection broke off unannounced: the server died, or the network failed"
    return f"{code} {reason}".strip()


def closed(url: str, code: int, reason: str) -> RefusedError:
    """Say how the connection to `url` ended, from the close code and reason that the server sent."""
    if code == BROKE_OFF:
        return RefusedError(f"the server at {shown(url)} is gone: {ending(code, reason)}", code=code)
    mend = TOKEN if code == Code.UNAUTHORISED else ""
    return RefusedError(
        f"the server at {shown(url)} closed with {code}: {reason or 'no reason given'}{mend}", code=code
    )


def is_final(problem: RtlabError) -> bool:
    """Tell whether trying again cannot help."""
    return isinstance(problem, ConfigError) or (isinstance(problem, RefusedError) and problem.code in FINAL)


def _seconds(header: str | None) -> float | None:
    # the other form that HTTP allows, a date, needs two clocks that agree
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86400 else None


def _line(problem: Exception) -> str:
    return (str(problem) or type(problem).__name__).partition("\n")[0]

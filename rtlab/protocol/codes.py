"""Codes that close a connection or come in an Error."""

from enum import IntEnum


class Code(IntEnum):
    """WebSocket close codes; an Error carries the same ones for what the connection survives."""

    RESTARTING = 1012  # the server ends; retry, with jitter
    UNAUTHORISED = 4001
    PROTOCOL = 4002  # what came is not allowed
    FORBIDDEN = 4003  # the channel is not for this token
    UNKNOWN = 4004  # no such channel, instrument or key
    TOO_SLOW = 4008
    LIMIT = 4009
    TOO_MANY_REQUESTS = 4029

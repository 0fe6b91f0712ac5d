"""A gateway as the settings want it: limits, admission, TLS."""

import logging
from pathlib import Path
from typing import Any

from rtlab.config import Settings
from rtlab.errors import ConfigError
from rtlab.feed import Gateway
from rtlab.feed.admission import Admission
from rtlab.feed.listening import is_loopback
from rtlab.feed.policy import Policy
from rtlab.feed.tls import server_context
from rtlab.feed.tokens import Revoked, Tokens, read_key
from rtlab.protocol import Limits, Sources
from rtlab.telemetry import event

NONE = "none"
LOG = logging.getLogger("rtlab.lab")


def limits(settings: Settings) -> Limits:
    """Give the limits of one connection that the settings ask for."""
    return Limits(
        heartbeat_s=settings.heartbeat_s,
        evict_after_s=settings.evict_after_s,
        window_ceiling=settings.window_bytes,
        subscriptions=settings.subscriptions,
        messages_per_s=settings.messages_per_s,
        messages_burst=max(16, round(2.5 * settings.messages_per_s)),
        message_bytes=settings.message_bytes,
        idle_s=settings.idle_s,
        resume_wait_s=settings.resume_wait_s,
    )


def admission(settings: Settings) -> Admission:
    """Give the admission that the settings ask for; ConfigError for a key or list that cannot be used."""
    policy = Policy(
        anyone=settings.allow_anyone,
        origins=tuple(one.strip() for one in settings.allowed_origins.split(",") if one.strip()),
        connections=settings.connections,
        connections_per_address=settings.connections_per_address,
        connections_per_token=settings.connections_per_token,
        accept_per_s=settings.accept_per_s,
        accept_burst=max(1, round(settings.accept_per_s / 2)),
        handshake_s=settings.handshake_s,
    )
    return Admission(policy, _tokens(settings))


def gateway_of(settings: Settings, market: Sources, **more: Any) -> Gateway:
    """Give a gateway for `market` as the settings want it; `more` is handed on to it. ConfigError as its parts say."""
    secured = settings.tls_cert != NONE
    if secured is (settings.tls_key == NONE):
        raise ConfigError(
            "TLS needs a certificate and its key", expected="both of tls_cert and tls_key, or none"
        )
    tls = server_context(Path(settings.tls_cert), Path(settings.tls_key)) if secured else None
    door = admission(settings)
    if door.guarded and not secured and not is_loopback(settings.host):
        event(
            LOG,
            logging.WARNING,
            "served without TLS: tokens and data can be read on the way",
            host=settings.host,
        )
    return Gateway(
        market,
        host=settings.host,
        port=settings.port,
        limits=limits(settings),
        admission=door,
        tls=tls,
        memory_budget=settings.memory_budget_bytes,
        compression=settings.compression != "off",
        **more,
    )


def _tokens(settings: Settings) -> Tokens | None:
    revoked = None if settings.token_revoked == NONE else Revoked(Path(settings.token_revoked))
    if settings.token_key == NONE:
        if revoked is not None:
            raise ConfigError(
                "a list of revoked tokens needs the key of the tokens", expected="token_key", got="none"
            )
        return None
    return Tokens(
        read_key(Path(settings.token_key)),
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        leeway_s=settings.token_leeway_s,
        revoked=revoked,
    )

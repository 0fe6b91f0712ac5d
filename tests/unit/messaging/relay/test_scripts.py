import re

import pytest

from rtlab.embedded import EmbeddedServer
from rtlab.messaging.relay import scripts

NAMES = ("STORE", "COMMIT", "REGISTER", "REVOKE", "CLAIM", "CONSENT")


@pytest.mark.parametrize("name", NAMES)
def test_every_script_is_taken_by_the_server(name):
    from redis import Redis

    with EmbeddedServer() as server, Redis.from_url(server.url) as redis:
        assert len(redis.script_load(getattr(scripts, name))) == 40


def test_every_key_is_told_in_the_docstring():
    text = "".join(getattr(scripts, name) for name in NAMES)
    kinds = set(re.findall(r"p \.\. ':(\w+)", text)) - {"claims"}
    assert kinds
    assert [kind for kind in sorted(kinds) if f"p:{kind}" not in scripts.__doc__] == []

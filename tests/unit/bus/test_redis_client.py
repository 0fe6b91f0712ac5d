import pytest
from redis.exceptions import ConnectionError, ResponseError, TimeoutError

from rtlab.bus.redis_client import answering, client
from rtlab.errors import ConfigError, UnreachableError


def test_an_address_of_another_kind_is_a_clear_error():
    with pytest.raises(ConfigError, match="expected redis://host:port"):
        client("http://x")


@pytest.mark.parametrize(
    "problem", [ConnectionError("cut"), TimeoutError("slow"), ResponseError("OOM full"), OSError("no")]
)
async def test_whatever_goes_wrong_with_the_server_is_one_error_that_says_what(problem):
    with pytest.raises(UnreachableError, match=r"Redis at u does not do it: (cut|slow|OOM full|no)"):
        async with answering("u"):
            raise problem


async def test_what_is_wrong_with_us_is_not_hidden():
    with pytest.raises(KeyError):
        async with answering("u"):
            raise KeyError

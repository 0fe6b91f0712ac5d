import pytest
from websockets.exceptions import NegotiationError
from websockets.server import ServerProtocol

from rtlab.feed.sessions import select_subprotocol


@pytest.mark.parametrize(("offered", "taken"), [(["a"], "a"), (["c", "b", "a"], "b")])
def test_the_first_offered_subprotocol_that_the_path_speaks_is_taken(offered, taken):
    assert select_subprotocol(ServerProtocol(subprotocols=["a", "b"]), offered) == taken


@pytest.mark.parametrize(("offered", "named"), [([], "got none"), (["x", "y" * 500], "got 'x, yyy")])
def test_who_offers_none_of_them_is_told_which_there_are(offered, named):
    with pytest.raises(NegotiationError) as refused:
        select_subprotocol(ServerProtocol(subprotocols=["a", "b"]), offered)
    assert "expected a or b" in str(refused.value)
    assert named in str(refused.value)
    assert len(str(refused.value)) < 300

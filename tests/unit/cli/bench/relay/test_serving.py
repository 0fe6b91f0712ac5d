from rtlab.cli.bench.children import Child
from rtlab.cli.bench.relay.serving import LIMITS, serve
from rtlab.messaging.relay import RelayLimits


def test_it_serves_where_it_says_and_counts_what_went_wrong():
    with Child(serve) as child:
        assert child.receive() > 0
        child.send("count")
        assert child.receive() == 0


def test_only_the_bounds_of_a_device_are_lifted():
    ours, usual = RelayLimits(), LIMITS
    assert (ours.envelope_bytes, ours.inbox, ours.recipients) == (
        usual.envelope_bytes,
        usual.inbox,
        usual.recipients,
    )

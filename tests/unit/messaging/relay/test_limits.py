from rtlab.messaging.relay.limits import RelayLimits


def test_strangers_cannot_fill_a_mailbox_by_themselves():
    limits = RelayLimits()
    assert limits.strangers * limits.stranger_messages < limits.mailbox / 2


def test_an_envelope_fits_one_message_of_the_gateway():
    from rtlab.protocol import Limits

    base64 = RelayLimits().envelope_bytes * 4 / 3
    assert base64 + 200 * RelayLimits().recipients / 4 < Limits().message_bytes + 1000


def test_every_bound_is_above_zero():
    limits = RelayLimits()
    assert all(getattr(limits, name) > 0 for name in limits.__struct_fields__)

from rtlab import model
from rtlab.model import CommandKind, EventKind, OrderType, Reason, Side, TimeInForce


def test_codes_are_what_journals_and_peers_already_hold():
    assert [(s.name, int(s)) for s in Side] == [("BID", 0), ("ASK", 1)]
    assert [int(k) for k in CommandKind] == [1, 2, 3]
    assert [(k.name, int(k)) for k in EventKind] == [
        ("ACCEPTED", 1),
        ("REPLACED", 2),
        ("TRADE", 3),
        ("DONE", 4),
        ("REJECTED", 5),
        ("LEVEL", 6),
        ("TRIGGERED", 7),
    ]
    assert (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD) == (0, 1, 2, 3)
    assert (OrderType.LIMIT, OrderType.MARKET) == (0, 1)
    assert (Reason.FILLED, Reason.CANCELLED, Reason.IOC, Reason.EXPIRED) == (1, 2, 3, 4)


def test_every_name_that_model_promises_is_there():
    assert all(hasattr(model, name) for name in model.__all__)

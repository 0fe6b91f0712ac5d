from rtlab import model
from rtlab.model import CommandKind, EventKind, OrderType, Phase, Reason, Side, TimeInForce


def test_codes_are_what_journals_and_peers_already_hold():
    assert [(s.name, int(s)) for s in Side] == [("BID", 0), ("ASK", 1)]
    assert [int(k) for k in CommandKind] == list(range(1, 11))
    assert [(k.name, int(k)) for k in EventKind] == [
        ("ACCEPTED", 1),
        ("REPLACED", 2),
        ("TRADE", 3),
        ("DONE", 4),
        ("REJECTED", 5),
        ("LEVEL", 6),
        ("TRIGGERED", 7),
        ("REFILLED", 8),
        ("PHASE", 9),
        ("INDICATIVE", 10),
        ("MASS_CANCELLED", 11),
        ("ACCOUNT", 12),
        ("TIME", 13),
    ]
    assert (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD) == (0, 1, 2, 3)
    assert [int(t) for t in OrderType] == list(range(6))
    assert [p.name for p in Phase] == ["CONTINUOUS", "PRE_OPEN", "AUCTION", "HALTED", "CLOSED"]
    assert [int(r) for r in Reason] == list(range(42))
    assert (Reason.FILLED, Reason.CANCELLED, Reason.IOC, Reason.EXPIRED) == (1, 2, 3, 4)


def test_every_name_that_model_promises_is_there():
    assert all(hasattr(model, name) for name in model.__all__)

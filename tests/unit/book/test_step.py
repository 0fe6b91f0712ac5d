import msgspec

from rtlab.book import Step


def test_a_step_survives_packing_and_knows_how_far_it_moves():
    step = Step(7, [0, 1], [100, -3], [5, 0], [(7, 100, 2, 1)])
    assert step.changes == 3
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(step), type=Step) == step

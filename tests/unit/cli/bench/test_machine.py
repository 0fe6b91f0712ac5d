import json

from rtlab.cli.bench.machine import machine


def test_the_machine_is_named_with_what_decides_a_number():
    box = machine()
    assert box["cpu"]
    assert box["cores"] >= 1
    assert {"python", "numpy", "numba", "websockets", "bokeh", "panel", "system", "memory_gib"} <= set(box)


def test_the_machine_is_plain_json():
    assert json.loads(json.dumps(machine())) == machine()

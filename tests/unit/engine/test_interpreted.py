"""The kernel as plain Python: the same bytes, and not one row beyond the end of an array."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from support.every_kind import RULES, every_kind, traded

from rtlab.engine import Engine, SelfTradePrevention
from rtlab.model import CancelOrder

SEED, COUNT = 4, 1500
INTERPRETED = """
import sys
sys.path.insert(0, sys.argv[1])
from support.interpreted import interpret
interpret()
from rtlab.engine import kernel
from unit.engine.test_interpreted import told
assert type(kernel.run) is type(told)
sys.stdout.buffer.write(told())
"""


def told() -> bytes:
    engine = Engine(traded(), self_trade_prevention=SelfTradePrevention.DECREMENT, rules=RULES, capacity=1)
    rows = engine.process(every_kind(np.random.default_rng(SEED), COUNT, ids=400)).tobytes()
    values = [engine.submit(CancelOrder(instrument=traded()[0].symbol, order_id=at)) for at in range(50)]
    return rows + repr(values).encode()


def test_an_interpreted_kernel_gives_the_same_bytes_and_stays_within_its_arrays() -> None:
    tests = str(Path(__file__).parents[2])
    ran = subprocess.run([sys.executable, "-c", INTERPRETED, tests], capture_output=True, check=False)
    assert ran.stderr.decode() == ""
    assert len(ran.stdout) > 100_000
    assert ran.stdout == told()

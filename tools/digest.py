"""Print a digest of what kernel and twin make of random commands of every kind, to compare Pythons and machines.

PYTHONPATH=.:tests python3.13 tools/digest.py [ROUNDS]
"""

import platform
import sys
from hashlib import sha256

import numba
import numpy as np
from support.every_kind import RULES, every_kind, traded

from rtlab.engine import Engine
from rtlab.engine.reference import ReferenceEngine


def main(rounds: int) -> None:
    kernel_said, twin_said, held = sha256(), sha256(), sha256()
    commands = sha256()
    for seed in range(rounds):
        rows = every_kind(np.random.default_rng([seed, 12]), 5_000, malformed=0.07)
        kernel, twin = Engine(traded(), rules=RULES, capacity=1), ReferenceEngine(traded(), rules=RULES)
        commands.update(rows.tobytes())
        kernel_said.update(kernel.process(rows).tobytes())
        twin_said.update(twin.process(rows).tobytes())
        held.update(kernel.snapshot())
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, numba {numba.__version__}"
    print(f"{versions}: {rounds * 5_000:,} commands {commands.hexdigest()[:16]}")
    for name, digest in (("kernel", kernel_said), ("twin", twin_said), ("snapshots", held)):
        print(f"  {name:10} {digest.hexdigest()}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)

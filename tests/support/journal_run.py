"""A process that starts journaled engines, each in a child of its own that can be killed.

python journal_run.py reads lines of JSON {"folder", "told", "batch"}; for each it forks a child, prints its pid,
waits for its end, and says that. The child does the stream of `journals` from where the journal is, without end,
and writes the number of acknowledged commands into the file `told`.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.command_flow import Flow
from support.journals import SEED, journaled, new_engine


def run(folder: str, told: str, batch: int) -> None:
    said = os.open(told, os.O_RDWR | os.O_CREAT)
    with journaled(Path(folder)) as engine:
        flow = Flow(SEED)
        flow.given = engine.engine.statistics().commands
        while True:
            engine.process(flow.take(batch))
            os.pwrite(said, flow.given.to_bytes(8, "little"), 0)


def main() -> None:
    new_engine()  # compiled, once, for all children
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(**json.loads(line))
        print(child, flush=True)
        os.waitpid(child, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    main()

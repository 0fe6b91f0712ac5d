"""Runs over a file of trades that may be killed at any moment: `python checkpointed.py FOLDER`.

A run folds bars and VWAP, appends what comes of each frame to a file, and checkpoints. On start it goes on from the
checkpoint and cuts off what was written after it.
"""

import os
import sys
from pathlib import Path

import numpy as np

from rtlab.model import Instrument
from rtlab.pipelines import Graph, trade_frame
from rtlab.pipelines.checkpoint import Checkpoint, load, save

BTC = Instrument("BTC-USD", "0.1", "0.001")
FRAME = 50
EVERY = 3


def analytics(trades):
    bars = trades.bars("1s")
    return {"bars": bars, "vwap": trades.vwap("1s"), "ema": bars.ema(3)}


def run(folder: Path) -> None:
    rows = np.load(folder / "rows.npy")
    found = load(folder / "checkpoint")
    position, written = (found.position, found.written) if found else (0, 0)
    running = Graph(analytics).begin(BTC, found.state if found else None)
    with (folder / "out").open("ab") as out:
        out.truncate(written)
        out.seek(written)
        for number, first in enumerate(range(position, len(rows), FRAME)):
            part = rows[first : first + FRAME]
            came = running.push(trade_frame(BTC, first + 1 + np.arange(len(part)), part))
            for name in sorted(came):
                for frame in came[name]:
                    out.write(b"".join(column.tobytes() for column in frame.columns.values()))
            if number % EVERY == EVERY - 1 or first + FRAME >= len(rows):
                out.flush()
                os.fsync(out.fileno())
                save(folder / "checkpoint", Checkpoint(first + len(part), out.tell(), running.state()))
    (folder / "done").write_bytes(running.state())


def serve(folder: Path) -> None:
    """For each line that comes, run in a child of its own; tell its pid, and how it ended."""
    with Graph(analytics).begin(BTC) as running:  # what the kernels take to load is not part of a run
        rows = np.array([(n * 10**9, 10, 1, 0) for n in range(6)], np.int64)
        running.push(trade_frame(BTC, np.arange(6), rows))
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            run(folder)
            os._exit(0)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))

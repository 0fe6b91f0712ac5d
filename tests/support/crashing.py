"""Tasks of a deployment whose graph kills its process on one row: `python crashing.py URL NAME`.

For each line that comes, a task runs in a child of its own until all is folded; how it ended is printed.
"""

import os
import sys

from support.frames import BTC
from support.shards import Play

from rtlab.pipelines import Graph

DEADLY = 666_666


def deadly(frame):
    if (frame["lots"] == DEADLY).any():
        os._exit(7)
    return frame


def analytics(stream):
    return {"bars": stream.map(deadly).bars("1s")}


def serve(url: str, name: str) -> None:
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            with Play(url, name, Graph(analytics)) as play:
                play.watch(BTC.symbol)
                play.run()
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])

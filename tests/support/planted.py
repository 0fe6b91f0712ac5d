"""Faults of a machine, planted for one run of the command line in a process of its own.

python planted.py FAULT ARGUMENTS... runs `rtlab ARGUMENTS` on a machine that has FAULT.
"""

import os
import shutil
import sys
import time
from collections import namedtuple


def wrong_clock() -> None:
    now = time.time
    time.time = lambda: now() - 10 * 365 * 86_400


def full_disk() -> None:
    usage = namedtuple("usage", "total used free")
    shutil.disk_usage = lambda place: usage(1 << 30, 1 << 30, 0)


def few_files() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def no_aio_pika() -> None:
    from importlib import metadata

    whole = metadata.version

    def version(name: str) -> str:
        if name == "aio-pika":
            raise metadata.PackageNotFoundError(name)
        return whole(name)

    metadata.version = version
    sys.modules["aio_pika"] = None


def no_cache() -> None:
    os.environ["NUMBA_CACHE_DIR"] = "/dev/null/cache"


FAULTS = {one.__name__: one for one in (wrong_clock, full_disk, few_files, no_aio_pika, no_cache)}

if __name__ == "__main__":
    FAULTS[sys.argv[1]]()
    from rtlab.cli import main

    main(sys.argv[2:])

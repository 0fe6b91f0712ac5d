"""Freed memory that a process keeps for its next micro-batch.

Dask starts its workers with `MALLOC_TRIM_THRESHOLD_=65536`. That gives memory back early, and takes from glibc its
habit of learning how large the blocks are that come again and again: each column of a micro-batch is then mapped
anew, and faulted in page by page, which is a quarter of what folding costs.
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
MAPPED, KEPT = 32 << 20, 64 << 20  # bytes: what glibc comes to by itself at most


def keep_freed() -> bool:
    """Let this process keep up to 64 MiB that it freed, as it would without Dask; False where that is not glibc's."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(M_MMAP_THRESHOLD, MAPPED) and mallopt(M_TRIM_THRESHOLD, KEPT))

import os
import platform
import subprocess
import sys

import pytest

from rtlab.pipelines.cluster.memory import keep_freed

CODE = """
import resource
import numpy as np
from rtlab.pipelines.cluster.memory import keep_freed

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(200):
        columns = [np.ones(30_000) for _ in range(8)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(faults(), keep_freed(), faults() and faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this is not glibc")
def test_a_worker_as_dask_starts_it_faults_no_more_pages_in_for_each_batch():
    environment = os.environ | {"MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True)
    before, kept, after = done.stdout.split()
    assert kept == "True", done.stderr
    assert int(before) > 200 * 8 * 50  # each column of 59 pages, each time
    assert int(after) < int(before) / 100


def test_elsewhere_it_does_nothing(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed() is False

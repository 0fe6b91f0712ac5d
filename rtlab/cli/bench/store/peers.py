"""The peers: ArcticDB, pinned and in an environment of its own, and plain XADD of one event an entry."""

import time

import pyarrow as pa
import pyarrow.parquet as pq

from rtlab.cli.bench.environments import Unfit, answer, python_with
from rtlab.cli.bench.results import result
from rtlab.cli.bench.store.recording import folder
from rtlab.embedded import EmbeddedServer
from rtlab.store.cold.schema import COLUMNS
from rtlab.store.unrecorded import connect_blocking

ARCTIC = "arcticdb==6.28.2"
_PIPELINED = 100
_PIECE = 50_000

_SCRIPT = """
import json, sys, time
from pathlib import Path
import pandas as pd, pyarrow.parquet as pq
from arcticdb import Arctic
folder, file, piece = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
library = Arctic(f"lmdb://{folder}?map_size=8GB").get_library("rows", create_if_missing=True)
frame = pq.read_table(file).to_pandas()
frame.index = pd.to_datetime(frame.pop("ts"))
began = time.perf_counter()
for first in range(0, len(frame), piece):
    part = frame.iloc[first : first + piece]
    library.append("rows", part) if first else library.write("rows", part)
took = time.perf_counter() - began
stats = library.admin_tools().get_sizes() if hasattr(library, "admin_tools") else {}
size = sum(one.bytes_compressed for key, one in stats.items() if "TABLE_DATA" in str(key))
print(json.dumps({"rows_per_s": len(frame) / took, "bytes": size / len(frame)}))
"""


def arctic(rows: pa.Table) -> list[dict[str, object]]:
    """Append the same rows by pieces; a median of None says why there is none."""
    case = f"{rows.num_rows:,} rows in pieces of {_PIECE:,}"
    told: dict[str, list[float]] = {}
    reason = ""
    try:
        python = python_with("arcticdb", (ARCTIC, "pyarrow"))
        with folder() as path:
            pq.write_table(rows.select(list(COLUMNS)).sort_by("ts"), path / "rows.parquet")
            script = path / "script.py"
            script.write_text(_SCRIPT)
            said = answer(python, script, path / "arctic", path / "rows.parquet", _PIECE)
        told = {name: [value] for name, value in said.items()}
    except Unfit as unfit:
        reason = str(unfit)
    return [
        result("recorded, cold alone", ARCTIC, case, "rows/s", told.get("rows_per_s", []), reason),
        result("increments and trades", ARCTIC, case, "bytes/row", told.get("bytes", []), reason),
    ]


def plain_xadd(rows: pa.Table, seconds: float) -> dict[str, object]:
    """Write one event an entry, a hundred in a pipeline, as fast as one client can; hot alone."""
    columns = [rows.column(name).to_pylist() for name in ("ts", "side", "price", "qty")]
    events = [
        dict(zip(("ts", "side", "price", "qty"), event, strict=True)) for event in zip(*columns, strict=True)
    ]
    with EmbeddedServer() as server, connect_blocking(server.url) as redis:
        began, written = time.perf_counter(), 0
        while (took := time.perf_counter() - began) < seconds:
            pipeline = redis.pipeline(transaction=False)
            for number in range(_PIPELINED):
                pipeline.xadd("events", events[(written + number) % len(events)], maxlen=1_000_000)
            pipeline.execute()
            written += _PIPELINED
    case = f"one event an entry, {_PIPELINED} in a pipeline"
    return result("recorded, hot alone", "plain XADD", case, "rows/s", [written / took])

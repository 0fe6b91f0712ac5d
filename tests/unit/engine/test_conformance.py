"""Recorded messages and the reports that another engine made of them: every line must be the same."""

import json
from hashlib import sha256

import numpy as np
import numpy.typing as npt
import pytest
from support.random_rows import instruments
from support.recorded import recorded

from rtlab.engine import COMMAND, CommandKind, Engine, EventKind, TimeInForce
from rtlab.engine.reference import ReferenceEngine

pytestmark = pytest.mark.recorded

RowArray = npt.NDArray[np.void]
NEW, CANCEL, MODIFY = range(3)
STREAMS = ["normal_seed7_n20000.npz", "flash-crash_seed7_n20000.npz"]


def engine(kind: str) -> Engine | ReferenceEngine:
    # room for one order, so that growth is part of what must not show
    return Engine(instruments(1), capacity=1) if kind == "kernel" else ReferenceEngine(instruments(1))


def commands(
    kind: list[int], side: list[int], ioc: list[int], qty: list[int], oid: list[int], price: list[int]
) -> RowArray:
    kinds = np.array([CommandKind.NEW, CommandKind.CANCEL, CommandKind.REPLACE])
    rows = np.zeros(len(kind), COMMAND)
    new = np.asarray(kind) == NEW
    rows["kind"] = kinds[np.asarray(kind)]
    rows["side"] = np.where(new, side, 0)
    rows["tif"] = np.where(new & (np.asarray(ioc) != 0), TimeInForce.IOC, TimeInForce.GTC)
    rows["qty"], rows["order_id"], rows["price"] = qty, oid, price
    return rows


def report(rows: RowArray, events: RowArray) -> str:
    """Give the report lines of the recorded engine, within a message by kind and then as they came."""
    lines: list[tuple[int, int, str]] = []
    for event in events:
        at, order_id, side, price, qty = (
            int(event[name]) for name in ("command", "order_id", "side", "price", "qty")
        )
        kind = event["kind"]
        if kind == EventKind.ACCEPTED:
            lines.append((at, 0, f"0,{at},{side},{order_id},{price},{qty}"))
        elif kind == EventKind.TRADE:
            lines.append((at, 1, f"1,{at},{price},{qty},{int(event['maker_id'])},{order_id}"))
        elif kind == EventKind.DONE and event["remaining"] > 0:
            lines.append((at, 2, f"2,{at},{side},{order_id},{price}"))
        elif kind == EventKind.REPLACED:
            lines.append((at, 3, f"3,{at},{side},{order_id},{price},{qty}"))
        elif kind == EventKind.REJECTED:
            rejected = 4 if rows["kind"][at] == CommandKind.CANCEL else 5
            lines.append((at, rejected, f"{rejected},{at},{order_id}"))
    lines.sort(key=lambda line: line[:2])
    return "\n".join(line for _, _, line in lines)


def digest(kind: str, rows: RowArray) -> str:
    return sha256(report(rows, engine(kind).process(rows)).encode()).hexdigest()


@pytest.mark.parametrize("kind", ["kernel", "twin"])
def test_all_34_edge_cases_report_what_the_other_engine_reported(kind: str) -> None:
    cases = json.loads(recorded("matching/cases.json").read_text())
    assert len(cases) == 34
    differing = []
    for case in cases:
        columns = [list(column) for column in zip(*case["messages"], strict=True)]
        if digest(kind, commands(*columns)) != case["sha256"]:
            differing.append(case["name"])
    assert differing == []


@pytest.mark.parametrize(
    ("kind", "stream"),
    [
        *(("kernel", stream) for stream in STREAMS),
        pytest.param("twin", STREAMS[0], marks=pytest.mark.long),
        ("twin", STREAMS[1]),
    ],
)
def test_recorded_stream_reports_what_the_other_engine_reported(kind: str, stream: str) -> None:
    columns = np.load(recorded(f"matching/{stream}"))
    rows = commands(*(columns[name] for name in ("type", "side", "ioc", "qty", "oid", "px")))
    assert digest(kind, rows) == str(columns["sha256"])

import asyncio
import gc
import time

import numpy as np
import pytest

from rtlab.cli.bench.load import INSTRUMENT, Load, drive, truth
from rtlab.engine import Engine
from rtlab.model import COMMAND, EventKind


@pytest.fixture(autouse=True)
def _unfrozen():
    yield
    gc.unfreeze()


def test_a_load_makes_about_the_events_that_it_is_named_after_and_always_the_same():
    load = Load(20_000, 1.0)
    opening, commands = load.commands()
    assert truth(load).events == pytest.approx(20_000, rel=0.25)
    again = load.commands()
    assert opening.tobytes() == again[0].tobytes()
    assert commands.tobytes() == again[1].tobytes()
    assert (np.diff(commands["ts"]) >= 0).all()
    assert commands["ts"][-1] <= 1_000_000_000


def test_the_truth_names_for_each_command_the_seq_of_its_last_change_of_the_book():
    load = Load(5_000, 0.5)
    opening, commands = load.commands()
    engine = Engine([INSTRUMENT])
    seq = int(np.count_nonzero(engine.process(opening)["kind"] == EventKind.LEVEL))
    expected = {}
    for index in range(len(commands)):
        changes = int(
            np.count_nonzero(engine.process(commands[index : index + 1])["kind"] == EventKind.LEVEL)
        )
        seq += changes
        if changes:
            expected[index] = seq
    found = truth(load)
    assert dict(zip(found.commands.tolist(), found.seqs.tolist(), strict=True)) == expected


async def test_commands_are_submitted_in_order_none_before_it_is_due_each_stamped_with_its_time():
    commands = np.zeros(200, COMMAND)
    commands["order_id"] = np.arange(200)
    commands["ts"] = np.arange(200) * 500_000
    due = commands["ts"].copy()
    seen: list[np.ndarray] = []
    start = time.monotonic_ns()
    submitted = await drive(commands, lambda rows: seen.append(rows.copy()))
    rows = np.concatenate(seen)
    assert rows["order_id"].tolist() == list(range(200))
    assert (rows["ts"] == submitted).all()
    assert (submitted - start >= due).all()


async def test_the_loop_is_left_to_others_between_two_batches():
    commands = np.zeros(50, COMMAND)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    commands["ts"] = np.arange(50) * 1_000_000
    beside = asyncio.create_task(other())
    await drive(commands, lambda rows: None, step_s=0.001)
    beside.cancel()
    assert turns >= 10

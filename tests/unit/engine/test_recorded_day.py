"""A recorded day: kernel and twin still answer every command as they once did, word for word."""

import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import command, told
from support.recorded_day import DAY

from rtlab.engine import EventKind
from rtlab.model import Rules

RULES = {
    "I0": Rules(
        reference_price=100, volatility_ticks=8, volatility_ns=200, maker_fee_ppm=-100, taker_fee_ppm=300
    )
}


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_every_command_of_the_day_is_answered_as_it_was(kind: str) -> None:
    engine = make_engine(kind, rules=RULES)
    for at, (text, answer) in enumerate(DAY):
        assert told(engine.process(command(text))) == answer, f"command {at}: {text}"


def test_the_day_has_every_kind_of_answer() -> None:
    words = " ".join(line for _, answer in DAY for line in answer)
    for word in ("took", "refilled", "triggered", "indicative", "phase AUCTION", "swept", "account", "level"):
        assert word in words
    for reason in ("FILLED", "EXPIRED", "IOC", "CANCELLED", "FUNDS", "PHASE", "LINKED"):
        assert reason in words
    assert len(EventKind) == 13

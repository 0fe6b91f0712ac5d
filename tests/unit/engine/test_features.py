"""The list of features names tests that exist, and every code of the model."""

import re
from pathlib import Path

import pytest

from rtlab.model import Flag, OrderType, Phase, Rules, TimeInForce

ROOT = Path(__file__).resolve().parents[3]
LIST = (ROOT / "rtlab" / "engine" / "FEATURES.md").read_text()
ROWS = [line.split("|")[1:-1] for line in LIST.splitlines() if line.startswith("| ")][1:]
TESTS = {
    name
    for folder in ("unit/engine", "property/engine")
    for path in (ROOT / "tests" / folder).glob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip())
def test_every_feature_names_a_test_that_exists(row: list[str]) -> None:
    named = re.findall(r"`(test_\w+)`", row[2])
    assert named
    assert [name for name in named if name not in TESTS] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip())
def test_every_feature_says_again_what_another_engine_published(row: list[str]) -> None:
    published = row[3].strip()
    assert len(published) > len("test_published")
    assert re.search(r"`test_\w+`", published) or "benchmark: 34 cases" in published


def test_every_named_test_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", LIST))
    assert named - TESTS == set()


@pytest.mark.parametrize("member", [*OrderType, *(tif for tif in TimeInForce if tif), *Flag])
def test_every_code_of_an_order_is_named(member: OrderType) -> None:
    assert re.search(rf"\b{member.name}\b", LIST), member


def test_states_and_rules_are_named() -> None:
    assert all(word in LIST for word in ("Phase.AUCTION", "Phase.PRE_OPEN", "Rules.volatility_ticks"))
    assert set(Phase.__members__) >= {"AUCTION", "PRE_OPEN", "HALTED", "CLOSED", "CONTINUOUS"}
    assert "price_band" in Rules.__struct_fields__

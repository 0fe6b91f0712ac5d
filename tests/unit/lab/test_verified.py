import asyncio

import pytest
from support.session import session, with_hole

from rtlab.config import Settings
from rtlab.errors import StoreError
from rtlab.lab.analysed import analysed, digest
from rtlab.lab.session import RecordedSession
from rtlab.lab.verified import verified

SETTINGS = Settings(port=0)


@pytest.fixture
def folder(tmp_path):
    with_hole(tmp_path, session(tmp_path), known=True)
    return tmp_path


async def test_books_are_equal_and_the_digest_is_that_of_any_speed_and_batch(folder):
    with RecordedSession(folder) as one:
        wanted = f"digest: {digest(analysed(one))}"
        for speed, batch in ((None, 1000), (40.0, 7)):
            verdict = await verified(one, SETTINGS, speed=speed, batch=batch, ended=asyncio.Event())
            assert verdict.holds, verdict.lines
            assert verdict.lines[-1] == wanted
            assert any("0 gaps" in line for line in verdict.lines)


async def test_a_stored_book_that_differs_does_not_hold(folder, monkeypatch):
    with RecordedSession(folder) as one:
        kept = one.store.book
        monkeypatch.setattr(one.store, "book", lambda symbol, at: kept(symbol, at=at)._replace(bids=[(1, 1)]))
        verdict = await verified(one, SETTINGS, speed=None, ended=asyncio.Event())
    assert not verdict.holds
    assert any("DIFFERENT from the stored one" in line for line in verdict.lines)


async def test_a_changed_byte_of_a_file_is_an_error_that_names_it(folder):
    file = next(folder.rglob("*.parquet"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    with RecordedSession(folder) as one, pytest.raises(StoreError, match=file.name):
        await verified(one, SETTINGS, speed=None, ended=asyncio.Event())


async def test_one_that_was_ended_early_does_not_hold(folder):
    ended = asyncio.Event()
    with RecordedSession(folder) as one:
        verdict = await verified(one, SETTINGS, speed=0.01, ended=ended, on_ready=lambda url: ended.set())
    assert not verdict.holds
    assert "before the session was" in verdict.lines[-1]
    assert verdict.complaint("the session") == "the session was not played to its end"
    assert verdict._replace(is_whole=True).complaint("the session") == "the session does not hold: see above"
    assert verdict._replace(holds=True).complaint("the session") == ""

"""The widget's reader of the feed, held against the rules of rtlab/protocol/WIRE.md."""

import json
import subprocess

from support.messaging import JAVASCRIPT, ROOT, node

SECOND = 10**9
BARS = {"name": "bars", "instrument": "BTC-USD", "depth": 3, "interval": SECOND}
TICKER = {"name": "ticker", "instrument": "BTC-USD"}
SUBSCRIBED = {"type": "Subscribed", "key": 7, "id": 1, "tick_size": "0.5", "lot_size": "1", "index": 0}


def read(*messages: dict, wishes: tuple[dict, ...] = ({"channel": BARS},)) -> dict:
    program = ROOT / "tests" / "support" / "messaging_feed.mjs"
    told = json.dumps({"wishes": wishes, "messages": messages})
    command = [node(), str(program), str(JAVASCRIPT)]
    done = subprocess.run(command, input=told, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def bar(second: int, close: int) -> list[int]:
    return [second * SECOND, close, close + 2, close - 2, close, 1, 1]


def bars(seq: int, first_seq: int, *rows: list[int], epoch: int = 5, key: int = 7) -> dict:
    told = {"type": "Bars", "key": key, "epoch": epoch, "seq": seq, "first_seq": first_seq, "depth": 3}
    return told | {"bars": list(rows)}


def ping(sent: int, exact: int, epoch: int = 5) -> dict:
    return {"type": "Ping", "nonce": 9, "server_time": 1, "heads": {"7": [epoch, sent, exact]}}


def closes(found: dict) -> list[int]:
    return [row[4] for row in found["shown"][0]["bars"]]


STATE = bars(10, 0, bar(3, 30), bar(2, 20), bar(1, 10))


def test_rows_replace_those_of_their_start_and_the_newest_are_kept():
    found = read({"type": "Batch", "messages": [SUBSCRIBED, STATE]}, bars(12, 11, bar(4, 40), bar(3, 33)))
    assert closes(found) == [20, 33, 40]
    assert found["said"][0]["channels"] == [BARS | {"max_rate": 4}]
    assert found["words"] == ["X: open 10.0, high 21.0, low 9.0, close 20.0"]


def test_what_is_no_news_or_of_another_key_changes_nothing():
    found = read(
        SUBSCRIBED, STATE, bars(10, 9, bar(3, 99)), bars(12, 11, bar(3, 98), key=8), bars(11, 0, key=9)
    )
    assert closes(found) == [10, 20, 30]


def test_a_gap_is_told_and_nothing_is_taken_until_all_comes_again():
    found = read(SUBSCRIBED, STATE, bars(15, 13, bar(5, 50)), bars(16, 16, bar(6, 60)))
    assert closes(found) == [10, 20, 30]
    assert found["said"][1:] == [{"type": "Resync", "key": 7}]
    found = read(SUBSCRIBED, STATE, bars(15, 13, bar(5, 50)), bars(14, 0, bar(4, 44)))
    assert closes(found) == [44]


def test_a_newer_epoch_begins_with_its_whole_state():
    found = read(SUBSCRIBED, STATE, bars(2, 1, bar(9, 90), epoch=6), bars(2, 0, bar(9, 91), epoch=6))
    assert closes(found) == [91]
    assert found["said"][1] == {"type": "Resync", "key": 7}


def test_a_ping_is_answered_by_where_it_stands_and_finds_what_was_lost():
    found = read(SUBSCRIBED, STATE, ping(10, 14), bars(15, 15, bar(4, 40)), ping(15, 15))
    pongs = [one for one in found["said"] if one["type"] == "Pong"]
    assert [one["applied"] for one in pongs] == [{"7": [5, 14]}, {"7": [5, 15]}]
    assert closes(found) == [20, 30, 40]
    found = read(SUBSCRIBED, STATE, ping(11, 11))
    assert [one["type"] for one in found["said"]] == ["Subscribe", "Resync", "Pong"]
    assert found["said"][-1]["applied"] == {}


def test_a_refusal_is_shown_and_who_shows_nothing_any_more_ends_the_connection():
    refused = {"type": "Error", "code": 4004, "message": "not one we serve", "id": 1, "index": 0, "key": None}
    found = read(refused)
    assert found["shown"][0]["failed"] == "not one we serve"
    found = read(SUBSCRIBED, STATE, ping(10, 10), wishes=({"channel": BARS, "times": 1},))
    assert [one["type"] for one in found["said"][-2:]] == ["Unsubscribe", "closed"]


def test_a_ticker_is_the_whole_row_and_the_same_is_followed_once():
    told = {
        "type": "Ticker",
        "key": 7,
        "epoch": 5,
        "seq": 3,
        "ts_event": 1,
        "bid": 9,
        "bid_qty": 1,
        "ask": 10,
    }
    told |= {"ask_qty": 1, "last": 9, "last_qty": 1}
    found = read(
        SUBSCRIBED, told, told | {"seq": 2, "last": 1}, wishes=({"channel": TICKER}, {"channel": TICKER})
    )
    assert [one["ticker"]["last"] for one in found["shown"]] == [9, 9]
    assert len(found["said"]) == 1


def test_so_many_are_followed_and_no_more():
    wishes = tuple({"channel": TICKER | {"instrument": f"X-{n}"}} for n in range(30))
    assert read(wishes=wishes)["taken"] == [True] * 24 + [False] * 6


def test_prices_are_exact_decimals_and_what_is_no_whole_number_is_none():
    assert read()["prices"] == ["123.45", "-2.5", "7", "–", "–"]

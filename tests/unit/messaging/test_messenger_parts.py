"""The parts of the browser's messenger, each by itself: what is saved when, what waits, what goes once."""

import json
import subprocess
from functools import cache

from support.messaging import BINDINGS, JAVASCRIPT, ROOT, node


@cache
def parts() -> dict:
    program = ROOT / "tests" / "support" / "messaging_parts.mjs"
    command = [node(), str(program), str(JAVASCRIPT), str(BINDINGS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_turn_that_fails_is_told_and_the_next_one_goes_on():
    assert parts()["turns"] == {
        "done": ["first", "second"],
        "heard": "of the first",
        "alarms": ["of the first"],
    }


def test_what_could_not_be_saved_is_not_known_and_goes_with_the_next_save():
    found = parts()["saves"]
    assert (found["known_at_once"], found["refused"]) == (7, "full")
    assert found["while_full"] == {"group": None, "saved": [], "stored": 0}
    assert found["puts"] == [["cursor", "chat:a", "group:1"]]
    assert (found["saved"], found["again"], found["groups"]) == ([7], 7, 1)


def test_what_may_be_forgotten_is_saved_together_a_little_later():
    assert parts()["later"] == {"puts": [["cursor"]], "saved": [2], "changed": 3}


def test_messages_keep_their_order_and_place_when_they_change():
    found = parts()["said"]
    assert found["a"] == [["ONE", "said:a 000000001"], ["two", "said:a 000000002"]]
    assert found["chats"] == [["b", 1, "accepted"], ["a", 2, "accepted"]]


def test_what_waits_is_sent_in_its_order_once_and_so_much_at_a_time():
    found = parts()["outbox"]
    assert found["first"] == [0, 1] + [2] * 30
    assert found["then"] == 32 + 3, "two that are over make room, and the one that was cut off goes again"
    assert found["waiting"] == 42 - 2
    assert found["state"] == "failed"
    assert sorted(found["alarms"]) == ["blocked", "offline"]


def test_new_keys_that_came_second_are_made_again_with_the_next_message():
    found = {
        code: (group["state"], group["sent"], group["updated"]) for code, group in parts()["renewals"].items()
    }
    assert found == {"done": ("new", 0, 99), "stale": ("old", 50, 1), "blocked": ("old", 0, 99)}


def test_records_with_crashes_among_them_read_as_a_plain_map_would():
    found = parts()["records"]
    assert found["wrong"] == []
    assert found["read"] > 1000
    assert found["folded"] > 5000
    assert found["most"] > 20


def test_what_is_stored_comes_back_as_it_was_whatever_others_wrote_into_it():
    found = parts()["packing"]
    assert found["got"] == found["wanted"]
    assert len(found["got"]) == 11
    assert found["old"] == '{"a":"bytes 1,2","b":{"$bytes":"!"},"c":{"$bytes":5}}'


def test_marks_of_a_burst_go_in_one_message_that_is_bounded():
    assert parts()["marks"] == {
        "many": 1,
        "account": "a",
        "kind": "mark",
        "delivered": 150,
        "read": [200, 2299],
    }


def test_a_file_goes_on_after_the_connection_was_lost_until_it_is_cancelled():
    found = parts()["transfers"]
    assert found["sent"][:3] == ["attach", "attach", "put"]
    assert (found["name"], found["size"], found["secret"]) == ("a_b", 3, "string")
    assert (found["why"], found["left"]) == ("it was cancelled", 0)


def test_what_is_remembered_of_a_genuine_signature_lets_nothing_else_through():
    found = parts()["signatures"]
    chain = (found.pop("named"), found.pop("asked"))
    assert len(found) == 10
    for first, again, late, forged, other_device, other_wallet in found.values():
        assert (first, again, other_wallet) == (True, True, True)
        assert "has expired" in late
        assert forged is False
        assert "another device" in other_device
    assert chain == ([True, True, "a key is not among those of the NEAR account"], 3), "a chain is asked anew"


def test_logs_that_cannot_both_be_true_and_other_devices_of_an_account_are_told():
    found = parts()["people"]
    fork = "the directory shows the other side another log than this one"
    assert found["heads"] == ["same", "same", "same", "longer", fork, fork]
    assert len(set(found["accounts"])) == 2
    assert all(":" in news and "has other devices than" in news for news in found["accounts"])
    assert (found["swapped"], found["gone"], found["same"]) == (1, 1, 0)


def test_what_a_page_asks_for_wrongly_is_one_error_that_says_what_was_expected_and_what_came():
    told = parts()["asked"]
    wanted = "the relay's address, as wss://lab.example/messages"
    known = "url, directory, storage, name, theme, texts, testWallets, wallet, resolver, token, feed"
    families = "some of ethereum, solana, near"
    wrong = {
        "nowhere": "mount has no element to draw in: expected an element that is on the page, got null",
        "nothing": f"mount has no options: expected an object with url, {wanted}, got undefined",
        "urlless": f"the option url is missing: expected {wanted}, got undefined",
        "elsewhere": f'the option url is no address of a relay: expected {wanted}, got "/messages"',
        "misspelt": f"mount has no such option: expected some of {known}, got tehme",
        "wallet": f"there is no such test wallet: expected {families}, got dogecoin",
        "word": f'the option testWallets is no list: expected {families}, got "ethereum"',
    }
    assert told == {"right": None} | {name: f"MessagingError: {text}" for name, text in wrong.items()}


def test_a_relay_that_nobody_is_at_is_named_without_its_secrets():
    nobody = "no answer at ws://127.0.0.1:9/messages"
    assert parts()["ended"] == [nobody, "", "restarting", "this device is connected elsewhere"]

import json
import subprocess

import pytest
from support.messaging import DIRECTORY, JAVASCRIPT, Person, node

from rtlab.errors import IdentityError
from rtlab.messaging.directory import (
    EMPTY,
    LONGEST,
    Head,
    bindings_of,
    devices_of,
    entry_of,
    hash_of,
    safety_number,
)
from rtlab.messaging.encryption.envelope import Device
from rtlab.messaging.identity.wallets import local_wallet

NOW = 1_790_000_000
WALLET = local_wallet("eip191", b"\x11" * 32)
DEVICES = [Device(bytes([n]) * 32) for n in (1, 2, 3)]


def log_of(*bindings) -> list[str]:
    entries, head = [], EMPTY
    for binding in bindings:
        entries.append(entry_of(binding, head))
        head = Head(head.length + 1, hash_of(entries[-1]))
    return entries


def speaks(device: Device, **more):
    return WALLET.bind(device.public, DIRECTORY, NOW, **more)


def test_a_log_gives_the_bindings_in_order_and_a_head_to_pin():
    bindings = [speaks(device) for device in DEVICES]
    entries = log_of(*bindings)
    read, head = bindings_of(entries)
    assert read == bindings
    assert head == Head(3, hash_of(entries[-1]))
    assert bindings_of(entries, Head(2, hash_of(entries[1])))[1] == head
    assert bindings_of([]) == ([], EMPTY)


def test_a_log_that_was_changed_shortened_or_forked_is_refused():
    entries = log_of(*(speaks(device) for device in DEVICES))
    _, pinned = bindings_of(entries)
    fork = log_of(*(speaks(device) for device in DEVICES))  # other nonces: another history
    for shown in (entries[:2], [], fork, [entries[0], entries[2]], entries[1:], [*entries[:2], fork[2]]):
        with pytest.raises(IdentityError):
            bindings_of(shown, pinned)
    for shown in ([entries[0], entries[2], entries[1]], [entries[0] + " "], ["{}"], ["rubbish"]):
        with pytest.raises(IdentityError):
            bindings_of(shown)
    with pytest.raises(IdentityError, match="shows less"):
        bindings_of(["x"] * (LONGEST + 1))


def test_devices_are_those_that_are_verified_not_expired_and_not_revoked():
    old = WALLET.bind(DEVICES[0].public, DIRECTORY, NOW - 100 * 86400)
    revoked = speaks(DEVICES[1])
    gone = WALLET.bind(DEVICES[1].public, DIRECTORY, NOW - 99 * 86400, 3600, purpose="revoke")
    there = speaks(DEVICES[2])
    found = devices_of([old, revoked, gone, there], WALLET.account, DIRECTORY, NOW)
    assert found == {DEVICES[2].public: there}


def test_what_another_wallet_says_of_an_account_is_refused():
    stranger = Person()
    for binding in (stranger.binding, local_wallet("eip191", b"\x12" * 32).bind(bytes(32), DIRECTORY, NOW)):
        with pytest.raises(IdentityError):
            devices_of([binding], WALLET.account, DIRECTORY, NOW)
    with pytest.raises(IdentityError, match="another directory"):
        devices_of([WALLET.bind(bytes(32), "evil.example", NOW)], WALLET.account, DIRECTORY, NOW)


def test_the_safety_number_is_one_for_both_and_changes_with_every_device():
    keys = [device.public for device in DEVICES]
    number = safety_number("a", "b", keys[:2])
    assert number == safety_number("b", "a", keys[1::-1])
    assert len(number.split()) == 12
    assert len({number, safety_number("a", "b", keys), safety_number("a", "c", keys[:2])}) == 3


def test_javascript_reads_the_same_log_and_shows_the_same_number():
    entries = log_of(*(speaks(device) for device in DEVICES), speaks(DEVICES[1], purpose="revoke"))
    program = f"""
const {{ devicesOf, readLog, safetyNumber }} = await import("{JAVASCRIPT.as_uri()}/src/messenger/directory.js")
const {{ hashes, bindings }} = readLog({json.dumps(entries)})
const devices = await devicesOf(bindings, {{ account: "{WALLET.account}", directory: "{DIRECTORY}", now: {NOW} }})
const refused = []
for (const [shown, pinned] of [[{json.dumps(entries[:2])}, hashes], [{json.dumps(entries[1:])}, []]]) {{
  try {{ readLog(shown, pinned); refused.push(false) }} catch (problem) {{ refused.push(problem.name) }}
}}
const number = safetyNumber("a", "b", devices.keys())
console.log(JSON.stringify({{ hashes, devices: [...devices.keys()], number, refused }}))
"""
    done = subprocess.run(
        [node(), "--input-type=module", "-e", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    there = [DEVICES[0].public, DEVICES[2].public]
    assert told["hashes"] == [hash_of(entry) for entry in entries]
    assert told["devices"] == [device.hex() for device in there]
    assert told["number"] == safety_number("a", "b", there)
    assert told["refused"] == ["IdentityError", "IdentityError"]

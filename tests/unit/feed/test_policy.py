import pytest

from rtlab.feed.policy import Policy, network_of


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        "http://localhost:8888",
        "https://127.0.0.1:5006",
        "http://[::1]:80",
        "http://127.9.9.9",
    ],
)
def test_pages_of_this_machine_are_local(origin):
    assert Policy().welcomes(origin)
    assert not Policy(origins=()).welcomes(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://evil.example",
        "http://localhost.evil.example",
        "http://evil.example/localhost",
        "http://127.0.0.1.evil.example",
        "http://localhost@evil.example",
        "http://[::1",
        "http://2130706433",
        "file://",
        "LOCAL",
    ],
)
def test_any_other_page_is_not_local(origin):
    assert not Policy().welcomes(origin)
    assert Policy(origins=("*",)).welcomes(origin)


def test_an_origin_is_welcome_exactly_as_it_is_listed():
    policy = Policy(origins=("https://lab.example",))
    assert policy.welcomes("https://lab.example")
    for other in (
        "http://lab.example",
        "https://lab.example:444",
        "https://lab.example.evil",
        "https://a.lab.example",
    ):
        assert not policy.welcomes(other)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
def test_an_address_is_counted_by_what_one_may_have_of_it(address, network):
    assert network_of(address) == network

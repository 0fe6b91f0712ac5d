import urllib.request

from rtlab.messaging.correspondent import Correspondent
from rtlab.messaging.identity.wallets import local_wallet
from rtlab.messaging.office import FAMILIES, PostOffice


async def exchange(office: PostOffice, text: str) -> None:
    wallets = [local_wallet("solana", bytes([n]) * 32) for n in (1, 2)]
    one, other = (Correspondent(office.url, office.directory, wallet) for wallet in wallets)
    async with other, one:
        await one.say(other.account, text)


def test_it_serves_a_relay_and_a_page_and_shows_what_the_relay_keeps():
    with PostOffice() as office:
        office.wait(exchange(office, "a text that nobody else can read"))
        kept = office.kept()
        assert [(one.cursor, len(one.device)) for one in kept] == [(1, 64), (2, 64)]
        assert all(one.size > 300 for one in kept)
        assert "a text" not in repr(kept)
        assert office.statistics().stored == 2
        with urllib.request.urlopen(office.page, timeout=10) as page:
            assert b'"directory":"localhost"' in page.read()
        assert office.options(theme="dark") == {
            "url": office.url,
            "directory": "localhost",
            "testWallets": list(FAMILIES),
            "theme": "dark",
        }
    assert repr(office) == "PostOffice(closed)"
    office.close()

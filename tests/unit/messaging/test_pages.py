import re
from base64 import b64encode
from hashlib import sha256

from rtlab.messaging.bundle import script
from rtlab.messaging.pages import MODULE, PAGE, pages


def test_the_policy_allows_the_page_itself_and_nothing_else():
    page = pages("relay.example", title="A & B", test_wallets=["solana"])[PAGE]()
    text = page.body.decode()
    start = re.search(r'<script type="module">(.*?)</script>', text, re.DOTALL).group(1)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL).group(1)
    policy = re.search(r'Policy" content="(.*?)">', text).group(1)
    for inline in (start, style):
        digest = b64encode(sha256(inline.encode()).digest()).decode()
        assert f"sha256-{digest}" in policy.replace("&#x27;", "'")
    assert "unsafe" not in policy
    assert "A &amp; B" in text
    assert '"directory":"relay.example","testWallets":["solana"]' in start


def test_the_module_is_the_bundle_and_may_be_embedded_anywhere():
    page = pages("relay.example")[MODULE]()
    assert page.body == script()
    assert page.content_type.startswith("text/javascript")
    assert ("Access-Control-Allow-Origin", "*") in page.headers


def test_no_test_wallet_is_offered_unless_it_is_asked_for():
    assert b'"testWallets":[]' in pages("relay.example")[PAGE]().body

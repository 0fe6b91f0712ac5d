"""Plain pages of the gateway on which the messages are: the module, and a page that is nothing but them."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape

import msgspec

from rtlab.feed.http import Page, Route
from rtlab.messaging.bundle import script

MODULE, PAGE = "/messages.js", "/messages.html"

_EMBEDDED = (("Access-Control-Allow-Origin", "*"),)  # any page may load the module, also a sandboxed frame
_START = """\
import {{ mount }} from "./messages.js"
const here = `${{location.protocol === "https:" ? "wss" : "ws"}}://${{location.host}}/messages`
const asked = Object.fromEntries(new URLSearchParams(location.search))
const options = {{ ...{options}, url: here, ...(asked.theme && {{ theme: asked.theme }}) }}
window.messages = await mount(document.getElementById("messages"), options)
"""
_STYLE = "html,body,#messages{height:100%;margin:0}"
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main id="messages"></main>
<script type="module">{start}</script>
</body>
</html>
"""


def pages(directory: str, *, title: str = "Messages", test_wallets: Sequence[str] = ()) -> dict[str, Route]:
    """Give the pages for a gateway whose relay is called `directory`; MessagingError when the module is not built.

    The page asks no other host for anything, and its policy allows nothing but itself. `test_wallets` are families
    ("ethereum", "solana", "near") whose wallets are made on the page, to try it.
    """
    options = msgspec.json.encode({"directory": directory, "testWallets": list(test_wallets)}).decode()
    start = _START.format(options=options)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' '{_hash(start)}'",
            f"style-src '{_hash(_STYLE)}'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    page = _PAGE.format(policy=escape(policy), title=escape(title), style=_STYLE, start=start).encode()
    module = script()
    return {
        MODULE: lambda: Page(module, "text/javascript; charset=utf-8", headers=_EMBEDDED),
        PAGE: lambda: Page(page, "text/html; charset=utf-8"),
    }


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"

"""The messages in two cells of a real JupyterLab: a conversation between them, and nothing of it in the kernel."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from support.browser import Watch, until
from support.jupyter import OWN_ERRORS, errors, jupyter_lab, open_notebook, run_all, write_notebook
from support.messages_page import Bot, converse, faults_of, serving
from support.messages_wallets import WALLETS, answer_as
from support.messaging import DIRECTORY, Person

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(300)]

CELLS = [
    """from rtlab.messaging.office import PostOffice
from rtlab.messaging.widget import MessagesWidget
office = PostOffice().start()""",
    'MessagesWidget(options=office.options(storage="memory", theme="light"), height="380px")',
    'MessagesWidget(options=office.options(storage="memory", theme="dark"), height="380px")',
]


def test_two_cells_write_to_each_other(browser: Browser, tmp_path: Path):
    (tmp_path / "folder").mkdir()
    write_notebook(tmp_path / "folder" / "messages.ipynb", CELLS)
    page = browser.new_page(viewport={"width": 1280, "height": 1100})
    page.set_default_timeout(30_000)
    watch = Watch(page)
    with jupyter_lab(tmp_path / "folder", tmp_path / "home") as url:
        open_notebook(page, url, "messages.ipynb")
        run_all(page)
        assert errors(page) == []
        cells = page.locator(".jp-OutputArea-output")
        one, other = cells.nth(0), cells.nth(1)
        for cell, family in ((one, "ethereum"), (other, "solana")):
            cell.get_by_role("button", name=f"Test wallet ({family})").click()
            cell.get_by_text("Online").wait_for()
        account = other.locator("header button").last.get_attribute("title")
        one.get_by_label("Account to write to").fill(account)
        one.get_by_role("button", name="Write", exact=True).click()
        one.get_by_label("Message", exact=True).fill("from one cell to the other")
        one.get_by_label("Message", exact=True).press("Enter")
        other.get_by_text("Requests").wait_for()
        other.locator("nav li button").first.click()
        other.get_by_role("button", name="Accept").click()
        other.get_by_label("Message", exact=True).fill("it came")
        other.get_by_label("Message", exact=True).press("Enter")
        one.locator(".said").get_by_text("it came").wait_for()
        until(lambda: one.locator(".said.mine .read, .said.mine .delivered").count() > 0, "a mark", page=page)
        if "SHOTS" in os.environ:
            page.screenshot(path=Path(os.environ["SHOTS"]) / "jupyter.png")
        page.close()
    watch.check(allowed=OWN_ERRORS)


FAMILIES = ("Ethereum", "Solana", "NEAR", "Polkadot", "Cosmos")


def test_wallets_of_five_families_write_from_their_cells(browser: Browser, tmp_path: Path):
    (tmp_path / "folder").mkdir()
    page = browser.new_page(viewport={"width": 1280, "height": 1100})
    page.set_default_timeout(30_000)
    watch = Watch(page)
    with serving() as served, jupyter_lab(tmp_path / "folder", tmp_path / "home") as url:
        options = {"url": served.url, "directory": DIRECTORY, "storage": "memory"}
        cell = f'MessagesWidget(options={options}, height="380px")'
        cells = ["from rtlab.messaging.widget import MessagesWidget", *[cell] * len(FAMILIES)]
        write_notebook(tmp_path / "folder" / "wallets.ipynb", cells)
        wallets = {family: Person(WALLETS[family].scheme).wallet for family in FAMILIES}
        for family, wallet in wallets.items():
            answer_as(page, family, wallet)
        open_notebook(page, url, "wallets.ipynb")
        run_all(page)
        assert errors(page) == []
        for n, (family, wallet) in enumerate(wallets.items()):
            bot, part = Bot(served.url), page.locator(".jp-OutputArea-output").nth(n)
            part.scroll_into_view_if_needed()
            converse(part, bot, WALLETS[family].name, wallet.account)
            bot.close()
            if "SHOTS" in os.environ:
                page.screenshot(path=Path(os.environ["SHOTS"]) / f"jupyter_{WALLETS[family].scheme}.png")
        assert faults_of(page, ".jp-OutputArea-output") == []
        page.close()
    watch.check(allowed=OWN_ERRORS)

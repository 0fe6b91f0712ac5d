import shutil

import pytest
from support.recorded import missing

from rtlab.cli.bench import browser
from rtlab.cli.bench.browser import chromium, opened


def test_it_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/nowhere")
    assert chromium() == ("", "no chromium on the PATH")
    (tmp_path / "google-chrome").touch(mode=0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium() == (str(tmp_path / "google-chrome"), "")
    monkeypatch.setattr(browser, "find_spec", lambda name: None)
    assert chromium() == ("", "playwright is not installed")


@pytest.mark.browser
def test_a_page_has_the_size_that_was_asked_for():
    path, reason = chromium()
    if reason:
        missing(reason)
    assert shutil.which(path)
    with opened(path, "data:text/html,<title>here</title>", 640, 480) as page:
        assert page.title() == "here"
        assert page.evaluate("[innerWidth, innerHeight]") == [640, 480]
        assert {one["url"] for one in loaded(page)} == {page.url}, "it is alone with its page"


def loaded(page):
    session = page.context.browser.new_browser_cdp_session()
    return session.send("Target.getTargets", {"filter": [{}]})["targetInfos"]

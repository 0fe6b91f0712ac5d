import json
import re

from bokeh.document import Document
from bokeh.io.doc import patch_curdoc
from support.report import note, part, report

from rtlab.model import Instrument
from rtlab.views.report import page
from rtlab.views.report.html import POLICY, moment
from rtlab.views.theme import DARK, LIGHT

EVIL = "</script><img src=x onerror=alert(1)>"


def given(text):
    return json.loads(re.search(r'<script type="application/json" id="given">(.*?)</script>', text, re.S)[1])


def test_it_asks_no_other_host_and_its_policy_forbids_it():
    text = page(report())
    assert POLICY.startswith("default-src 'none'")
    assert f'content="{POLICY}"' in text
    outside = re.findall(
        r'(?:src|href)="(?!data:|#)[^"]*"', re.sub(r"<script>.*?</script>", "", text, flags=re.S)
    )
    assert outside == []


def test_a_served_page_that_is_gone_is_not_asked_for_its_scripts():
    gone = Document()
    gone.callbacks.destroy()
    with patch_curdoc(gone):
        assert given(page(report()))["items"]


def test_there_are_figures_for_each_instrument_and_both_themes():
    text = page(report(part(), part(instrument=Instrument("ETH-USD", "0.1", "0.01"))))
    told = given(text)
    assert list(told["items"]) == ["figures-0", "figures-1"]
    assert told["themes"]["dark"]["colours"]["bid"] == DARK.bid
    assert told["themes"]["light"]["colours"]["bid"] == LIGHT.bid
    assert text.count('class="figures"') == 2


def test_what_people_wrote_is_text_and_never_markup():
    one = report(notes=(note(1, EVIL),))._replace(title=EVIL, facts={EVIL: EVIL}, gaps=[EVIL], digest=EVIL)
    text = page(one)
    assert "<img" not in text
    assert text.count("&lt;/script&gt;&lt;img") >= 6


def test_notes_are_told_with_their_moment_instrument_and_author():
    text = page(report(notes=(note(1, "look", "BTC-USD")._replace(by="ann"),)))
    assert "<time>2023-11-14 22:14:20.000</time> BTC-USD <span>look</span> <small>ann</small>" in text
    assert "1 notes, by number" in text


def test_what_is_missing_is_told_and_so_is_that_nothing_is():
    assert "Nothing is missing" in page(report())
    text = page(report()._replace(gaps=["BTC-USD: 7 rows (killed)"]))
    assert "Nothing is missing" not in text
    assert "<li>BTC-USD: 7 rows (killed)</li>" in text


def test_a_moment_is_written_in_utc_to_the_millisecond():
    assert moment(1_700_000_000_123_999_999) == "2023-11-14 22:13:20.123"

"""A report as one HTML file. What it needs is in it, and its policy forbids the browser to ask anybody for more."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from time import gmtime, strftime

from bokeh.document import Document
from bokeh.embed import json_item
from bokeh.io.doc import patch_curdoc
from bokeh.resources import Resources

from rtlab.views.report.figures import figures_of
from rtlab.views.report.values import Note, Part, Report
from rtlab.views.theme import DARK, LIGHT, attributes, css

_HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "font-src data:; base-uri 'none'; form-action 'none'"
)


def page(report: Report) -> str:
    """Give the whole page: facts, notes, the figures of each instrument; light or dark as its reader prefers."""
    nobodys = (
        Document()
    )  # Bokeh asks the current document for its scripts, and where pages were served it may be gone
    with patch_curdoc(nobodys):
        items = {
            f"figures-{number}": json_item(figures_of(part, report.notes))
            for number, part in enumerate(report.parts)
        }
    themes = {one.name: {"attributes": attributes(one), "colours": _colours(one)} for one in (LIGHT, DARK)}
    sections = "".join(_section(number, part, report.notes) for number, part in enumerate(report.parts))
    style = f"{css(LIGHT, ':root')}@media (prefers-color-scheme: dark){{{css(DARK, ':root')}}}" + (
        _HERE / "report.css"
    ).read_text("utf-8")
    bokeh = "".join(
        f"<script>{source}</script>" for source in Resources(mode="inline", components=["bokeh"]).js_raw
    )
    given = _json({"items": items, "themes": themes})
    script = (_HERE / "report.js").read_text("utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(report.title)}</title>'
        f'<link rel="icon" href="data:,"><style>{style}</style></head><body><main>'
        f"<h1>{escape(report.title)}</h1>{_facts(report.facts)}{_gaps(report.gaps)}{_notes(report.notes)}"
        f"{sections}<footer>Digest of the analytics: <code>{escape(report.digest)}</code>. Who replays the same "
        "session with <code>rtlab replay FOLDER --verify</code> gets the same.</footer></main>"
        f'<script type="application/json" id="given">{given}</script>{bokeh}<script>{script}</script></body></html>'
    )


def _json(value: object) -> str:
    # within a script element only `<` could end it early
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _colours(theme: object) -> dict[str, str]:
    return {name: str(getattr(theme, name)) for name in LIGHT.__struct_fields__}


def _facts(facts: Mapping[str, str]) -> str:
    cells = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    return f"<dl>{cells}</dl>"


def _gaps(gaps: Sequence[str]) -> str:
    if not gaps:
        return '<p class="good">Nothing is missing between the first row and the last.</p>'
    told = "".join(f"<li>{escape(one)}</li>" for one in gaps)
    return f'<section class="bad"><h2>What is missing</h2><ul>{told}</ul></section>'


def _notes(notes: Sequence[Note]) -> str:
    if not notes:
        return ""
    told = "".join(
        f"<li><time>{moment(note.ts)}</time> {escape(note.symbol)} <span>{escape(note.text)}</span>"
        + (f" <small>{escape(note.by)}</small>" if note.by else "")
        + "</li>"
        for note in notes
    )
    return f"<section><h2>Notes</h2><ol>{told}</ol></section>"


def _section(number: int, part: Part, notes: Sequence[Note]) -> str:
    symbol = escape(part.instrument.symbol)
    mine = sum(1 for note in notes if note.symbol in ("", part.instrument.symbol))
    marks = f" <small>{mine} notes, by number in the first plot</small>" if mine else ""
    return (
        f'<section><h2>{symbol}{marks}</h2>{_facts(part.facts)}<div class="figures" id="figures-{number}" '
        f'role="img" aria-label="Plots of {symbol}: price, candles and volume, spread, order flow, last book">'
        "</div></section>"
    )


def moment(ts: int) -> str:
    """Write a time (ns since 1970) in UTC, to the millisecond."""
    return strftime("%Y-%m-%d %H:%M:%S", gmtime(ts // 10**9)) + f".{ts // 10**6 % 1000:03d}"

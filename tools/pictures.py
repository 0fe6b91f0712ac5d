"""Run the notebooks in a real JupyterLab and save what a reader without a kernel sees: `make pictures`.

Texts are kept as they were printed; what a browser draws is kept as a picture of the cell; scripts are left out.
"""

import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from playwright.sync_api import Page  # noqa: E402
from support.browser import chromium  # noqa: E402
from support.jupyter import errors, jupyter_lab, open_notebook, run_all  # noqa: E402

from rtlab.views.loading import WORDS  # noqa: E402

OUTPUTS = (
    """() => jupyterapp.shell.currentWidget.content.widgets.map((c) => c.model.outputs?.toJSON() ?? [])"""
)
SHOW = """(i) => { const content = jupyterapp.shell.currentWidget.content
  content.scrollToItem(i, "center"); content.activeCellIndex = i }"""
SETTLE_MS = 4000
PLAIN = {"text/plain", "text/html"}
LOADED = WORDS["text/plain"]


def is_drawn(output: dict[str, Any]) -> bool:
    """Whether a browser's scripts make this output what it is."""
    data = output.get("data", {})
    html = "".join(data.get("text/html", ""))
    drawn = any(kind.startswith("application/") for kind in data) or "image/svg+xml" in data
    return drawn or "<script" in html or "bk-" in html


def saved(output: dict[str, Any]) -> dict[str, Any] | None:
    """What is kept of an output without scripts; None for nothing."""
    if output["output_type"] == "stream":
        return {"output_type": "stream", "name": output["name"], "text": lines(output["text"])}
    if is_drawn(output) or not output["data"] or "".join(output["data"].get("text/plain", "")) == LOADED:
        return None
    data = {kind: lines(text) for kind, text in output["data"].items() if kind in PLAIN}
    kept = {"output_type": output["output_type"], "data": data, "metadata": {}}
    return kept | ({"execution_count": None} if "execution_count" in output else {})


def lines(text: str | list[str]) -> list[str]:
    return "".join(text).splitlines(keepends=True)


def picture(page: Page, index: int) -> dict[str, Any]:
    """A picture of what the cell shows now."""
    page.evaluate(SHOW, index)
    page.wait_for_timeout(SETTLE_MS)
    area = page.locator(f'.jp-Notebook-cell[data-windowed-list-index="{index}"] .jp-OutputArea').first
    png = base64.b64encode(area.screenshot()).decode()
    return {"output_type": "display_data", "data": {"image/png": png}, "metadata": {}}


def run(page: Page, url: str, path: Path) -> None:
    """Run one notebook and write its outputs back into it."""
    open_notebook(page, url, path.name)
    run_all(page)
    page.wait_for_timeout(SETTLE_MS)
    assert errors(page) == []
    notebook = json.loads(path.read_text())
    run_number = 0
    for index, (cell, outputs) in enumerate(zip(notebook["cells"], page.evaluate(OUTPUTS), strict=True)):
        if cell["cell_type"] != "code":
            continue
        kept = [one for one in map(saved, outputs) if one is not None]
        shows = any(is_drawn(output) for output in outputs) and "pn.extension(" not in "".join(cell["source"])
        run_number += 1
        cell["execution_count"] = run_number
        for one in kept:
            if "execution_count" in one:
                one["execution_count"] = run_number
        cell["outputs"] = kept + ([picture(page, index)] if shows else [])
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
    print(f"{path.name}: {path.stat().st_size // 1024} KiB")


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as home,
        jupyter_lab(ROOT / "notebooks", Path(home)) as url,
        chromium() as browser,
    ):
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            run(page, url, path)
            page.close()


if __name__ == "__main__":
    main()

"""What the browser of this machine draws WebGL with: asked of the browser itself, without a window."""

import re
import subprocess
import tempfile
from html import unescape
from pathlib import Path

from rtlab.cli.browser import QUIET
from rtlab.cli.findings import Finding

SOFTWARE = re.compile(r"SwiftShader|llvmpipe|softpipe|Software|Basic Render", re.IGNORECASE)
PATIENCE_S = 20
MEND = "plots are drawn on canvas instead; to have WebGL, let the browser use hardware acceleration"
_ASK = """<!doctype html><title>asked</title><pre id="told"></pre><script>
const gl = document.createElement("canvas").getContext("webgl2")
const more = gl && gl.getExtension("WEBGL_debug_renderer_info")
const name = more ? more.UNMASKED_RENDERER_WEBGL : gl && gl.RENDERER
document.getElementById("told").textContent = gl ? gl.getParameter(name) : ""
</script>"""


def renderer(program: str) -> Finding:
    """Ask the browser at `program`; a software renderer is a finding, because canvas is quicker there."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "ask.html"
        page.write_text(_ASK, "utf-8")
        profile = f"--user-data-dir={folder}/profile"
        command = [program, *QUIET, profile, "--dump-dom"]
        try:
            done = subprocess.run(
                [*command, page.as_uri()], capture_output=True, text=True, timeout=PATIENCE_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            return found_in("", f"{program} does not answer: {problem}")
    return found_in(done.stdout, "")


def found_in(dom: str, problem: str) -> Finding:
    """Read the answer in the page's DOM; `problem` says why there is none."""
    told = re.search(r'<pre id="told">(.*?)</pre>', dom, re.DOTALL)
    name = unescape(told[1]).strip() if told else ""
    if not name:
        return Finding("browser renderer", False, problem or "none: no WebGL", MEND, needed=False)
    return Finding("browser renderer", SOFTWARE.search(name) is None, name, MEND, needed=False)

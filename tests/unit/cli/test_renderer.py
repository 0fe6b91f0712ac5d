import sys

import pytest

from rtlab.cli import renderer as module
from rtlab.cli.browser import QUIET
from rtlab.cli.renderer import MEND, found_in, renderer


def dom(text):
    return f'<html><body><pre id="told">{text}</pre></body></html>'


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 &amp; more, OpenGL 4.5)", True),
        ("ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero)), SwiftShader driver)", False),
        ("Mesa llvmpipe (LLVM 15, 256 bits)", False),
    ],
)
def test_hardware_is_good_and_software_is_told(name, good):
    found = found_in(dom(name), "")
    assert (found.good, found.needed, found.mend) == (good, False, MEND)
    assert found.found == name.replace("&amp;", "&")


def test_no_webgl_and_no_answer_are_told_apart():
    assert found_in(dom(""), "").found == "none: no WebGL"
    assert found_in("", "it crashed").found == "it crashed"


def test_a_browser_that_is_none_is_a_finding():
    found = renderer("/none/such/browser")
    assert not found.good
    assert found.found.startswith("/none/such/browser does not answer")


def test_a_browser_that_hangs_is_a_finding(tmp_path, monkeypatch):
    program = tmp_path / "hangs"
    program.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    program.chmod(0o755)
    monkeypatch.setattr(module, "PATIENCE_S", 0.2)
    assert "does not answer" in renderer(str(program)).found


def test_the_page_asks_in_a_file_of_its_own_with_nothing_beside_it(tmp_path):
    program = tmp_path / "reads"
    program.write_text(
        f"#!{sys.executable}\nimport sys, urllib.parse\n"
        "path = urllib.parse.unquote(sys.argv[-1].removeprefix('file://'))\n"
        "text = open(path).read()\n"
        "assert 'WEBGL_debug_renderer_info' in text\n"
        f"assert {set(QUIET)!r} < {{*sys.argv}}, 'it loads what nobody asked for'\n"
        "assert '--disable-gpu' not in sys.argv, 'then it would draw by itself'\n"
        "print('<pre id=\"told\">A real one</pre>')\n"
    )
    program.chmod(0o755)
    found = renderer(str(program))
    assert (found.good, found.found) == (True, "A real one")

"""The numbers of the house, and that the ruler itself measures."""

import ast
import gc
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _tool(name: str):
    spec = importlib.util.spec_from_file_location(f"tool_{name}", ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


house = _tool("house")
NAMES = (
    "import cycles",
    "median module, lines of code",
    "largest module, lines of code",
    "longest function, lines of code",
    "public names documented, %",
    "returns typed, %",
    "test code to code",
)


@pytest.fixture(scope="module")
def numbers():
    """Counted once, and only by the process that judges them."""
    gc.disable()  # of a million nodes that are all in use nothing can be collected
    try:
        return {number.name: number for number in house.numbers()}
    finally:
        gc.enable()


@pytest.fixture(scope="module")
def imported():
    """What each module imports, by its path."""
    texts = house.modules("rtlab")
    return {path: set(house.imports(path, ast.parse(text))) for path, text in texts.items()}


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_the_house_holds(numbers, name):
    number = numbers[name]
    assert number.holds, f"{number.name}: {number.value} is not {number.op} {number.bound} ({number.detail})"


def test_no_number_of_the_house_goes_unjudged(numbers):
    assert tuple(numbers) == NAMES


def test_no_script_of_a_page_is_longer_than_a_module_may_be():
    scripts = {
        path.relative_to(ROOT): len(path.read_text("utf-8").splitlines())
        for path in (ROOT / "rtlab").rglob("*.js")
        if not {"node_modules", "dist"} & set(path.parts)
    }
    assert len(scripts) > 20
    assert {path: lines for path, lines in scripts.items() if lines > 400} == {}


def test_statements_are_found_wherever_a_walk_of_the_whole_tree_finds_them():
    for text in house.modules("tools").values():
        tree = ast.parse(text)
        wanted = (ast.stmt, ast.ExceptHandler, ast.match_case)
        walked = [node for node in ast.walk(tree) if isinstance(node, wanted)]
        assert walked
        assert {*map(id, house.statements(tree))} == {id(tree), *map(id, walked)}


def test_code_lines_leave_out_blanks_comments_and_docstrings():
    text = '"""Doc\n\nof two."""\n\n# a comment\nx = 1\n\n\ndef f():\n    """Doc."""\n    return (\n        x\n    )\n'
    assert house.code_lines(text) == {6, 9, 11, 12, 13}


def test_code_lines_are_those_that_the_tokens_tell():
    string = 'x = """\n\n# no comment\n"""\n'
    for text in (string, *house.modules("tools").values(), *house.modules("tests/arch").values()):
        assert house.code_lines(text) == house.token_lines(text) - house.docstring_lines(ast.parse(text))
    assert house.code_lines(string) == {1, 2, 3, 4}


def test_a_cycle_of_three_modules_is_found():
    root = house.ROOT / "rtlab"
    texts = {
        root / "one.py": "import rtlab.two\n",
        root / "two.py": "from rtlab.three import x\n",
        root / "three.py": "from rtlab import one\n",
    }
    assert house.import_cycles(texts) == ["rtlab.one -> rtlab.two -> rtlab.three -> rtlab.one"]


def test_an_import_inside_a_function_makes_no_cycle():
    root = house.ROOT / "rtlab"
    texts = {root / "one.py": "import rtlab.two\n", root / "two.py": "def f():\n    import rtlab.one\n"}
    assert house.import_cycles(texts) == []


def test_public_definitions_see_methods_but_no_private_names():
    tree = ast.parse("class A:\n    def m(self): ...\n    def _p(self): ...\ndef _q(): ...\ndef f(): ...\n")
    assert [name for name, _ in house.public_definitions(tree)] == ["A", "A.m", "f"]


def test_environment_is_what_pyproject_says():
    environment = _tool("environment")
    wanted = environment.render(tomllib.loads((ROOT / "pyproject.toml").read_text()))
    assert (ROOT / "environment.yml").read_text() == wanted, "run `make environment`"


HEAVY = ("numpy", "pandas", "panel", "bokeh", "holoviews", "streamz", "numba", "websockets")


def _loaded(statement, names):
    code = f"import sys; {statement}; print([m for m in {names!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("statement", ["import rtlab", "import rtlab.cli", "import rtlab.errors"])
def test_the_first_import_loads_nothing_heavy(statement):
    assert _loaded(statement, HEAVY) == "[]"


LATE = ("pandas", "panel", "bokeh", "holoviews", "streamz", "pyarrow", "duckdb", "redis")


@pytest.mark.parametrize(
    ("module", "late"), [("rtlab.lab.lab", (*LATE, "numba")), ("rtlab.lab.server", LATE)]
)
def test_a_demo_starts_its_server_before_it_loads_what_draws_and_stores(module, late):
    assert _loaded(f"import {module}", late) == "[]"


PURE = ("model", "engine", "book", "protocol")
IMPURE = {
    "asyncio",
    "socket",
    "time",
    "random",
    "logging",
    "threading",
    "selectors",
    "ssl",
    "subprocess",
    "secrets",
}


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms_know_no_socket_no_clock_and_no_asyncio(room):
    guilty = []
    for path, text in house.modules(f"rtlab/{room}").items():
        found = {name.split(".")[0] for name in house.imports(path, ast.parse(text))} & IMPURE
        guilty += [f"{path.name}: {name}" for name in found]
    assert guilty == []


VIEWERS = {"panel", "bokeh", "holoviews"}


def test_only_views_lab_messaging_and_dashboards_know_panel_bokeh_and_holoviews(imported):
    guilty = []
    for path, names in imported.items():
        room = path.relative_to(ROOT / "rtlab").parts[0].removesuffix(".py")
        if room in ("views", "lab", "messaging", "tabs"):  # `tabs` is what the three show themselves by
            continue
        found = {name.split(".")[0] for name in names} & VIEWERS
        guilty += [f"{path.relative_to(ROOT)}: {name}" for name in found]
    assert guilty == []


def test_only_pipelines_know_streamz(imported):
    guilty = [
        str(path.relative_to(ROOT))
        for path, names in imported.items()
        if "pipelines" not in path.parts and any(name.split(".")[0] == "streamz" for name in names)
    ]
    assert guilty == []


def test_every_module_has_a_unit_test_of_its_name():
    missing = []
    for path, text in house.modules("rtlab").items():
        inner = path.relative_to(ROOT / "rtlab")
        tested = (ROOT / "tests" / "unit" / inner.parent / f"test_{path.stem}.py").exists()
        if not path.stem.startswith("__") and not tested and house.code_lines(text):
            missing.append(str(inner))
    assert missing == []


def test_every_package_says_what_it_gives():
    for path, text in house.modules("rtlab").items():
        if path.name == "__init__.py":
            tree = ast.parse(text)
            assert ast.get_docstring(tree), f"{path} has no docstring"


def test_the_bundle_is_in_the_sdist_too_of_which_a_wheel_is_built():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert build["artifacts"] == ["rtlab/messaging/js/dist/*"]
    assert all(
        "artifacts" not in target for target in build["targets"].values()
    )  # it would stand in their place

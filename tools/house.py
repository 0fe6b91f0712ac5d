"""Print the numbers of the house, and fail where one is out of bounds: `make house`."""

import ast
import io
import statistics
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Number(NamedTuple):
    name: str
    value: float
    op: str
    bound: float
    detail: str

    @property
    def holds(self) -> bool:
        return self.value <= self.bound if self.op == "<=" else self.value >= self.bound


def modules(folder: str) -> dict[Path, str]:
    found = sorted(ROOT.joinpath(folder).rglob("*.py"))
    return {p: p.read_text() for p in found if "__pycache__" not in p.parts and ".ipynb" not in str(p)}


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """The tree and every statement in it: as `ast.walk`, without the many nodes of expressions."""
    waiting = [tree]
    while waiting:
        yield (node := waiting.pop(0))
        for field in ("body", "handlers", "orelse", "finalbody", "cases"):
            waiting += getattr(node, field, ())


def docstring_lines(tree: ast.AST) -> set[int]:
    lines: set[int] = set()
    for node in statements(tree):
        for one in getattr(node, "body", []):
            if (
                isinstance(one, ast.Expr)
                and isinstance(one.value, ast.Constant)
                and isinstance(one.value.value, str)
            ):
                lines.update(range(one.lineno, (one.end_lineno or one.lineno) + 1))
    return lines


def code_lines(text: str) -> set[int]:
    """Lines that hold code: no blank line, comment or docstring."""
    documented = docstring_lines(ast.parse(text))
    others = {n: line.strip() for n, line in enumerate(text.split("\n"), 1) if n not in documented}
    if any(quotes in line for line in others.values() for quotes in ('"""', "'''")):
        return token_lines(text) - documented  # a blank line may be part of a string
    return {n for n, line in others.items() if line and not line.startswith("#")}


def token_lines(text: str) -> set[int]:
    """Lines that a token lies on which is no comment: the same, told slowly."""
    skip = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skip:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def functions(tree: ast.AST) -> Iterator[FunctionNode]:
    return (node for node in statements(tree) if isinstance(node, FunctionNode))


def public_definitions(tree: ast.Module) -> Iterator[tuple[str, ast.ClassDef | FunctionNode]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef | FunctionNode) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, FunctionNode) and not inner.name.startswith("_"):
                        yield f"{node.name}.{inner.name}", inner


def imports(path: Path, tree: ast.AST) -> Iterator[str]:
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    for node in statements(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(
                    package.split(".")[: len(package.split(".")) - node.level + 1] + ([base] if base else [])
                )
            for one in node.names:
                yield f"{base}.{one.name}"
                yield base


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def module_level(tree: ast.Module) -> ast.Module:
    """What runs at import: no function bodies, no TYPE_CHECKING blocks."""

    class Strip(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            return None

        visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if "TYPE_CHECKING" in ast.unparse(node.test) else self.generic_visit(node)

    return Strip().visit(tree)


def import_cycles(texts: dict[Path, str]) -> list[str]:
    names = {module_name(p) for p in texts}
    packages = {module_name(p) for p in texts if p.name == "__init__.py"}
    graph: dict[str, set[str]] = {}
    for path, text in texts.items():
        own = module_name(path)
        wanted = set(imports(path, module_level(ast.parse(text))))
        # `from package.module import name` needs the module; the package's own re-exports come with it
        graph[own] = {
            w for w in wanted if w in names and w != own and not (w in packages and own.startswith(w + "."))
        }
    cycles: list[str] = []
    state: dict[str, int] = {}

    def visit(node: str, path: list[str]) -> None:
        state[node] = 1
        for nxt in sorted(graph[node]):
            if state.get(nxt) == 1:
                cycles.append(
                    " -> ".join([*path[path.index(nxt) :], nxt]) if nxt in path else f"{node} -> {nxt}"
                )
            elif nxt not in state:
                visit(nxt, [*path, nxt])
        state[node] = 2

    for name in sorted(graph):
        if name not in state:
            visit(name, [name])
    return cycles


def numbers() -> list[Number]:
    texts, tests = modules("rtlab"), modules("tests")
    trees = {p: ast.parse(t) for p, t in texts.items()}
    lines = {p: code_lines(t) for p, t in texts.items()}
    sizes = {p: len(lines[p]) for p in texts if lines[p]}
    lengths = {
        f"{p.relative_to(ROOT)}:{f.lineno} {f.name}": len(
            lines[p] & set(range(f.lineno, (f.end_lineno or 0) + 1))
        )
        for p, tree in trees.items()
        for f in functions(tree)
    }
    public = [(p, n, d) for p, t in trees.items() for n, d in public_definitions(t)]
    documented = [one for one in public if ast.get_docstring(one[2])]
    returns = [(p, f) for p, t in trees.items() for f in functions(t)]
    untyped = [f"{p.relative_to(ROOT)}:{f.lineno} {f.name}" for p, f in returns if f.returns is None]
    undocumented = [f"{p.relative_to(ROOT)} {n}" for p, n, d in public if not ast.get_docstring(d)]
    cycles = import_cycles(texts)
    largest, longest = max(sizes, key=sizes.__getitem__), max(lengths, key=lengths.__getitem__)
    code, test_code = sum(sizes.values()), sum(len(code_lines(t)) for t in tests.values())
    return [
        Number("import cycles", len(cycles), "<=", 0, "; ".join(cycles[:3])),
        Number(
            "median module, lines of code",
            statistics.median(sizes.values()),
            "<=",
            120,
            f"{len(sizes)} modules",
        ),
        Number("largest module, lines of code", sizes[largest], "<=", 400, str(largest.relative_to(ROOT))),
        Number("longest function, lines of code", lengths[longest], "<=", 60, longest),
        Number(
            "public names documented, %",
            100 * len(documented) / len(public),
            ">=",
            90,
            "; ".join(undocumented[:3]),
        ),
        Number(
            "returns typed, %", 100 * (1 - len(untyped) / len(returns)), ">=", 100, "; ".join(untyped[:3])
        ),
        Number("test code to code", test_code / code, ">=", 1.2, f"{test_code} to {code} lines"),
    ]


def main() -> int:
    found = numbers()
    for one in found:
        verdict = "ok  " if one.holds else "FAIL"
        print(f"{verdict} {one.name:<34} {one.value:>8.1f}  {one.op} {one.bound:<5g} {one.detail}")
    return 0 if all(one.holds for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())

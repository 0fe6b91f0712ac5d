"""Every change that mutmut knows to make to a function of the engine, and how to make it in a running process."""

import difflib
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

import libcst as cst
from mutmut.mutation.file_mutation import create_mutations


@dataclass(frozen=True)
class Change:
    """One function of a module with one thing in it changed."""

    module: str
    function: str
    source: str
    shown: str

    @property
    def key(self) -> str:
        """Give what the same change of the same function has in every run."""
        return sha256(f"{self.module}.{self.function}\n{self.source}".encode()).hexdigest()[:16]

    def make(self) -> None:
        """Let the function in this process be the changed one, whoever has imported it."""
        module: Any = import_module(self.module)
        names = vars(module) | {}
        code = compile(textwrap.dedent(self.source), f"<{self.function}>", "exec", dont_inherit=True)
        exec(code, names)
        changed = names[self.function.rpartition(".")[2]]
        target = module
        for name in self.function.split("."):
            target = vars(target)[name]
        target = getattr(target, "fget", None) or getattr(target, "__func__", target)
        assert isinstance(target, FunctionType)
        target.__code__, target.__defaults__ = changed.__code__, changed.__defaults__
        target.__kwdefaults__ = changed.__kwdefaults__


class _Bare(cst.CSTTransformer):
    """Takes decorators off functions: mutmut leaves alone whatever has one."""

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> Any:
        return updated_node.with_changes(decorators=[], lines_after_decorators=[])


def changes_of(module: str, path: Path) -> Iterator[Change]:
    """Give the changes of a module, function by function; two that read the same are one."""
    bare = cst.parse_module(path.read_text()).visit(_Bare())
    tree, mutations, _, _ = create_mutations(str(path), bare.code)
    names = dict(_functions(tree))
    seen = set()
    for mutation in mutations:
        function = mutation.contained_by_top_level_function
        if not isinstance(function, cst.FunctionDef):
            continue
        before = tree.code_for_node(function)
        after = tree.code_for_node(
            cst.ensure_type(
                function.deep_replace(mutation.original_node, mutation.mutated_node), cst.FunctionDef
            )
        )
        change = Change(module, names[function], after, _shown(before, after))
        if change.key not in seen and _compiles(after):
            seen.add(change.key)
            yield change


def _functions(tree: cst.Module) -> Iterator[tuple[cst.FunctionDef, str]]:
    for one in tree.body:
        if isinstance(one, cst.FunctionDef):
            yield one, one.name.value
        elif isinstance(one, cst.ClassDef):
            for method in one.body.body:
                if isinstance(method, cst.FunctionDef):
                    yield method, f"{one.name.value}.{method.name.value}"


def _shown(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in list(lines)[2:] if line[0] in "+-")


def _compiles(source: str) -> bool:
    try:
        compile(textwrap.dedent(source), "<changed>", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True

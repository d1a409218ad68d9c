"""The tree is the architecture: a module imports only from a lower floor, or from its own folder."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "toolrun"
FLOORS = [
    {"errors", "_ids", "_signature", "_offload", "_eager", "_background_loop"},
    {"run", "redaction"},
    {"callbacks", "store"},
    {"execution", "handlers", "tracers", "viewer"},
    {"tools"},
    {"runner"},
    {"interop"},
    {"cli", "testing", "pytest_plugin"},
    {"__init__", "__main__"},
]
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}
MODULES = {
    ".".join(("toolrun", *path.relative_to(SOURCE).with_suffix("").parts)): path for path in SOURCE.rglob("*.py")
}


def room_of(module: str) -> str:
    """The folder, or the single file, of `src/toolrun` that a module belongs to."""
    return module.split(".")[1]


def imports_of(module: str, *, typing: bool = False) -> set[str]:
    """The modules of ours that a module imports, in functions too; with `typing`, those of TYPE_CHECKING as well."""
    tree, found = ast.parse(MODULES[module].read_text()), set()
    if not typing:
        tree = WithoutTypeChecking().visit(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: imports are absolute here"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {known for name in found if (known := known_module(name)) and known != module}


class WithoutTypeChecking(ast.NodeTransformer):
    """Drops `if TYPE_CHECKING:`, which never runs and so cannot be part of a cycle."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)


def known_module(name: str) -> str | None:
    """The file that `name` comes from: the module itself, its package, or the module that defines it."""
    candidates = (name, f"{name}.__init__", name.rpartition(".")[0], name.rpartition(".")[0] + ".__init__")
    return next((candidate for candidate in candidates if candidate in MODULES), None)


def test_every_module_has_a_floor() -> None:
    assert {room_of(module) for module in MODULES} <= FLOOR_OF.keys()


def test_imports_only_go_down() -> None:
    upwards = [
        f"{module} -> {imported}"
        for module in MODULES
        for imported in imports_of(module, typing=True)
        if room_of(imported) != room_of(module) and FLOOR_OF[room_of(imported)] >= FLOOR_OF[room_of(module)]
    ]
    assert not upwards


def test_no_import_cycles() -> None:
    TopologicalSorter({module: imports_of(module) for module in MODULES}).prepare()

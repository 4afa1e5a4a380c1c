"""The layers: a file imports only from layers above it, at module level, and files stay readable."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "funcgrad"
LAYERS = [
    "source",
    "errors",
    "heavy",
    "locks",
    "garbage",
    "tree",
    "core",
    "primitives",
    "transforms",
    "programs",
    "numpy",
    "compile",
    "control",
    "scipy",
    "testing",
    "torch",
]
# Inside `compile/`: the stages in order, what they stand on, and what stands on them.
COMPILE_LAYERS = [
    "kernels",
    "target",
    "loopir",
    "lower",
    "schedule",
    "codegen",
    "runtime",
    "pipeline",
    "compiler",
    "jit_call",
    "ways",
    "guards",
    "compiled",
    "stages",
    "jit",
]
FACADES = {"__init__.py", "extend.py"}
# The doors behind which the heavy libraries, and our own compiler, are imported where first needed.
DOORS = {"heavy.py", "compiler.py"}
FILES = sorted(p for p in ROOT.rglob("*.py"))


def layer_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


def imports(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            yield node, node.module or ""
            if node.module == "funcgrad":
                for alias in node.names:
                    yield node, f"funcgrad.{alias.name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_downward(path):
    if path.parent == ROOT and path.name in FACADES:
        return
    own = layer_of(path)
    assert own in LAYERS, f"{path.name} is in no layer: name its layer in tests/test_layout.py"
    for node, name in imports(ast.parse(path.read_text())):
        if not name.startswith("funcgrad.") or getattr(node, "level", 0):
            continue
        target = name.split(".")[1]
        if target not in LAYERS:
            continue
        assert LAYERS.index(target) <= LAYERS.index(own), f"line {node.lineno}: {own} imports {name}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "compile").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_no_stage_imports_a_later_one(path):
    own = path.relative_to(ROOT / "compile").parts[0].removesuffix(".py")
    if own not in COMPILE_LAYERS:
        return
    for node, name in imports(ast.parse(path.read_text())):
        parts = name.split(".")
        if parts[:2] == ["funcgrad", "compile"] and len(parts) > 2 and parts[2] in COMPILE_LAYERS:
            if path.name in DOORS:
                continue
            later = COMPILE_LAYERS.index(parts[2]) > COMPILE_LAYERS.index(own)
            assert not later, f"line {node.lineno}: {own} imports {name}"


def test_every_part_of_compile_has_a_layer():
    stages = {
        p.relative_to(ROOT / "compile").parts[0].removesuffix(".py") for p in (ROOT / "compile").rglob("*.py")
    }
    # What jit alone uses, each of one idea that stands on nothing here.
    alone = {"__init__", "signature", "donation", "advice", "interpreted"}
    assert stages == {*COMPILE_LAYERS, *alone}


def test_no_file_imports_itself_in_a_circle():
    """Not even for the type checker: two files that need each other are one, or three."""
    above: dict[str, set[str]] = {}
    names = {".".join(p.relative_to(ROOT.parent).with_suffix("").parts): p for p in FILES}
    for own, path in names.items():
        if path.name in FACADES or path.name in DOORS:
            continue
        found = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                found.update(f"{node.module}.{alias.name}" for alias in node.names)
                found.add(node.module)
        above[own] = found & set(names)
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for other in sorted(above.get(name, ())):
                visit(other, (*path, name))
            done.add(name)

    for name in above:
        visit(name, ())


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_stand_at_the_top(path):
    if path.name in DOORS:
        return
    tree = ast.parse(path.read_text())
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inner = [n for n, _ in imports(function)]
            assert not inner, f"line {inner[0].lineno}: an import inside {function.name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_small_and_say_what_they_are(path):
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "a module begins with a sentence that says what it is"
    assert text.count("\n") <= 400, "one idea a file: split it"
    assert path.stem not in {"utils", "util", "helpers", "misc", "common"}


def test_public_names_exist_and_are_documented():
    import funcgrad as fg

    for name in fg.__all__:
        thing = getattr(fg, name)
        assert thing.__doc__, f"funcgrad.{name} has no docstring"
    for name in fg.numpy.__all__:
        thing = getattr(fg.numpy, name)
        if callable(thing):
            assert thing.__doc__, f"funcgrad.numpy.{name} has no docstring"


def test_import_is_light():
    code = (
        "import sys, funcgrad; heavy = [m for m in ('numba', 'scipy', 'scipy.linalg', 'llvmlite', 'matplotlib') "
        "if m in sys.modules]; assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""The kernels' LLVM, read from `scalar.ll` where first needed; neither Numba nor llvmlite is imported.

    library.available()                      # the kernels: ("exp", "float64"), ...
    library.symbol("exp", "float64")         # "fg_exp_f64"
    library.definitions(["fg_exp_f64"])      # LLVM text, a module by itself

`python -m funcgrad.compile.kernels.build` writes the file anew after a change of the sources.
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from funcgrad.heavy import hashlib

__all__ = ["LIMITS", "TEXT", "available", "definitions", "header", "source_hash", "symbol"]

TEXT = Path(__file__).with_name("scalar.ll")
SIZES = {"float64": "f64", "float32": "f32"}

# The largest |x| for which a kernel is right, where not for all: beyond it the caller asks libm.
LIMITS = {
    (name, dtype): limit
    for name in ("sin", "cos", "tan")
    for dtype, limit in (("float64", 2.0**40), ("float32", 2.0**17))
}


def symbol(name: str, dtype: str) -> str:
    """Return the LLVM name of a kernel."""
    return f"fg_{name}_{SIZES[dtype]}"


@cache
def _definitions() -> dict[str, str]:
    """Return the text of every definition by its symbol."""
    pieces = TEXT.read_text().split("\ndefine ")[1:]
    return {piece[piece.index("@") + 1 : piece.index("(")]: f"define {piece}" for piece in pieces}


@cache
def available() -> frozenset[tuple[str, str]]:
    """Return the kernels there are, as (name, dtype)."""
    dtypes = {size: dtype for dtype, size in SIZES.items()}
    parts = [name.removeprefix("fg_").rsplit("_", 1) for name in _definitions()]
    return frozenset((name, dtypes[size]) for name, size in parts)


def definitions(symbols: Iterable[str]) -> str:
    """Return LLVM text that defines the kernels of these symbols, once each, and declares what they call."""
    known, wanted = _definitions(), sorted(set(symbols))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise KeyError(f"no kernels {unknown}; there are {sorted(known)}")
    text = "\n".join(known[name] for name in wanted)
    calls = {(name, kind) for kind, name in re.findall(r"call (\w+) @(llvm\.[\w.]+)\(", text)}
    declarations = [_declaration(name, kind) for name, kind in sorted(calls)]
    return "\n".join(declarations) + "\n\n" + text


def _declaration(name: str, kind: str) -> str:
    count = {"fma": 3, "copysign": 2}.get(name.split(".")[1], 1)
    return f"declare {kind} @{name}({', '.join([kind] * count)})"


def header() -> dict[str, str]:
    """Return what the text says of its origin: the hash of the `sources`, the version of `numba`."""
    with TEXT.open() as lines:
        return dict(
            re.findall(r"^; (sources|numba) (\S+)$", "".join(next(lines) for _ in range(3)), re.MULTILINE)
        )


def source_hash() -> str:
    """Return the hash of the sources that `scalar.ll` is made from."""
    digest = hashlib().sha256()
    for path in sorted(TEXT.parent.glob("*.py")):
        if path.stem not in {"__init__", "library", "fit", "shared"}:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()

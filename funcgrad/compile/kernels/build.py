"""Compile the kernels with Numba and write their LLVM to `scalar.ll`.

Run `python -m funcgrad.compile.kernels.build` after a change of the sources.

A kernel is compiled as a C callback, whose function takes and returns plain floats. Everything it calls is
inlined and what remains is one function without branches, calls (but for LLVM's intrinsics), attributes of
this machine's CPU or metadata.
"""

import re

import llvmlite.binding as llvm
import numba
from numba import cfunc

from funcgrad.compile.kernels import (  # noqa: F401 (each registers its kernels)
    error_functions,
    exponential,
    gamma,
    hyperbolic,
    inverse_trigonometric,
    logarithms,
    powers,
    trigonometric,
)
from funcgrad.compile.kernels.formats import F32, F64, KERNELS, Format, Kernel
from funcgrad.compile.kernels.library import TEXT, source_hash, symbol

__all__ = ["compiled", "kernel_text", "scalar_text", "write"]

DEFINITION = re.compile(r"^define [^\n]*\n(?:.*\n)*?}\n", re.MULTILINE)


def kernel_text(kernel: Kernel, fmt: Format) -> str:
    """Return the LLVM definition of one kernel for one format."""
    name = symbol(kernel.name, fmt.dtype)
    signature = fmt.numba(*[fmt.numba] * kernel.arity)
    callback = cfunc(signature, error_model="numpy", fastmath=False)(kernel.build(fmt))
    text = callback.inspect_llvm()
    text = re.sub(f'@"?{re.escape(callback.native_name)}"?', f"@{name}", text)
    # Integers wrap around on purpose; the callback must not keep its kernel apart.
    text = re.sub(r"\b(nsw|nuw) |(?<=\{ )noinline(?= \})", "", text).replace("{  }", "{ nounwind }")
    module = optimized(llvm.parse_assembly(text), keep=name)
    return cleaned(str(module), name)


def optimized(module: llvm.ModuleRef, keep: str) -> llvm.ModuleRef:
    """Inline everything into the function `keep` and simplify it, as scalar code for no particular CPU."""
    for function in module.functions:
        if function.name == keep:
            function.linkage = "external"
        elif not function.is_declaration:
            function.linkage = "internal"
            function.add_function_attribute("alwaysinline")
    for variable in module.global_variables:
        if not variable.is_declaration:
            variable.linkage = "internal"
    machine = llvm.Target.from_default_triple().create_target_machine()
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = False
    for _ in range(2):
        builder = llvm.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
    return module


def cleaned(text: str, name: str) -> str:
    """Return the definition of `name` alone, without attributes, metadata and comments."""
    (body,) = [d for d in DEFINITION.findall(text) if f"@{name}(" in d.split("\n")[0]]
    head, rest = body.split("\n", 1)
    inputs = head[head.index(f"@{name}(") + len(name) + 2 : head.rindex(")")]
    kind = "double" if name.endswith("f64") else "float"
    names = ", ".join(f"{kind} {n}" for n in re.findall(r"%[\w.\"]+", inputs))
    rest = re.sub(r", ![\w.]+ !\d+| #\d+$|\s*;.*$", "", rest, flags=re.MULTILINE)
    # Flags that only newer LLVMs know, and value names.
    rest = re.sub(r" (?:nsw|nuw|nneg|samesign|disjoint|exact)\b", "", rest)
    found = re.findall(r"%[\w.]+", f"{names}\n{rest}")
    values = {old: f"%v{k}" for k, old in enumerate(dict.fromkeys(found))}
    names, rest = (re.sub(r"%[\w.]+", lambda m: values[m[0]], part) for part in (names, rest))
    rest = rest.removeprefix("entry:\n").replace("tail call", "call")
    result = f"define internal {kind} @{name}({names}) alwaysinline nounwind {{\n{rest}"
    _checked(result, name)
    return result


def _checked(text: str, name: str) -> None:
    """Refuse a definition that would not vectorize."""
    for wrong in re.findall(
        r"call [^@]*@(?!llvm\.)\S+|^.*\b(?:br|phi|switch|load|store|alloca)\b.*$", text, re.MULTILINE
    ):
        raise ValueError(f"{name} does not reduce to straight-line code: {wrong.strip()}")


def compiled() -> dict[str, str]:
    """Return the definition of every kernel by its symbol."""
    before = getattr(numba.config, "OPT")  # noqa: B009 (Numba makes the names of its settings at run time)
    # Numba leaves the text as it was generated; `optimized` does all the work, for no particular CPU.
    setattr(numba.config, "OPT", type(before)(0))  # noqa: B010
    try:
        return {
            symbol(kernel.name, fmt.dtype): kernel_text(kernel, fmt)
            for kernel in KERNELS.values()
            for fmt in (F64, F32)
        }
    finally:
        setattr(numba.config, "OPT", before)  # noqa: B010


def scalar_text() -> str:
    """Return what `scalar.ll` should hold."""
    definitions = compiled()
    header = ["; Written by funcgrad.compile.kernels.build.", f"; sources {source_hash()}"]
    header += [f"; numba {numba.__version__}", "", ""]
    return "\n".join(header) + "\n".join(definitions[name] for name in sorted(definitions))


def write() -> None:
    """Write `scalar.ll`."""
    TEXT.write_text(scalar_text())


if __name__ == "__main__":
    write()

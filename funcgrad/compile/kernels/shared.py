"""Kernels that are functions of their own, for numbers and for vectors of them.

A kernel is inlined where it is called. Where a module calls one very often that would be most of what LLVM has to
optimize; there it is called, by LLVM's vectorizer as one of the variants that are named with it.
"""

import re

__all__ = ["MOST_INLINED", "kept_for_vectors", "with_variants"]

# A kernel that is called from more places is one function.
MOST_INLINED = 128
# The lengths of vectors that there are variants for: of whole registers.
WIDTHS = {"double": (2, 4, 8), "float": (4, 8, 16)}

_ATTRIBUTES = "noinline nounwind willreturn memory(none)"
_HEAD = re.compile(r"define internal (\w+) @(\w+)\(([^)]*)\) alwaysinline nounwind")


def with_variants(definition: str) -> str:
    """Return a kernel's definition as that of a function for numbers and of others for vectors."""
    (head,) = _HEAD.finditer(definition)
    kind, name, parameters = head.groups()
    count = len(parameters.split(","))
    tokens = "v" * count
    variants = ",".join(f"_ZGV_LLVM_N{width}{tokens}_{name}({name}.v{width})" for width in WIDTHS[kind])
    numbers = ", ".join(f"{kind} %x{k}" for k in range(count))
    inlined = definition.replace(f"@{name}(", f"@{name}.body(", 1)
    of_numbers = f"""define internal {kind} @{name}({numbers}) {_ATTRIBUTES} "vector-function-abi-variant"="{variants}" {{
  %y = call {kind} @{name}.body({numbers})
  ret {kind} %y
}}
"""
    return "\n".join(
        [inlined, of_numbers, *(_of_vectors(kind, name, count, width) for width in WIDTHS[kind])]
    )


def _of_vectors(kind: str, name: str, count: int, width: int) -> str:
    """Return the function for vectors: a loop, which LLVM makes arithmetic of vectors like any other."""
    vector = f"<{width} x {kind}>"
    each = range(count)
    lines = [
        f"define internal {vector} @{name}.v{width}({', '.join(f'{vector} %x{k}' for k in each)}) {_ATTRIBUTES} {{",
        "entry:",
        *(f"  %a{k} = alloca {vector}, align 64" for k in each),
        *(f"  store {vector} %x{k}, ptr %a{k}, align 64" for k in each),
        "  br label %body",
        "body:",
        "  %i = phi i64 [ 0, %entry ], [ %n, %body ]",
        *(f"  %p{k} = getelementptr inbounds {kind}, ptr %a{k}, i64 %i" for k in each),
        *(f"  %u{k} = load {kind}, ptr %p{k}" for k in each),
        f"  %y = call {kind} @{name}.body({', '.join(f'{kind} %u{k}' for k in each)})",
        f"  store {kind} %y, ptr %p0",
        "  %n = add nuw nsw i64 %i, 1",
        f"  %more = icmp ult i64 %n, {width}",
        "  br i1 %more, label %body, label %end",
        "end:",
        f"  %r = load {vector}, ptr %a0, align 64",
        f"  ret {vector} %r",
        "}",
    ]
    return "\n".join(lines)


def kept_for_vectors(definitions: list[str]) -> str:
    """Return the text that keeps these variants until the vectorizer asks for them."""
    variants = [f"ptr @{name}" for text in definitions for name in re.findall(r"@(\w+\.v\d+)\(<", text)]
    kept = f"[{len(variants)} x ptr] [{', '.join(variants)}]"
    return f'@llvm.compiler.used = appending global {kept}, section "llvm.metadata"'

"""Products of vectors and matrices."""

from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.primitives import contraction
from funcgrad.torch.attach import in_place_too, methods, operators
from funcgrad.torch.layout import as_arguments, in_order
from funcgrad.torch.messages import named_in_c
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.tensors import Tensor

__all__ = [
    "addbmm",
    "addmm",
    "addmv",
    "addr",
    "baddbmm",
    "bmm",
    "chain_matmul",
    "cross",
    "dot",
    "einsum",
    "ger",
    "inner",
    "kron",
    "matmul",
    "matrix_power",
    "mm",
    "mv",
    "outer",
    "tensordot",
    "trace",
    "vdot",
]

_DOT = Operation("DotBackward0", fnp.dot)
_VDOT = Operation("VdotBackward0", lambda x, y: fnp.dot(fnp.conj(x), y))
_MV = Operation("MvBackward0", fnp.matmul)
_MM = Operation("MmBackward0", contraction.dot)
_ROWS_BY_COLUMNS = {"contract": ((1,), (0,)), "batch": ((), ())}
_BMM = Operation("BmmBackward0", fnp.matmul)
_MATMUL = Operation("UnsafeViewBackward0", fnp.matmul)
_CLONED = Operation("CloneBackward0", fnp.matmul)
_VECTOR = Operation("SqueezeBackward4", fnp.matmul)


def check_same_dtype(x: Tensor, y: Tensor, first: str = "m1", second: str = "m2") -> None:
    if x._array.dtype != y._array.dtype:
        raise RuntimeError(
            f"expected {first} and {second} to have the same dtype, but got: {named_in_c(x)} != {named_in_c(y)}"
        )


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Return the sum of the products of two vectors' elements.

    Raises:
        RuntimeError: when they are no vectors of one length and dtype.
    """
    check_vectors(input, tensor)
    return apply(_DOT, (input, tensor))


def check_vectors(x: Tensor, y: Tensor) -> None:
    """Raise in PyTorch's words where two tensors are no vectors of one length and dtype."""
    if x.ndim != 1 or y.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {x.ndim}D and {y.ndim}D tensors")
    if x.dtype is not y.dtype:
        names = (x.dtype.scalar, y.dtype.scalar)
        raise RuntimeError(
            f"dot : expected both vectors to have same dtype, but found {names[0]} and {names[1]}"
        )
    if x.shape != y.shape:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{x.shape[0]}] and src [{y.shape[0]}] to have the same number of "
            f"elements, but got {x.shape[0]} and {y.shape[0]} elements respectively"
        )


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Return the sum of the products of two vectors' elements, the first conjugated."""
    check_vectors(input, other)
    return apply(_VDOT, (input, other))


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Return the product of a matrix and a vector."""
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}")
    if input.shape[1] != vec.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({input.shape[0]}), mat ({input.shape[0]}x{input.shape[1]}), vec ({vec.shape[0]})"
        )
    check_same_dtype(input, vec, "mat", "vec")
    return apply(_MV, (input, vec))


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the product of two matrices."""
    shapes = input._array.shape, mat2._array.shape
    for name, shape in zip(("self", "mat2"), shapes, strict=True):
        if len(shape) != 2:
            raise RuntimeError(f"{name} must be a matrix")
    (m, k), (n, p) = shapes
    if k != n:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({m}x{k} and {n}x{p})")
    check_same_dtype(input, mat2)
    return apply(_MM, (input, mat2), _ROWS_BY_COLUMNS)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the products of matrices, one a place of the first axis."""
    if input.ndim != 3 or mat2.ndim != 3:
        which = "batch1" if input.ndim != 3 else "batch2"
        raise RuntimeError(f"{which} must be a 3D tensor")
    if input.shape[0] != mat2.shape[0] or input.shape[2] != mat2.shape[1]:
        b, k = input.shape[0], input.shape[2]
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{b}, {k}] but got: "
            f"[{mat2.shape[0]}, {mat2.shape[1]}]."
        )
    return apply(_BMM, (input, mat2))


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Return the product: of vectors, matrices, or stacks of matrices, as `@`."""
    x, y = input, other
    if not x.ndim or not y.ndim:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {x.ndim}D and {y.ndim}D"
        )
    if x.ndim == 1 and y.ndim == 1:
        return dot(x, y)
    if x.ndim == 2 and y.ndim == 1:
        return mv(x, y)
    if x.ndim == 2 and y.ndim == 2:
        return mm(x, y)
    m = x.shape if x.ndim > 1 else (1, *x.shape)
    n = y.shape if y.ndim > 1 else (*y.shape, 1)
    if m[-1] != n[-2]:
        if x.ndim > 2 and y.ndim > 2:
            raise RuntimeError(
                f"Expected size for first two dimensions of batch2 tensor to be: [{int(np.prod(m[:-2]))}, {m[-1]}] but "
                f"got: [{int(np.prod(n[:-2]))}, {n[-2]}]."
            )
        rows = int(np.prod(m[:-1]))
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{m[-1]} and {n[-2]}x{n[-1]})")
    check_same_dtype(x, y)
    if x.ndim == 1:
        return apply(_VECTOR, (x, y))
    return apply(_CLONED if x.ndim == 2 and y.ndim > 2 else _MATMUL, (x, y))


_ADDMM = Operation("AddmmBackward0", lambda c, a, b, *, beta, alpha: _scaled(c, beta) + _scaled(a @ b, alpha))
_ADDMV = Operation("AddmvBackward0", lambda c, a, b, *, beta, alpha: _scaled(c, beta) + _scaled(a @ b, alpha))
_BADDBMM = Operation(
    "BaddbmmBackward0", lambda c, a, b, *, beta, alpha: _scaled(c, beta) + _scaled(a @ b, alpha)
)
_ADDBMM = Operation(
    "AddbmmBackward0",
    lambda c, a, b, *, beta, alpha: _scaled(c, beta) + _scaled(fnp.sum(a @ b, axis=0), alpha),
)
_ADDR = Operation(
    "AddrBackward0",
    lambda c, a, b, *, beta, alpha: _scaled(c, beta) + _scaled(a[:, None] * b, alpha),
    layout=as_arguments,
)


def _scaled(x, factor):
    return x if factor == 1 else factor * x


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return `beta * input + alpha * (mat1 @ mat2)`."""
    if mat1.ndim != 2 or mat2.ndim != 2 or mat1.shape[1] != mat2.shape[0]:
        mm(mat1, mat2)
    return apply(_ADDMM, (input, mat1, mat2), {"beta": beta, "alpha": alpha})


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return `beta * input + alpha * (mat @ vec)`."""
    return apply(_ADDMV, (input, mat, vec), {"beta": beta, "alpha": alpha})


def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return `beta * input + alpha * bmm(batch1, batch2)`."""
    return apply(_BADDBMM, (input, batch1, batch2), {"beta": beta, "alpha": alpha})


def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return `beta * input + alpha * bmm(batch1, batch2).sum(0)`."""
    return apply(_ADDBMM, (input, batch1, batch2), {"beta": beta, "alpha": alpha})


def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return `beta * input + alpha * outer(vec1, vec2)`."""
    return apply(_ADDR, (input, vec1, vec2), {"beta": beta, "alpha": alpha})


def _as_grid(y, arrays, params):
    """Return a Kronecker product as it lies as a grid of products, whose axes are joined in pairs."""
    a, b = ([*(1,) * (y.ndim - x.ndim), *x.shape] for x in arrays)
    pairs = [n for pair in zip(a, b, strict=True) for n in pair]
    first = arrays[0].reshape([n for m in a for n in (m, 1)])
    second = arrays[1].reshape([n for m in b for n in (1, m)])
    return as_arguments(y.reshape(pairs), (first, second), params).reshape(y.shape)


_OUTER = Operation("MulBackward0", lambda x, y: x[:, None] * y, promotes="same", layout=in_order)
_INNER = Operation("ViewBackward0", fnp.inner)
_EINSUM = Operation("ViewBackward0", lambda *xs, equation: fnp.einsum(equation, *xs))
_TENSORDOT = Operation("ViewBackward0", lambda x, y, *, axes: fnp.tensordot(x, y, axes))
_CROSS = Operation("LinalgCrossBackward0", lambda x, y, *, axis: fnp.cross(x, y, axis=axis))
_KRON = Operation("UnsafeViewBackward0", fnp.kron, promotes="same", layout=_as_grid)
_CHAIN = Operation("ViewBackward0", lambda *xs: fnp.linalg.multi_dot(xs))
_TRACE = Operation("TraceBackward0", fnp.trace)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Return the products of all pairs of elements of two vectors."""
    for name, x in (("self", input), ("vec2", vec2)):
        if x.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x.ndim}-D")
    return apply(_OUTER, (input, vec2))


ger = outer


def inner(input: Tensor, other: Tensor) -> Tensor:
    """Return the sums of products over the last axes."""
    if input.ndim == 1 and other.ndim == 1:
        return dot(input, other)
    return apply(_INNER, (input, other))


def einsum(equation: str, *operands: Any) -> Tensor:
    """Return the sum of products that an equation such as "ij,jk->ik" describes."""
    if len(operands) == 1 and not isinstance(operands[0], Tensor):
        operands = tuple(operands[0])
    sizes: dict[str, int] = {}
    for n, (term, x) in enumerate(
        zip(equation.split("->")[0].replace(" ", "").split(","), operands, strict=False)
    ):
        if "..." in term:
            continue
        if len(term) != x.ndim:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(term)}) does not match the number of dimensions "
                f"({x.ndim}) for operand {n} and no ellipsis was given"
            )
        for letter, size in zip(term, x.shape, strict=True):
            seen = sizes.setdefault(letter, size)
            if 1 not in (seen, size) and seen != size:
                raise RuntimeError(
                    f"einsum(): subscript {letter} has size {size} for operand {n} which does not broadcast with "
                    f"previously seen size {seen}"
                )
    return apply(_EINSUM, operands, {"equation": equation})


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Return the sum of products over the given axes, or the last of `a` and the first of `b`."""
    axes = (
        dims if isinstance(dims, int) else tuple(tuple(d) if not isinstance(d, int) else (d,) for d in dims)
    )
    return apply(_TENSORDOT, (a, b), {"axes": axes})


def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """Return the cross products of vectors of length 3."""
    axis = next((i for i, n in enumerate(input.shape) if n == 3), -1) if dim is None else dim
    return apply(_CROSS, (input, other), {"axis": axis})


def kron(input: Tensor, other: Tensor) -> Tensor:
    """Return the Kronecker product."""
    return apply(_KRON, (input, other))


def trace(input: Tensor) -> Tensor:
    """Return the sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return apply(_TRACE, (input,))


def chain_matmul(*matrices: Tensor) -> Tensor:
    """Return the product of several matrices."""
    return matrices[0] if len(matrices) == 1 else apply(_CHAIN, matrices)


def matrix_power(input: Tensor, n: int) -> Tensor:
    """Return the product of `n` copies of a matrix; of its inverse where `n` is negative."""
    if n < 0:
        return matrix_power(input.inverse(), -n)
    if not n:
        eye = np.broadcast_to(np.eye(input.shape[-1], dtype=input._array.dtype), input.shape)
        return input.new_tensor(eye)
    half = matrix_power(input, n // 2) if n > 1 else None
    square = matmul(half, half) if half is not None else input
    return matmul(square, input) if n % 2 and n > 1 else square


methods(
    bmm, cross, dot, inner, kron, matmul, mm, mv, outer, trace, vdot,
)  # fmt: skip
in_place_too(addbmm, addmm, addmv, addr, baddbmm, matrix_power)


def _matmul_operator(x, y):
    return matmul(x, y) if isinstance(y, Tensor) else NotImplemented


operators(matmul=_matmul_operator)
Tensor.ger = outer  # type: ignore[attr-defined]

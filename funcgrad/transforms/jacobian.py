"""Whole Jacobians and Hessians, by pushing or pulling every basis vector in one batched pass."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from funcgrad import tree
from funcgrad.core.interpret import owned_tree
from funcgrad.core.staging import Staging, check_outputs
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import ArrayType, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.transforms.arguments import Chosen, as_derivative, owner_of, presented, split_aux
from funcgrad.transforms.batch import Batch
from funcgrad.transforms.grad import grad
from funcgrad.transforms.jvp import jvp
from funcgrad.transforms.tape import record

__all__ = ["hessian", "hvp", "jacfwd", "jacobian", "jacrev"]

_MODES = ("auto", "forward", "reverse")


def jacobian(
    function: Callable,
    argnums: int | Sequence[int] = 0,
    *,
    mode: str = "auto",
    has_aux: bool = False,
    holomorphic: bool = False,
    chunk_size: int | None = None,
) -> Callable:
    """Return a function that computes the Jacobian.

        jacobian(f)(x)[j..., i...] = d f(x)[j...] / d x[i...]

    Args:
        function: takes arrays in any containers; returns the same.
        argnums: the positional argument, or a tuple of them, to differentiate by.
        mode: "forward" pushes a basis vector for each input element, "reverse" pulls one for each
            output element; "auto" takes the fewer, and forward for a complex result of real arguments.
        has_aux: `function` returns `(result, extra)`; the result is then `(jacobian, extra)`.
        holomorphic: allow complex arguments of a complex differentiable function.
        chunk_size: how many basis vectors to carry at once; all by default. Less saves memory.

    Returns:
        a function of the same arguments. Its result has the containers of the function's result;
        each leaf there holds the containers of the argument, with arrays of shape
        `result.shape + argument.shape`.

    Raises:
        ValueError: for another mode, or a chunk size below 1.
        DTypeError: when an argument is not floating.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> def f(x):
    ...     y = np.zeros_like(x)
    ...     y[0] = x[0] ** 2 + 3 * x[1]
    ...     y[1] = x[1] ** 2 + 2 * x[0]
    ...     return y
    >>> fg.jacobian(f)(np.array([2.0, 3.0]))
    array([[4., 3.],
           [2., 6.]])
    """
    owner = owner_of("jacobian", function)
    if mode not in _MODES:
        raise ShapeError(f"jacobian: expected mode to be one of {', '.join(_MODES)}, got {mode!r}.")
    if chunk_size is not None and (not isinstance(chunk_size, int) or chunk_size < 1):
        raise ShapeError(f"jacobian: expected a chunk_size of at least 1, got {chunk_size!r}.")

    def computed(*args: Any, **kwargs: Any) -> Any:
        chosen = Chosen(owner, function, args, argnums)
        hint = "" if holomorphic else "pass holomorphic=True if the function is complex differentiable."
        chosen.check(complex_hint=hint)

        def flat(*tracers):
            out = function(*chosen.replaced(tracers), **kwargs)
            extra = None
            if has_aux:
                out, extra = split_aux(out, owner)
            leaves, treedef = tree.flatten(out)
            return check_outputs(leaves, treedef, owner), (treedef, extra)

        tape, ys, outs, (treedef, extra) = record(flat, chosen.leaves, owner, aux=True)
        out_types, in_types = [type_of(y) for y in ys], [type_of(x) for x in chosen.leaves]
        n_out, n_in = sum(t.size for t in out_types), sum(t.size for t in in_types)
        is_complex = any(t.dtype.kind == "c" for t in out_types) and not holomorphic
        basis = _Basis(owner, chunk_size, _staging_of(ys))
        forward = mode == "forward" or (mode == "auto" and (n_in < n_out or is_complex))
        if forward:
            blocks = _push_basis(tape, in_types, outs, out_types, basis)
        else:
            _check_real(owner, out_types, holomorphic)
            blocks = _pull_basis(tape, in_types, outs, out_types, basis)
        result = tree.unflatten(treedef, [chosen.rebuild(row) for row in blocks])
        return (result, owned_tree(extra, chosen.leaves)) if has_aux else result

    return presented(computed, "jacobian", function)


def _check_real(owner, types, holomorphic):
    for t in types:
        if t.dtype.kind == "c" and not holomorphic:
            raise DTypeError(
                f"{owner}: expected a real result in reverse mode, got {t}.",
                hint='use mode="forward", or holomorphic=True for a complex differentiable function.',
            )


def _basis(types: list[ArrayType], start: int, stop: int) -> list[np.ndarray]:
    """Return rows `start:stop` of the identity on all elements of `types`, in their shapes."""
    out = []
    offset = 0
    for t in types:
        dtype = t.dtype if t.dtype.kind in "fc" else float
        block: Any = np.zeros((stop - start, t.size), dtype)
        rows = np.arange(max(start, offset), min(stop, offset + t.size))
        block[rows - start, rows - offset] = 1
        out.append(block.reshape(stop - start, *t.shape))
        offset += t.size
    return out


def _staging_of(values: Sequence[Any]) -> Staging | None:
    """Return the trace that makes a program, if values belong to one below those that transform it."""
    for x in values:
        while type(x) is Tracer:
            if isinstance(x.tracing, Staging):
                return x.tracing
            x = x.value
    return None


class _Basis(NamedTuple):
    """How basis vectors are carried: so many at once, and in a program that is made as constants of it.

    (There, what becomes of them is computed when the program runs, which sees that most of it is zero.)
    """

    owner: str
    chunk_size: int | None
    staging: Staging | None

    def carried(self, carry: Callable, from_types: list[ArrayType], to_types: list[ArrayType]) -> list[Any]:
        """Carry every basis vector of `from_types`; return an array (count, *shape) for each of `to_types`."""
        total = sum(t.size for t in from_types)
        step = self.chunk_size or max(total, 1)
        chunks = []
        for start in range(0, max(total, 1), step):
            stop = min(start + step, total)
            vectors: list[Any] = _basis(from_types, start, stop)
            if self.staging is not None:
                vectors = [self.staging.lift(b) for b in vectors]
            with Batch(self.owner, stop - start) as batch:
                released = [batch.release(x) for x in carry(list(map(batch.input, vectors)))]
            chunks.append(
                [
                    _full(x, batched, stop - start, t)
                    for (x, batched), t in zip(released, to_types, strict=True)
                ]
            )
        return [c[0] if len(c) == 1 else np.concatenate(c) for c in zip(*chunks, strict=True)]


def _full(x, batched, count, t):
    shape = (count, *t.shape)
    if x is None:
        return np.zeros(shape, t.dtype if t.dtype.kind in "fc" else float)
    return x if batched else np.broadcast_to(x, shape).copy()


def _push_basis(tape, in_types, outs, out_types, basis):
    columns = basis.carried(lambda b: tape.push(b, outs), in_types, out_types)
    rows = []
    for column, t in zip(columns, out_types, strict=True):
        column = np.moveaxis(column, 0, -1)
        offsets = np.cumsum([0, *(s.size for s in in_types)])
        rows.append(
            [
                np.reshape(column[..., a:b], (*t.shape, *s.shape))
                for a, b, s in zip(offsets[:-1], offsets[1:], in_types, strict=True)
            ]
        )
    return rows


def _pull_basis(tape, in_types, outs, out_types, basis):
    if [t.shape for t in out_types] == [()]:
        (one,) = _basis(out_types, 0, 1)
        # A gradient: there is nothing to batch.
        bars = tape.pull([one[0]], outs, len(in_types), consume=True)
        return [[as_derivative(bar, t) for bar, t in zip(bars, in_types, strict=True)]]
    blocks = basis.carried(lambda b: tape.pull(b, outs, len(in_types)), out_types, in_types)
    rows = []
    offset = 0
    for t in out_types:
        piece = slice(offset, offset + t.size)
        rows.append([np.reshape(x[piece], (*t.shape, *shape_of(x)[1:])) for x in blocks])
        offset += t.size
    return rows


def jacfwd(
    function: Callable,
    argnums: int | Sequence[int] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    chunk_size: int | None = None,
) -> Callable:
    """Return a function that computes the Jacobian in forward mode: `jacobian(..., mode="forward")`.

    Best where the arguments have fewer elements than the result.
    """
    options: dict[str, Any] = {"has_aux": has_aux, "holomorphic": holomorphic, "chunk_size": chunk_size}
    return jacobian(function, argnums, mode="forward", **options)


def jacrev(
    function: Callable,
    argnums: int | Sequence[int] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    chunk_size: int | None = None,
) -> Callable:
    """Return a function that computes the Jacobian in reverse mode: `jacobian(..., mode="reverse")`.

    Best where the result has fewer elements than the arguments.
    """
    options: dict[str, Any] = {"has_aux": has_aux, "holomorphic": holomorphic, "chunk_size": chunk_size}
    return jacobian(function, argnums, mode="reverse", **options)


def hessian(
    function: Callable,
    argnums: int | Sequence[int] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    chunk_size: int | None = None,
) -> Callable:
    """Return a function that computes the second derivatives: the matrix of them for a scalar function.

        hessian(f)(x)[k..., i..., j...] = d^2 f(x)[k...] / d x[i...] d x[j...]

    The Jacobian, which of a scalar function is the gradient, is pushed forward along every basis vector in one batched
    pass. Arguments and errors are those of `jacobian`; a function on a dict of arrays gives a dict of dicts.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    settings: dict[str, Any] = {"has_aux": has_aux, "holomorphic": holomorphic, "chunk_size": chunk_size}
    first = jacobian(function, argnums, mode="reverse", **settings)
    return jacobian(first, argnums, mode="forward", **settings)


def hvp(function: Callable, primals: tuple, tangents: tuple) -> Any:
    """Compute the Hessian of a scalar function times a direction, without forming the matrix.

        hvp(f, (x,), (v,)) = hessian(f)(x) @ v

    Args:
        function: a scalar function of the primals.
        primals: a tuple of its arguments.
        tangents: a tuple of the same containers, shapes and dtypes.

    Returns:
        the directional derivative of the gradient: like the primal for one, a tuple for several.

    Cost: a small multiple of the gradient's.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),))
    array([6., 0.])
    """
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(function, argnums), primals, tangents)[1]

"""Equations, staged: what implicit functions and linear systems are made of."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.compile.jit_call import jit_call
from funcgrad.control.bodies import stage_body, with_more_inputs
from funcgrad.core.closures import standing_in
from funcgrad.core.interpret import run
from funcgrad.core.program import Program
from funcgrad.core.tracer import Tracer, bind
from funcgrad.core.types import ArrayType, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError, TreeError
from funcgrad.transforms.jacobian import jacrev

__all__ = ["ImplicitProblem", "as_float", "dense_solve", "for_solvers", "newton", "staged_square"]


class ImplicitProblem:
    """An equation f(captured, x) = 0 (or matvec(captured, x) = b), and how it is solved.

    Attributes:
        program: f, on the `captured` values and then the leaves of x.
        standing: what the solvers close over; the last of the captured values stand in for it while they run.
        solve, tangent_solve, transposed: the solvers of the equation, of its derivative, and of its transpose.
        also: a program of the same arguments that the solver wants besides.
        compiled: the solver is given compiled functions.
        traceable: the solver can be traced, so that it is batched, and compiled with what is around it.
    """

    def __init__(
        self,
        name: str,
        program: Program,
        captured: int,
        treedef: tree.TreeDef,
        solve: Callable,
        *,
        tangent_solve: Callable | None = None,
        transposed: Callable | None = None,
        also: Program | None = None,
        compiled: bool = False,
        traceable: bool = False,
        standing: Sequence[Tracer] = (),
    ):
        self.name = name
        self.program = program
        self.captured = captured
        self.treedef = treedef
        self.solve = solve
        self.tangent_solve = tangent_solve
        self.transposed = transposed
        self.also = also
        self.compiled = compiled
        self.traceable = traceable
        self.standing = standing

    def run(self, program: Program, captured: Sequence[Any], x: Any) -> list[Any]:
        """Run f, or what goes with it, as the solver is to have it."""
        args = [*captured, *tree.leaves(x)]
        return (
            list(bind(jit_call, *args, program=program, backend="native"))
            if self.compiled
            else run(program, args)
        )

    def stand_ins(self, captured: Sequence[Any]) -> AbstractContextManager:
        """Return a context in which the solvers find what they close over among the captured values."""
        values = captured[len(captured) - len(self.standing) :]
        return standing_in(self.name, self.standing, values)

    def solved(self, captured: Sequence[Any], *given: Sequence[Any]) -> list[Any]:
        """Call the user's solver on containers; return the leaves of what it returns."""
        containers = [tree.unflatten(self.treedef, list(leaves)) for leaves in given]
        also = self.also
        if also is not None:
            containers.append(lambda x: self.run(also, captured, x)[0])

        def function(x):
            return tree.unflatten(self.treedef, self.run(self.program, captured, x))

        with self.stand_ins(captured):
            out, out_tree = tree.flatten(self.solve(function, *containers))
        if out_tree != self.treedef:
            raise TreeError(f"{self.name}: expected a solver that returns {self.treedef}, got {out_tree}.")
        return out

    def __repr__(self) -> str:
        return self.name


def for_solvers(program: Program, captured: int, standing: Sequence[Tracer]) -> Program:
    """Return a program that takes what its solvers close over as well, behind what it captures itself."""
    return (
        with_more_inputs(program, [], [type_of(x).strong() for x in standing], captured)
        if standing
        else program
    )


def dense_solve(f: Callable, xs: Any, r: Any) -> list[Any]:
    """Solve (df/dx) v = r by the whole Jacobian; x and r in several arrays."""
    shapes = [shape_of(x) for x in xs]
    sizes = [int(np.prod(s)) for s in shapes]
    ends = np.cumsum(sizes).tolist()
    pieces = list(zip([0, *ends[:-1]], ends, shapes, strict=True))

    def flat(*x):
        return np.concatenate([np.reshape(y, -1) for y in f(x)]) if len(x) > 1 else np.reshape(f(x)[0], -1)

    rows = jacrev(flat, argnums=tuple(range(len(xs))))(*xs)
    blocks = [row.reshape((sum(sizes), n)) for row, n in zip(rows, sizes, strict=True)]
    matrix = np.concatenate(blocks, axis=1) if len(blocks) > 1 else blocks[0]
    right = np.concatenate([np.reshape(v, -1) for v in r]) if len(r) > 1 else np.reshape(r[0], -1)
    v = np.linalg.solve(matrix, right)
    return [v[a:b].reshape(shape) for a, b, shape in pieces]


def newton(f: Callable, x: Any, tolerance: float = 1e-12, steps: int = 100) -> Any:
    """Solve f(x) = 0 by Newton's method with the whole Jacobian."""
    leaves, treedef = tree.flatten(x)

    def flat(xs):
        return tuple(tree.leaves(f(tree.unflatten(treedef, list(xs)))))

    for _ in range(steps):
        r = flat(leaves)
        step = dense_solve(flat, leaves, r)
        leaves = [a - b for a, b in zip(leaves, step, strict=True)]
        if max(float(np.max(np.abs(s), initial=0.0)) for s in step) <= tolerance * (
            1 + max(float(np.max(np.abs(a), initial=0.0)) for a in leaves)
        ):
            break
    return tree.unflatten(treedef, leaves)


def as_float(x: Any) -> Any:
    return np.float64(x) if isinstance(x, (bool, int, float)) else x


def staged_square(owner, f, types, treedef, more=False):
    """Stage a function whose result (the first of two, where there are more) must be like its argument."""
    if any(t.dtype.kind not in "fc" for t in types if not t.weak):
        raise DTypeError(f"{owner}: expected floating-point arrays, got {', '.join(map(str, types))}.")
    kinds = [ArrayType(t.shape, float) if t.weak else t for t in types]
    body = stage_body(f, tree.structure((tree.unflatten(treedef, [0.0] * treedef.size),)), kinds, owner)
    out_tree = body.out_tree.children[0] if more else body.out_tree
    if out_tree != treedef:
        raise TreeError(
            f"{owner}: expected a function that returns {treedef}, as its argument, got {out_tree}."
        )
    for path, a, b in zip(treedef.paths("x"), kinds, body.program.out_types, strict=False):
        if a.shape != b.shape:
            raise ShapeError(
                f"{owner}: expected as many equations as unknowns, got {path}: {a} in and {b} out."
            )
    return body

"""Implicit functions: solutions of equations, differentiated by the equation rather than through its solver."""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.control.bodies import leaves_of, stage_body, strong
from funcgrad.control.looping import while_loop
from funcgrad.core.interpret import run
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.program import Program
from funcgrad.core.staging import name_of, stage_flat
from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError, TreeError
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.jacobian import jacrev
from funcgrad.transforms.jvp import jvp
from funcgrad.transforms.vjp import vjp

__all__ = ["custom_fixed_point", "custom_linear_solve", "custom_root"]


class _Equation:
    """An equation f(captured, x) = 0 (or matvec(captured, x) = b), and how it is solved."""

    __slots__ = (
        "__weakref__",
        "also",
        "captured",
        "name",
        "program",
        "solve",
        "tangent_solve",
        "transposed",
        "treedef",
    )

    def __init__(
        self, name, program, captured, treedef, solve, tangent_solve=None, transposed=None, also=None
    ):
        self.name = name
        self.program = program
        self.captured = captured
        self.treedef = treedef
        self.solve = solve
        self.tangent_solve = tangent_solve
        self.transposed = transposed
        self.also = also  # a program of the same arguments that the solver wants besides

    def function(self, captured):
        """Return the function of containers, given what it captures."""

        def of(x):
            return tree.unflatten(self.treedef, run(self.program, [*captured, *tree.leaves(x)]))

        return of

    def solved(self, captured, *given):
        """Call the user's solver on containers; return the leaves of what it returns."""
        containers = [tree.unflatten(self.treedef, list(leaves)) for leaves in given]
        if self.also is not None:
            containers.append(lambda x: run(self.also, [*captured, *tree.leaves(x)])[0])
        out, out_tree = tree.flatten(self.solve(self.function(captured), *containers))
        if out_tree != self.treedef:
            raise TreeError(f"{self.name}: expected a solver that returns {self.treedef}, got {out_tree}.")
        return out

    def __repr__(self):
        return self.name


class Root(Primitive):
    """The x with f(captured, x) = 0, from a first guess, on which it does not depend.

    x_dot = -(df/dx)^-1 (df/dcaptured) captured_dot (the implicit function theorem).
    """

    name = "root"
    multiple = True

    def type_rule(self, *types, equation):
        return tuple(strong(types[equation.captured :]))

    def eval_rule(self, *args, equation):
        captured, guess = args[: equation.captured], args[equation.captured :]
        out = equation.solved(captured, guess)
        return tuple(
            np.asarray(x, type_of(g).dtype).reshape(shape_of(g))[()] for x, g in zip(out, guess, strict=True)
        )

    def jvp_rule(self, x_dots, xs, *args, equation):
        captured = args[: equation.captured]
        places = [i for i, d in enumerate(x_dots[: equation.captured]) if d is not None]
        if not places:
            return tuple(as_derivative(None, x) for x in xs)

        def residual(*changing):
            given = list(captured)
            for i, c in zip(places, changing, strict=True):
                given[i] = c
            return tuple(run(equation.program, [*given, *xs]))

        _, r = jvp(residual, tuple(captured[i] for i in places), tuple(x_dots[i] for i in places))
        by_x = lambda x: tuple(run(equation.program, [*captured, *x]))
        if equation.tangent_solve is None:
            return tuple(-v for v in _dense_solve(by_x, xs, r))
        forward = lambda v: tree.unflatten(
            equation.treedef, list(jvp(lambda *x: by_x(x), tuple(xs), tuple(tree.leaves(v)))[1])
        )
        right = tree.unflatten(equation.treedef, list(r))
        found = custom_linear_solve(
            forward, right, equation.tangent_solve, transpose_solve=equation.tangent_solve
        )
        return tuple(-v for v in tree.leaves(found))

    def samples(self):
        cube = stage_flat(lambda a, x: [x * x * x + x - a], [ArrayType((2,), float)] * 2, "cube")
        equation = _Equation("battery", cube, 1, tree.structure(0.0), _newton)
        return [Sample((box((2,)).array(), np.zeros(2)), {"equation": equation})]


def _dense_solve(f: Callable, xs: Any, r: Any) -> list[Any]:
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


def _newton(f: Callable, x: Any, tolerance: float = 1e-12, steps: int = 100) -> Any:
    """Solve f(x) = 0 by Newton's method with the whole Jacobian."""
    leaves, treedef = tree.flatten(x)

    def flat(xs):
        return tuple(tree.leaves(f(tree.unflatten(treedef, list(xs)))))

    for _ in range(steps):
        r = flat(leaves)
        step = _dense_solve(flat, leaves, r)
        leaves = [a - b for a, b in zip(leaves, step, strict=True)]
        if max(float(np.max(np.abs(s), initial=0.0)) for s in step) <= tolerance * (
            1 + max(float(np.max(np.abs(a), initial=0.0)) for a in leaves)
        ):
            break
    return tree.unflatten(treedef, leaves)


root_p = Root()


def custom_root(
    f: Callable,
    initial_guess: Any,
    solve: Callable | None = None,
    tangent_solve: Callable | None = None,
    *,
    also: Callable | None = None,
) -> Any:
    """Return the x with f(x) = 0, with the derivative the equation has, not the solver.

        x_dot = -(df/dx)^-1 f_dot

    Args:
        f: a function of x, of the same containers and shapes; it may close over traced values, by which the
            solution is differentiated.
        initial_guess: where the solver begins; the solution does not depend on it.
        solve: `solve(f, initial_guess)` gives the solution, by any means (SciPy, or a while_loop); Newton's method
            with the whole Jacobian when it is not given.
        tangent_solve: `tangent_solve(matvec, b)` solves the linear equation of the derivative; by the whole Jacobian
            when it is not given.
        also: another function of x, of one array, that the solver is given as a third argument: an objective, say,
            where f is its gradient. Like f it is given with the values of what it closes over.

    Raises:
        TreeError, ShapeError: when f or the solver return other containers or shapes.

    Derivative: in both directions, to any order.

    Reference: Blondel et al. (2022), Efficient and modular implicit differentiation.

    >>> import funcgrad as fg
    >>> fg.grad(lambda a: fg.custom_root(lambda x: x**3 + x - a, 1.0))(2.0)
    np.float64(0.25)
    """
    owner = f"custom_root of {name_of(f)}" if name_of(f) != "lambda" else "custom_root"
    guess, types, treedef = leaves_of(initial_guess, owner, "initial_guess")
    body = _square(owner, f if also is None else lambda x: (f(x), also(x)), types, treedef, also is not None)
    program, more = body.program, None
    if also is not None:
        *outputs, extra = program.outputs
        program, more = (
            Program(program.inputs, (), program.equations, tuple(o), name=owner) for o in (outputs, [extra])
        )
    equation = _Equation(
        owner, program, len(body.consts), treedef, solve or _newton, tangent_solve, also=more
    )
    out = bind(root_p, *body.consts, *map(_float, guess), equation=equation)
    return tree.unflatten(treedef, out)


def _float(x: Any) -> Any:
    return np.float64(x) if isinstance(x, (bool, int, float)) else x


def _square(owner, f, types, treedef, more=False):
    """Stage a function whose result (the first of two, where there are more) must be like its argument."""
    if any(t.dtype.kind not in "fc" for t in types if not t.weak):
        raise DTypeError(f"{owner}: expected floating-point arrays, got {', '.join(map(str, types))}.")
    kinds = [ArrayType(t.shape, float) if t.weak else t for t in types]
    body = stage_body(f, tree.structure((tree.unflatten(treedef, [0.0] * treedef.size),)), kinds, owner)
    out_tree = body.out_tree.children[0] if more else body.out_tree
    if out_tree != treedef:
        raise TreeError(f"{owner}: expected a function that returns {treedef}, as its argument, got {out_tree}.")
    for path, a, b in zip(treedef.paths("x"), kinds, body.program.out_types, strict=False):
        if a.shape != b.shape:
            raise ShapeError(
                f"{owner}: expected as many equations as unknowns, got {path}: {a} in and {b} out."
            )
    return body


def custom_fixed_point(
    f: Callable, initial_guess: Any, *, tolerance: float = 1e-12, max_steps: int = 10_000
) -> Any:
    """Return the x with x = f(x), by iteration, with the derivative the equation has.

    Args:
        f: a contraction; it may close over traced values, by which the solution is differentiated.
        initial_guess: where the iteration begins.
        tolerance: the iteration ends when no element changes by more, relative to 1 + abs(x).
        max_steps: or after so many steps.

    >>> import funcgrad as fg
    >>> import numpy as np
    >>> round(float(fg.grad(lambda a: fg.custom_fixed_point(lambda x: a * np.cos(x), 1.0))(1.0)), 6)
    0.441611
    """

    def solve(residual, x):
        def again(state):
            x, _, n = state
            change = residual(x)
            new = tree.map(lambda a, c: a - c, x, change)
            gaps = [
                np.max(np.abs(c) / (1 + np.abs(a)))
                for a, c in zip(tree.leaves(new), tree.leaves(change), strict=True)
            ]
            worst = gaps[0]
            for gap in gaps[1:]:
                worst = np.maximum(worst, gap)
            return new, worst, n + 1

        start = (tree.map(lambda a: a + 0.0, x), np.float64(np.inf), 0)
        return while_loop(lambda s: (s[1] > tolerance) & (s[2] < max_steps), again, start)[0]

    return custom_root(lambda x: tree.map(lambda a, b: a - b, x, f(x)), initial_guess, solve)


class LinearSolve(Primitive):
    """The x with matvec(captured, x) = b, for a linear matvec.

    x_dot = A^-1 (b_dot - A_dot x); b_bar = A^-T x_bar, captured_bar = -(A_dot x)^T b_bar.
    """

    name = "linear_solve"
    multiple = True

    def type_rule(self, *types, equation):
        return tuple(strong(types[equation.captured :]))

    def eval_rule(self, *args, equation):
        captured, b = args[: equation.captured], args[equation.captured :]
        return tuple(np.asarray(x)[()] for x in equation.solved(captured, b))

    def jvp_rule(self, x_dots, xs, *args, equation):
        captured, n = args[: equation.captured], equation.captured
        right = [as_derivative(d, x) for d, x in zip(x_dots[n:], xs, strict=True)]
        places = [i for i, d in enumerate(x_dots[:n]) if d is not None]
        if places:

            def product(*changing):
                given = list(captured)
                for i, c in zip(places, changing, strict=True):
                    given[i] = c
                return tuple(run(equation.program, [*given, *xs]))

            _, change = jvp(product, tuple(captured[i] for i in places), tuple(x_dots[i] for i in places))
            right = [r - c for r, c in zip(right, change, strict=True)]
        return bind(self, *captured, *right, equation=equation)

    def vjp_rule(self, needs, x_bars, xs, *args, equation):
        captured, n = args[: equation.captured], equation.captured
        bars = [as_derivative(b, x) for b, x in zip(x_bars, xs, strict=True)]
        b_bars = bind(self, *captured, *bars, equation=_transposed(equation))
        places = [i for i in range(n) if needs[i]]
        found: dict[int, Any] = {}
        if places:

            def product(*changing):
                given = list(captured)
                for i, c in zip(places, changing, strict=True):
                    given[i] = c
                return tuple(run(equation.program, [*given, *xs]))

            pulled = vjp(product, *(captured[i] for i in places))[1](tuple(b_bars))
            found = {i: -c for i, c in zip(places, pulled, strict=True)}
        return [*(found.get(i) for i in range(n)), *b_bars]

    def samples(self):
        multiply = stage_flat(
            lambda a, x: [a @ x], [ArrayType((2, 2), float), ArrayType((2,), float)], "multiply"
        )
        solve = lambda matvec, b: _dense_solve(lambda x: (matvec(x[0]),), (b,), (b,))[0]
        equation = _Equation("battery", multiply, 1, tree.structure(0.0), solve, transposed=solve)
        return [Sample((box((2, 2)).array() + 2 * np.eye(2), box((2,)).array()), {"equation": equation})]


linear_solve_p = LinearSolve()


def _transposed(equation: _Equation) -> _Equation:
    """Return the equation with the transposed matrix."""
    if equation.transposed is None:
        raise DTypeError(
            f"{equation.name}: expected transpose_solve for a derivative in reverse, got None.",
            hint="pass transpose_solve=solve where the solver takes any matrix, or symmetric=True.",
        )
    n = equation.captured
    program = equation.program
    types = [*program.in_types[:n], *(t.strong() for t in program.out_types)]

    def pulled(*flat):
        captured, y = flat[:n], flat[n:]
        zeros = [np.zeros(t.shape, t.dtype) for t in program.in_types[n:]]
        return list(vjp(lambda *x: tuple(run(program, [*captured, *x])), *zeros)[1](tuple(y)))

    other = stage_flat(pulled, types, f"transpose of {equation.name}")
    closed = Program(other.inputs, other.constants, other.equations, other.outputs, name=other.name)
    return _Equation(other.name, closed, n, equation.treedef, equation.transposed, transposed=equation.solve)


def custom_linear_solve(
    matvec: Callable,
    b: Any,
    solve: Callable,
    *,
    transpose_solve: Callable | None = None,
    symmetric: bool = False,
) -> Any:
    """Return the x with matvec(x) = b, with the derivative the equation has, not the solver.

    Args:
        matvec: a linear function; it may close over traced values.
        b: the right side, arrays in any containers.
        solve: `solve(matvec, b)` gives x, by any means.
        transpose_solve: the same for the transposed matrix; needed in reverse mode, unless `symmetric`.
        symmetric: the matrix is its own transpose, so that `solve` serves for both.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> diagonal = np.array([2.0, 4.0])
    >>> solve = lambda matvec, b: b / matvec(np.ones(2))
    >>> f = lambda d: fg.custom_linear_solve(lambda x: d * x, np.ones(2), solve, symmetric=True).sum()
    >>> fg.grad(f)(diagonal)
    array([-0.25  , -0.0625])
    """
    owner = (
        f"custom_linear_solve of {name_of(matvec)}" if name_of(matvec) != "lambda" else "custom_linear_solve"
    )
    right, types, treedef = leaves_of(b, owner, "b")
    body = _square(owner, matvec, types, treedef)
    transposed = solve if symmetric else transpose_solve
    equation = _Equation(owner, body.program, len(body.consts), treedef, solve, transposed=transposed)
    return tree.unflatten(treedef, bind(linear_solve_p, *body.consts, *map(_float, right), equation=equation))

"""Staging: run a function on types alone, and return the Program it performs."""

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.core.decisions import Decisions, Undecided
from funcgrad.core.inplace import argument
from funcgrad.core.made import known
from funcgrad.core.primitive import primitive_named
from funcgrad.core.program import Atom, Equation, Literal, Program, Var, pruned
from funcgrad.core.randomness import Watch
from funcgrad.core.roles import capture_effects
from funcgrad.core.tables import with_tables
from funcgrad.core.tracer import Trace, Tracer
from funcgrad.core.types import ArrayType, fits, refuse_subclass, type_of, with_native_bytes
from funcgrad.errors import ConcretizationError, DTypeError
from funcgrad.garbage import rare_collections
from funcgrad.source import user_location

__all__ = [
    "Staging",
    "argument_names",
    "call_path",
    "check_outputs",
    "leaf_type",
    "name_of",
    "stage",
    "stage_flat",
    "trace",
]


# Shared by the equations that have none; read only, as all parameters.
_NO_PARAMS: dict[str, Any] = {}


class Staging(Trace):
    """A trace that knows types only, and records equations.

    Args:
        owner: for messages.
        snapshot: copy the arrays that become constants, so that changing them later changes no
            program.
        decisions: the answers to Python's decisions on values; without them a decision is an error.
    """

    __slots__ = ("_constants", "_latest", "_snapshot", "decisions", "equations")

    transparent = False
    inlines_jitted = True

    def __init__(self, owner: str, *, snapshot: bool = True, decisions: Decisions | None = None):
        super().__init__(owner)
        self.decisions = decisions
        self.equations: list[Equation] = []
        self._constants: list[tuple[Var, Any]] = []
        self._latest: dict[Any, tuple[Var, Any, Any]] = {}  # variable, value, and what it was taken from
        self._snapshot = snapshot

    def input(self, type: ArrayType) -> Tracer:
        return Tracer(self, None, Var(type))

    def process(self, primitive, args, params):
        if not self.alive:
            raise self.leaked()
        atoms = tuple([self.atom(x) for x in args])
        types = primitive.type_rule(*[a.type for a in atoms], **params)
        for x in args:
            if type(x) is int and not all([fits(x, a.type.dtype) for a in atoms]):
                primitive.check_numbers(*args)
        outputs = tuple([Var(t) for t in types]) if primitive.multiple else (Var(types),)
        self.equations.append(Equation(primitive, atoms, params or _NO_PARAMS, outputs, user_location(3)))
        if primitive.multiple:
            return tuple([Tracer(self, None, v) for v in outputs])
        return Tracer(self, None, outputs[0])

    def atom(self, x: Any) -> Atom:
        """Return the variable or literal that stands for `x` in this trace."""
        x = known(x)
        if type(x) is Tracer:  # refreshed: a result may be a view of what has been written since
            if x.tracing is self:
                return x.node
            if x.tracing.level > self.level and x.tracing.alive:
                raise x.tracing.leaked(x)
            return self._constant(x, x.array_type)
        if isinstance(x, np.ndarray) and x.ndim:
            if not x.dtype.isnative:
                return self._constant(with_native_bytes(x), type_of(x), x)
            if x.size > 1 and x.dtype.kind in "biufc" and any(map(_is_spread, x.shape, x.strides)):
                return self._spread(x)
            return self._constant(x, type_of(x))
        return Literal(x[()] if isinstance(x, np.ndarray) else x)

    def _constant(self, x, kind, taken_from=None):
        taken_from = x if taken_from is None else taken_from
        if type(x) is Tracer:
            # The user's handle may be written to: a variable of the outer trace is what counts.
            key = (id(x.tracing), id(x.value), id(x.node))
            value = Tracer(x.tracing, x.value, x.node)
        else:
            key, value = id(taken_from), x  # which lives as long as this trace, so no other gets its id
        known = self._latest.get(key)
        if known is not None and (type(x) is Tracer or not self._snapshot or _unchanged(known[1], x)):
            return known[0]
        if self._snapshot and type(x) is np.ndarray:
            value = x.copy()
            value.flags.writeable = False
        var = Var(kind.strong())
        self._latest[key] = (var, value, taken_from)
        self._constants.append((var, value))
        return var

    @property
    def constants(self) -> list[tuple[Var, Any]]:
        return self._constants

    def constant(self, value: Any, kind: ArrayType) -> Tracer:
        """Return a handle on a constant of a program that is being rewritten."""
        var = Var(kind)
        self._constants.append((var, value))
        return Tracer(self, None, var)

    def _spread(self, x):
        # What is broadcast, over axes without a step in memory, is smaller and clearer as an equation.
        own = x[
            tuple(
                [
                    slice(0, 1) if _is_spread(n, s) else slice(None)
                    for n, s in zip(x.shape, x.strides, strict=True)
                ]
            )
        ]
        value = Literal(x[(0,) * x.ndim]) if own.size == 1 else self._constant(own, type_of(own), x)
        out = Var(type_of(x))
        broadcast_to = primitive_named("broadcast_to")
        self.equations.append(Equation(broadcast_to, (value,), {"shape": x.shape}, (out,), user_location(3)))
        return out

    def lift(self, value):
        if isinstance(value, np.ndarray) and not value.ndim:
            value = value[()]
        atom = self.atom(value)
        if isinstance(atom, Literal):
            var = Var(atom.type.strong())
            self._constants.append((var, value))
            return Tracer(self, None, var)
        return Tracer(self, None, atom)

    def type_of(self, tracer):
        return tracer.node.type

    def weaken(self, tracer):
        tracer.node.type = ArrayType((), tracer.node.type.dtype, weak=True)

    def concrete(self, tracer):
        if not self.alive:
            raise self.leaked(tracer)
        raise ConcretizationError(
            f"{self.owner}: the value of a traced array is not known while a program is staged, "
            f"got {tracer.array_type}.",
            hint="use fg.numpy.where (or control flow on shapes and static arguments) in place of a "
            "Python decision on the value, and array functions in place of float(x) or math.sin(x).",
        )

    def program(self, inputs: Sequence[Var], outputs: Sequence[Atom], **details: Any) -> Program:
        """Return what was recorded, without the equations and constants that no output needs."""
        equations, constants = pruned(self.equations, self._constants, outputs)
        return Program(tuple(inputs), constants, equations, tuple(outputs), **details)


def _is_spread(extent: int, stride: int) -> bool:
    """Whether an axis repeats the same memory."""
    return stride == 0 and extent > 1


def _unchanged(snapshot, x):
    return np.array_equal(snapshot, x) or snapshot.tobytes() == x.tobytes()


def stage_flat(function: Callable, types: Sequence[ArrayType], owner: str) -> Program:
    """Stage a function of flat arguments that returns a list of leaves."""
    with Staging(owner) as staging:
        tracers = [staging.input(t) for t in types]
        inputs = [t.node for t in tracers]
        return staging.program(inputs, [staging.atom(x) for x in function(*tracers)])


def stage(
    function: Callable,
    args: tuple,
    kwargs: dict[str, Any] | None = None,
    owner: str = "trace",
    decisions: Decisions | None = None,
) -> Program:
    """Stage `function` on arguments given as arrays, numbers or ArrayTypes, in any containers.

    With `decisions`, what they were asked for is returned behind the function's own results; where one has no answer
    yet, Undecided is raised, with the program that finds it.
    """
    with rare_collections(), Watch(owner, function, "each time the program runs"):
        return with_tables(partial(_staged, args, kwargs or {}, owner, decisions), function)


def _staged(args, kwargs, owner, decisions, function):
    if decisions is not None:
        decisions.restart()
    pairs, in_tree = tree.flatten_with_paths((args, kwargs))
    names = argument_names(function, args, kwargs)
    paths = [call_path(path, names) for path, _ in pairs]
    with Staging(owner, decisions=decisions) as staging, capture_effects(staging):
        tracers = [
            argument(staging.input(leaf_type(x, owner, partial(str, path))))
            for path, (_, x) in zip(paths, pairs, strict=True)
        ]
        inputs = [t.node for t in tracers]
        if decisions is not None:
            decisions.follow(staging, inputs)
        call_args, call_kwargs = tree.unflatten(in_tree, tracers)
        names_of_inputs = tuple(map(_identifier, paths))
        try:
            result = function(*call_args, **call_kwargs)
        except BaseException:
            if decisions is None or decisions.complete:
                raise
        if decisions is not None and not decisions.complete:  # though the function may have gone on
            asked = staging.program(inputs, decisions.asked, in_tree=in_tree, name=name_of(function))
            raise Undecided(asked)
        leaves, out_tree = tree.flatten(result)
        check_outputs(leaves, out_tree, owner)
        asked = [] if decisions is None else decisions.asked
        return staging.program(
            inputs,
            [*(staging.atom(x) for x in leaves), *asked],
            in_tree=in_tree,
            out_tree=out_tree,
            name=name_of(function),
            input_names=names_of_inputs,
        )


def leaf_type(x: Any, owner: str, path: Callable[[], str]) -> ArrayType:
    """Return the type of an argument's leaf; raise DTypeError, with its key path, if it has none."""
    refuse_subclass(owner, x)
    try:
        kind = type_of(x)
        if kind.dtype.kind in "biufc":
            return kind
        got = f"dtype {kind.dtype}"
    except DTypeError:
        got = type(x).__name__
    raise DTypeError(
        f"{owner}: expected arrays or numbers, got {path()}: {got}.",
        hint="close over values that are not arrays, or leave them out of the containers.",
    )


def check_outputs(leaves: list[Any], out_tree: tree.TreeDef, owner: str) -> list[Any]:
    """Return `leaves` if all are arrays or numbers; else say which one is not."""
    for i, x in enumerate(leaves):
        if type(x) is not Tracer:
            try:
                type_of(x)
            except DTypeError:
                raise DTypeError(
                    f"{owner}: expected a function that returns arrays or numbers, "
                    f"got result{out_tree.paths()[i]}: {type(x).__name__}.",
                    hint="return numbers, arrays, or containers of them; has_aux=True for the rest.",
                ) from None
    return leaves


def trace(function: Callable) -> Callable:
    """Return a function that traces `function` on its arguments and returns the Program.

    Args:
        function: a pure function of arrays in any containers.

    Returns:
        `traced(*args, **kwargs)`; arguments may be arrays, numbers or `fg.ArrayType`s, of which
        only shapes and dtypes matter. What the Program returns is no part of its arguments, and can be written to.

    Raises:
        ConcretizationError: when `function` needs a value, as in `if x > 0:`.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.trace(lambda x: np.sum(np.tanh(x)))(np.ones(3))
    lambda(x: float64[3]):
        a: float64[3] = tanh x
        b: float64[] = sum[axes=(0,)] a
        return b
    """

    def traced(*args: Any, **kwargs: Any) -> Program:
        return stage(function, args, kwargs, f"trace of {name_of(function)}")

    return traced


def name_of(function: Callable) -> str:
    """Return what to call a function in a message."""
    name = getattr(function, "__name__", type(function).__name__)
    return "lambda" if name == "<lambda>" else name


def argument_names(function: Callable, args: tuple, kwargs: dict) -> list[str]:
    """Return what the user's function calls its positional arguments."""
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return [f"args[{i}]" for i in range(len(args))]
    names: list[str] = []
    for name, value in bound.arguments.items():
        parameter = bound.signature.parameters[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            names.extend(f"{name}[{i}]" for i in range(len(value)))
        elif len(names) < len(args):
            names.append(name)
    return names


def call_path(path: str, names: list[str]) -> str:
    """Turn `[0][1]['w']` (argument 1 of the positional ones) into `params['w']`."""
    if path.startswith("[1]['"):
        end = path.index("']")
        return path[5:end] + path[end + 2 :]
    end = path.index("]", 3)
    index = int(path[4:end])
    return (names[index] if index < len(names) else f"args[{index}]") + path[end + 1 :]


def _identifier(path: str) -> str:
    """Turn `params['w'][0]` into `params_w_0`."""
    out = "".join(c if c.isalnum() or c == "_" else " " for c in path)
    return "_".join(out.split())

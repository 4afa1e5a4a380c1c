"""Tracers, traces and `bind`: how a primitive reaches whoever is watching.

A trace watches one run of a function. Its inputs are tracers; `bind` hands each primitive that
meets a tracer to the innermost trace among its arguments, which evaluates the primitive one level
down (where the arguments are arrays, or tracers of an outer trace) and notes what it needs.
"""

import math
from itertools import count
from typing import Any, Protocol
from weakref import ref

import numpy as np

from funcgrad.core.layout import is_shared
from funcgrad.core.roles import capture_operations, capturing_trace, in_role, roles
from funcgrad.core.types import ArrayType, dtype_of, shape_of, type_of
from funcgrad.errors import (
    WHEN_STATIC,
    ConcretizationError,
    DerivativeError,
    DerivativeWarning,
    FuncgradError,
    InPlaceError,
    LeakedTracerError,
)
from funcgrad.source import user_location

__all__ = [
    "FUNCTIONS",
    "UFUNCS",
    "Trace",
    "Tracer",
    "bind",
    "block",
    "closes_over_traced",
    "concrete",
    "detach",
    "is_any_open",
    "is_concrete",
    "refresh",
]

# What NumPy's dispatch protocols look up; filled by funcgrad.numpy and funcgrad.scipy. SciPy's ufuncs
# stand here by their names, so that SciPy need not be loaded.
UFUNCS: dict[Any, Any] = {}
FUNCTIONS: dict[Any, Any] = {}


class Operation(Protocol):
    """What `bind` asks of a primitive; all there is to one is in `core.primitive`."""

    name: str
    multiple: bool
    effect: bool
    view: bool

    def type_rule(self, *types: ArrayType, **params: Any) -> Any: ...

    def eval_rule(self, *args: Any, **params: Any) -> Any: ...

    def views_scalar(self, **params: Any) -> bool: ...


class Tracer:
    """A handle on a variable of a trace.

    `value` is the variable's value one level down (None when staged), `node` what the trace keeps
    of it (a tape index, a tangent, a Var), and `alias` its ties to other handles through views and
    in-place writes. The array interface (operators, methods, NumPy's protocols) is attached by
    `funcgrad.numpy.array_methods`.
    """

    __slots__ = ("__weakref__", "alias", "node", "tracing", "value")

    def __init__(self, trace: "Trace", value: Any, node: Any):
        self.tracing = trace
        self.value = value
        self.node = node
        self.alias: Alias | None = None

    @property
    def array_type(self) -> ArrayType:
        return self.tracing.type_of(self)

    @property
    def shape(self) -> tuple[int, ...]:
        trace = self.tracing
        return shape_of(self.value) if trace.transparent else trace.type_of(self).shape

    @property
    def dtype(self) -> np.dtype:
        trace = self.tracing
        return dtype_of(self.value) if trace.transparent else trace.type_of(self).dtype

    @property
    def ndim(self) -> int:
        if type(self.value) is np.ndarray and self.tracing.transparent:
            return self.value.ndim
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class Alias:
    """A handle's ties: the base it is a view of, and how often it has been written.

    `seen` is the base's version when this view was last read. `error`, when set, is the error
    text for any further use. `readonly` marks a read-only view. `in_order` says whether an array that is no view is in C
    order in memory (None: where it has one axis), or that a reshape is a view whatever the order; `raveled` that NumPy
    has a view only where the base is in C order.
    """

    __slots__ = (
        "base", "error", "has_base_or_block", "in_order", "params", "primitive", "raveled", "readonly", "seen", "version"
    )  # fmt: skip

    def __init__(self, base=None, primitive=None, params=None, error=""):
        self.base = base
        self.primitive = primitive
        self.params = params
        self.version = 0
        self.readonly = self.raveled = False
        self.in_order: bool | None = None
        self.seen = 0 if base is None or base.alias is None else base.alias.version
        self.error = error
        self.has_base_or_block = base is not None or bool(error)


# Traces are numbered as they are opened, over all threads: what one thread traces may be handed to another. The later
# of two traces that meet is the inner one.
_levels = count(1)
_open: dict[int, Any] = {}  # by level, references to them; an interrupt may have kept one from being closed


# What NumPy says of `np.zeros(traced)` in place of what `__index__` raises.
_NO_SHAPE = "expected a sequence of integers or a single integer, got 'Tracer<"


class Trace:
    """One run of a function under a transformation; a context manager.

    A trace opened later has a higher level, on whichever thread, from 1 on (see `core.made` for what is below). The
    innermost trace among a primitive's arguments handles it, so the levels of a nest of transformations never mix.

    Args:
        owner: what the user called, for messages, such as `grad of loss`.

    Attributes:
        outermost: no other trace was open when this one was, so nothing is traced one level down.
        around: a reference to the trace that this one was opened in, on this thread.
    """

    __slots__ = ("__weakref__", "alive", "around", "level", "outermost", "owner")

    # Whether a tracer has the shape and dtype of its value one level down.
    transparent = True
    # Whether a jitted function called on its tracers is traced as part of the function around it.
    inlines_jitted = False

    def __init__(self, owner: str):
        self.owner = owner
        self.alive = False
        self.level = 0
        self.outermost = False
        self.around: Any = None

    def __enter__(self):
        self.outermost = not _open or not is_any_open()
        self._begin()
        me = ref(self)
        _open[self.level] = me
        self.around, roles.innermost = roles.innermost, me
        return self

    def _begin(self):
        self.level, self.alive = next(_levels), True

    def __exit__(self, kind, error, traceback) -> None:
        self.alive = False
        roles.innermost = self.around
        _open.pop(self.level, None)
        if error is None:
            return
        ours = (FuncgradError, DerivativeWarning)
        if isinstance(error, (ValueError, SystemError)) and isinstance(error.__cause__, ours):
            # NumPy wraps what __float__ raises in `plain[0] = traced`, SciPy's brentq goes on with it.
            raise error.__cause__ from None
        if isinstance(error, TypeError) and str(error).startswith(_NO_SHAPE):
            error.add_note(f"Hint: use a plain int; {WHEN_STATIC}")

    def process(self, primitive: Operation, args: tuple, params: dict) -> Any:
        """Evaluate `primitive` one level down, and note what this transformation needs of it."""
        raise NotImplementedError

    def lift(self, value: Any) -> Tracer:
        """Return a handle of this trace on a constant."""
        raise NotImplementedError

    def type_of(self, tracer: Tracer) -> ArrayType:
        return type_of(tracer.value)

    def level_of(self, tracer: Tracer) -> float:
        """Return the level of the trace that `tracer` was made in."""
        return self.level

    def overwrite(self, x: Tracer, key: tuple, value: Any) -> bool:
        """Perform `x[key] = value` in the memory of `x`, if nothing else refers to it."""
        return False

    def plain(self, tracer: Tracer) -> np.ndarray | None:
        """Return the plain array behind `tracer` where nothing is lost by taking it; else None."""
        return None

    def weaken(self, tracer: Tracer) -> None:
        """Mark the type of `tracer` as that of a Python number, where this trace has types of its own."""

    def stand_in(self, x: Any) -> Any:
        """Return what stands for `x` while this trace has whatever is done to tracers."""
        return x

    def concrete(self, tracer: Tracer) -> Any:
        """Return the NumPy value of `tracer`; raise ConcretizationError where none is known."""
        if not self.alive:
            raise self.leaked(tracer)
        return concrete(tracer.value)

    def check_outputs(self, primitive: Operation, outputs: tuple) -> None:
        """Refuse results of this trace, or of an inner one: a function closes over what `captured_by` did not find."""
        if any(type(y) is Tracer and y.tracing.level >= self.level for y in outputs):
            raise closes_over_traced(primitive.name)

    def leaked(self, tracer: Tracer | None = None) -> FuncgradError:
        """Return the error for a tracer that is met outside its trace."""
        kind = f": {tracer.array_type}" if tracer is not None else ""
        return LeakedTracerError(
            f"{self.owner}: a traced value must not be used after the transformation has ended, "
            f"got a value it traced{kind}.",
            hint="return the value from the function (has_aux=True carries extra results) "
            "instead of keeping it in a global, a closure or an object.",
        )


def is_any_open() -> bool:
    """Whether a trace is open, on any thread; those that are gone are forgotten."""
    for level, reference in list(_open.items()):
        if reference() is not None:
            return True
        _open.pop(level, None)
    return False


def closes_over_traced(name: str) -> DerivativeError:
    """Return the error for a function with a rule of its own that captures what is being traced."""
    return DerivativeError(
        f"{name}: a function with a derivative of its own must not close over traced values, got one that does.",
        hint="pass the value as an argument.",
    )


def bind(primitive: Operation, *args: Any, **params: Any) -> Any:
    """Apply `primitive`: by the innermost trace among `args`, or with NumPy when there is none."""
    trace = None
    level = 0
    mixed = False
    for x in args:
        if type(x) is Tracer:
            if x.alias is not None and x.alias.has_base_or_block:
                refresh(x)
            owner = x.tracing
            if owner is not trace:
                mixed = trace is not None
                if owner.level > level:
                    trace = owner
                    level = owner.level
    capturing = roles.operations
    if capturing is not None and capturing.level > level and trace is not None and capturing.alive:
        trace, level = capturing, capturing.level
    if primitive.effect:
        staging = in_role("effects")
        if staging is not None and staging.level > level:
            trace = staging
    if mixed:  # what is made within a traced function is plain to every trace
        args = tuple([x.value if type(x) is Tracer and x.tracing.level < 1 else x for x in args])
    try:
        if trace is None:
            return primitive.eval_rule(*args, **params)
        out = trace.process(primitive, args, params)
    except FuncgradError as error:
        if trace is None or trace.transparent or isinstance(error, ConcretizationError):
            raise
        better = _explained(primitive, args, params)
        if better is None:
            raise
        raise better from None  # in the shapes of this level
    except (ValueError, TypeError, IndexError) as error:
        better = _explained(primitive, args, params)
        if better is None:
            raise
        raise better from error
    if (
        primitive.view
        and type(out) is Tracer
        and type(args[0]) is Tracer
        and (out.ndim or primitive.views_scalar(**params))
    ):
        out.alias = Alias(args[0], primitive, params)
    return out


def _explained(primitive, args, params):
    """Return the type rule's error for a failed evaluation; None where it knows no better than NumPy did."""
    try:
        primitive.type_rule(*[type_of(x) for x in args], **params)
    except FuncgradError as better:
        better.at = user_location()
        return better
    except Exception:
        return None
    return None


def refresh(x: Tracer) -> None:
    """Bring a view up to date with the writes made to the array it views."""
    alias = x.alias
    assert alias is not None
    if alias.error:
        raise InPlaceError(
            alias.error,
            hint="write to the array itself, before or in place of reshaping it; or copy the reshaped one "
            "(z = y.reshape(...).copy()) if the two are to differ.",
        )
    base = alias.base
    if base is None:
        return
    if base.alias is None:
        return
    if base.alias.has_base_or_block:
        refresh(base)
    if base.alias.version != alias.seen:
        shared = is_shared(x)
        if shared is None:
            block(x)
            refresh(x)  # raises
        if not shared:
            detach(x)
            return
        with capture_operations(None):  # the view is the user's, within a branch and after it
            fresh = alias.primitive(base, **alias.params)
        x.tracing, x.value, x.node = fresh.tracing, fresh.value, fresh.node
        alias.seen = base.alias.version
        alias.version += 1


def block(x: Tracer) -> None:
    """Let an array not be used again, of which it is unknown whether a write through another name has reached it."""
    if x.alias is None:
        x.alias = Alias()
    x.alias.error = (
        "assignment: an array must not be used again after a write to a reshape of it, or to what it is a reshape of, "
        f"because whether NumPy lets them share memory depends on the layout, got {x.array_type}."
    )
    x.alias.has_base_or_block = True


def detach(x: Tracer) -> None:
    """Let a view be an array of its own, in C order, as NumPy has made it."""
    assert x.alias is not None
    x.alias.base, x.alias.has_base_or_block, x.alias.in_order = None, False, True


def is_concrete(x: Any) -> bool:
    """Whether the value of `x` is known now."""
    try:
        concrete(x)
    except ConcretizationError:
        return False
    return True


def concrete(x: Any) -> Any:
    """Return the NumPy value behind `x`, through every level of tracing.

    Raises:
        ConcretizationError: when a level is staged or batched, so that there is no one value.
    """
    if type(x) is Tracer and (around := capturing_trace()) is not None:
        x = around.stand_in(x)
    if type(x) is not Tracer:
        return x
    if x.alias is not None and x.alias.has_base_or_block:
        refresh(x)
    return x.tracing.concrete(x)

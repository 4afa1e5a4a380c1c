"""jit: a function that runs as one native call for each signature of its arguments."""

import os
import sys
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from types import MethodType
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.compile.advice import advise
from funcgrad.compile.compiled import Compiled
from funcgrad.compile.compiler import compiler
from funcgrad.compile.donation import DONATED, check_donated, donate, donated_numbers
from funcgrad.compile.guards import FEW_DECISIONS, Guarded
from funcgrad.compile.interpreted import interpreted
from funcgrad.compile.jit_call import callable_of, closed, jit_call, restored
from funcgrad.compile.runtime.errors import NativeError
from funcgrad.compile.signature import Signature, StaticArguments, kind_of
from funcgrad.compile.stages import Lowered
from funcgrad.core.decisions import Decisions, Undecided, has_value
from funcgrad.core.made import known
from funcgrad.core.program import Program
from funcgrad.core.staging import name_of, stage
from funcgrad.core.tracer import Tracer, concrete
from funcgrad.core.types import with_native_bytes
from funcgrad.errors import DTypeError
from funcgrad.garbage import rare_collections
from funcgrad.locks import forkable_lock
from funcgrad.programs.memo import forget_all
from funcgrad.programs.optimize import with_loops
from funcgrad.programs.rolling.roll import report_of
from funcgrad.transforms.arguments import presented

__all__ = ["clear_caches", "jit"]

# How many signatures a function keeps compiled; beyond, an eighth goes, of those that have not been called for longest.
MOST_SIGNATURES = 1024
_functions: weakref.WeakSet = weakref.WeakSet()


def jit(
    function: Callable | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
    backend: str = "native",
) -> Callable:
    """Return a function that computes the same as `function`, compiled.

    The function is traced once for each signature of its arguments: their containers, shapes, dtypes, which are
    Python numbers, and the values of the static ones. What it does apart from array operations (printing, say)
    happens only then, and arrays it closes over are constants from then on.

    Args:
        function: a pure function of arrays in any containers; without it, jit returns a decorator:
            `@jit(static_argnames="order")`.
        static_argnums, static_argnames: arguments that are not arrays but choose what to compile; hashable.
        donate_argnums: positional arguments the caller gives up: using one of their arrays again in a jitted
            function is an error. Memory is reused in any case: large results are made in that of earlier ones
            to which nothing refers any more, so that `x = step(x)` needs two arrays, donated or not.
        backend: "native" for machine code; "numpy" to run the same simplified program by NumPy.

    Returns:
        a function of the same arguments, with `lower(*args)` (see the stages of compilation, or compile ahead of
        time), `explain()` (what has been compiled, and why the last time) and `clear()` (forget it). It works under
        every transformation, and every transformation works inside it; a jitted function in another is part of it.

    The last 1,024 signatures are kept compiled; `fg.clear_caches()` forgets those of all functions.

    Python's decisions on values (`if x > 0:`, `while error > tol:`) are followed: each way the function goes is compiled
    when arguments first take it, and from then on every call checks that its arguments go that way. From the third way
    on, and where there are more than 16 decisions on the first, both sides of an `if` are traced that does nothing but
    compute, as those of `cond` are, and the program is one for all ways. A function that still goes more than 32 is
    interpreted from then on, with a warning that says why.

    Raises:
        ConcretizationError: when `function` needs another value of an array, as in `range(n)`.
        DTypeError: when a static argument is not hashable, or another one is no array.

    An error of the compiled code, as of a matrix that is singular, is met by calling `function` itself once more (where
    it has no loops or branches of funcgrad's), so that its own `try` and `except` are followed.

    Floating results can differ in the last bits from those without jit, by the order of summation. The
    environment variable FUNCGRAD_JIT=0, set before the first call, runs everything without compilation.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> step = fg.jit(fg.grad(lambda x: np.sum(x**2)))
    >>> step(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    if function is None:
        return partial(
            jit,
            static_argnums=static_argnums,
            static_argnames=static_argnames,
            donate_argnums=donate_argnums,
            backend=backend,
        )
    if not callable(function):
        raise DTypeError(
            f"jit: expected a function, got {type(function).__name__}.",
            hint="pass the function itself: jit(f)(x), not jit(f(x)).",
        )
    if backend not in ("native", "numpy"):
        raise DTypeError(f'jit: expected backend "native" or "numpy", got {backend!r}.')
    static = StaticArguments(function, static_argnums, static_argnames)
    return presented(Jitted(function, static, donate_argnums, backend), "jit", function)


class Jitted:
    """A function compiled for each signature it is called with; made by `jit`."""

    def __init__(self, function: Callable, static: StaticArguments, donated: Any, backend: str):
        self._function = function
        self._owner = f"jit of {name_of(function)}"
        self._static = static
        self._donated = donated_numbers(self._owner, donated)
        self._backend = backend
        self._compiled: dict[Any, Compiled] = {}
        self._last: Signature | None = None
        self._reason = ""
        self._fast: Callable | None = None
        self._lock = forkable_lock()
        self._executables: list[Any] = []
        # Equal programs share their code, which may live on; the memory it keeps for later calls need not.
        weakref.finalize(self, _forget, self._executables).atexit = False
        _functions.add(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            fast = self._fast
            if fast is not None and not kwargs and not DONATED:
                out = fast(*args)
                if out is not NotImplemented:
                    return out
            return self._slow(args, kwargs)
        except (np.linalg.LinAlgError, NativeError):
            if not all(c.straight for c in self._compiled.values()):
                raise
        # The function itself may know what to do: `try: cholesky(a) except LinAlgError: ...`.
        return self._interpreted(*self._static.split(args, kwargs))

    def of_function(self, function: Callable) -> Callable:
        """Return the jit of another function, with the same options."""
        return _rebuilt(function, self._static, self._donated, self._backend)

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else MethodType(self, owner)

    def _slow(self, args, kwargs):
        if os.environ.get("FUNCGRAD_JIT") == "0":
            return self._function(*args, **kwargs)
        if DONATED:
            check_donated(self._owner, (*args, *kwargs.values()))
        if self._donated:
            out = self._call(args, kwargs)
            donate(self._owner, args, self._donated)
            return out
        return self._call(args, kwargs)

    def _call(self, args, kwargs):
        static, args, kwargs = self._static.split(args, kwargs)
        if len(kwargs) > 1 and not self._static.sees_order:
            kwargs = dict(sorted(kwargs.items()))
        leaves, in_tree = tree.flatten((args, kwargs))
        if any(isinstance(x, np.ndarray) and not x.dtype.isnative for x in leaves):
            leaves = [with_native_bytes(x) for x in leaves]
            args, kwargs = tree.unflatten(in_tree, leaves)
        traced = [x for x in leaves if type(x) is Tracer]
        if traced:  # but for arrays that funcgrad.numpy has made within the function around this one
            leaves = [known(x) for x in leaves]
            args, kwargs = tree.unflatten(in_tree, leaves)
            traced = [x for x in leaves if type(x) is Tracer]
        if traced:
            innermost = max(traced, key=lambda x: x.tracing.level).tracing
            if innermost.inlines_jitted:
                args, kwargs = static.merged(args, kwargs)
                return self._function(*args, **kwargs)
        try:
            # (A function sees the order of a dict: it may stack its values.)
            key = (in_tree, in_tree.order, static.key, tuple([kind_of(x) for x in leaves]))
        except DTypeError:
            self._stage(static, args, kwargs)  # says which argument it is
            raise
        compiled, is_new = self._compiled.get(key), False
        if compiled is None:
            compiled, is_new = self._traced(key, static, args, kwargs, in_tree, leaves)
        compiled.use()
        if compiled.guarded is not None:
            out = compiled.guarded(leaves, begun=is_new)
            if compiled.guarded.captures:
                self._compiled.pop(key, None)
            elif compiled.guarded.program is not None:  # with its branches in it
                self._compiled[key] = compiled.with_choices(compiled.guarded.program)
            return out
        if compiled.captured or traced:
            return self._bound(compiled, leaves)
        if compiled.call is None:
            self._compile(compiled, static, kwargs)
        self._fast = compiled.fast
        out = compiled.call(*leaves)
        return out if compiled.single else restored(compiled.program, out)

    def _interpreted(self, static, args, kwargs):
        return interpreted(static.bound(self._function), args, kwargs, self._owner)

    def _bound(self, compiled, leaves):
        program = closed(compiled.program) if compiled.captured else compiled.program
        outs = jit_call(*leaves, *compiled.captured, program=program, backend=self._backend)
        return tree.unflatten(compiled.program.out_tree, list(outs))

    def _traced(self, key, static, args, kwargs, in_tree, leaves):
        """Return what is kept of a signature, and whether it was traced for these arguments."""
        with self._lock, rare_collections():
            if key in self._compiled:
                return self._compiled[key], False
            decisions, guarded = Decisions(), None
            if all(map(has_value, leaves)):
                decisions = Decisions((), [concrete(x) for x in leaves], FEW_DECISIONS)
            function = static.bound(self._function)
            staged = partial(stage, function, args, kwargs, self._owner)
            try:
                program = staged(decisions)
            except Undecided as stop:
                program = stop.program
            if not decisions.asked:
                advise(program, self._owner)
            else:
                guarded = Guarded(
                    self._owner,
                    function,
                    staged,
                    lambda leaves: self._interpreted(static, *tree.unflatten(in_tree, leaves)),
                    self._backend,
                )
                guarded.begin(program, decisions)
            signature = Signature(self._function, args, kwargs, program.in_types, in_tree, static)
            self._reason = signature.against(self._last)
            self._last = signature
            compiled = Compiled(signature, program, guarded)
            if not compiled.captured:  # that would belong to one run of another transformation
                if len(self._compiled) >= MOST_SIGNATURES:
                    self._drop(MOST_SIGNATURES // 8)
                self._compiled[key] = compiled
            return compiled, True

    def _drop(self, number):
        """Drop the signatures that have not been called for longest; calls that run keep their own code."""
        fast = self._fast
        old = [key for key, c in self._compiled.items() if fast is None or c.fast is not fast]
        for key in sorted(old, key=lambda key: self._compiled[key].used)[:number]:
            call = self._compiled.pop(key).call
            self._executables[:] = [e for e in self._executables if e is not call]

    def clear(self) -> None:
        """Forget all that has been compiled for this function: the next call traces it again.

        Machine code is freed with the last that uses it; equal programs may be kept (see `fg.clear_caches`).

        >>> import funcgrad as fg
        >>> f = fg.jit(lambda x: 2 * x)
        >>> f(1.0), f.clear()
        (np.float64(2.0), None)
        >>> f.explain()
        'jit of lambda: 0 compiled signatures'
        """
        with self._lock:
            self._fast, self._last, self._reason = None, None, ""
            self._compiled.clear()
            self._executables.clear()

    def _compile(self, compiled, static, kwargs):
        with self._lock:
            if compiled.call is not None:
                return
            call = callable_of(compiled.program, self._backend)
            if isinstance(call, compiler().Executable):
                self._executables.append(call)
                if not (kwargs or static.key or self._donated):
                    compiled.fast = self._shortcut(compiled, call.call)
            compiled.call = call

    def _shortcut(self, compiled, call):
        """Return the native function for arguments of this structure, without the search for what to call."""
        arguments, results = compiled.program.in_tree.children[0], compiled.program.out_tree
        flat = all(child is tree.LEAF for child in arguments.children)
        plain_tuple = results.kind is tuple and results.shallow
        if flat and (compiled.single or (plain_tuple and len(compiled.program.outputs) > 1)):
            return call
        return tree.adapted(call, arguments, results)

    def _stage(self, static, args, kwargs, decisions: Decisions | None = None) -> Program:
        program = stage(static.bound(self._function), args, kwargs, self._owner, decisions)
        advise(program, self._owner)
        return program

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Return the stages of compilation for arguments like these (arrays, numbers, or `fg.ArrayType`s).

        >>> import funcgrad as fg
        >>> print(fg.jit(lambda x: 2 * x).lower(fg.ArrayType((3,), float)).program)
        lambda(x: float64[3]):
            a: float64[3] = multiply 2 x
            return a
        """
        static, args, kwargs = self._static.split(args, kwargs)
        return Lowered(self._stage(static, args, kwargs))

    def explain(self) -> str:
        """Return what has been compiled: what of it NumPy is called for, and which Python loops were found, and why not;
        and which argument made the last compilation necessary.

        >>> import numpy as np
        >>> import funcgrad as fg
        >>> f = fg.jit(lambda x: np.gcd(x, 6) * 2)
        >>> f(4), print(f.explain().split(", at")[0])
        jit of lambda: 1 compiled signature
          x: int
            calls NumPy for gcd: no native code for int64
        (np.int64(4), None)
        """
        count = len(self._compiled)
        lines = [f"{self._owner}: {count} compiled signature{'s' * (count != 1)}"]
        for c in list(self._compiled.values()):
            lines.append(f"  {c.signature}" + (f": {c.guarded}" if c.guarded is not None else ""))
            calls = [c.call] if c.guarded is None else c.guarded.calls
            hosts = dict.fromkeys(str(host) for call in calls for host in getattr(call, "host_calls", ()))
            lines += [f"    calls NumPy for {host}" for host in hosts]
            programs = [c.program] if c.guarded is None else c.guarded.programs
            reports = [str(found) for p in programs for found in report_of(with_loops(p))]
            lines += [f"    {found}" for found in dict.fromkeys(reports)]
        if self._reason:
            lines.append(f"last compiled because {self._reason}")
        return "\n".join(lines)

    def __reduce__(self) -> Any:
        module, name = self._function.__module__, getattr(self._function, "__name__", "")
        if getattr(sys.modules.get(module), name, None) is self:  # a decorator: the name stands for it
            if module != "__main__":
                return _found, (module, name)
            # In another process this may be another module. The function goes by value with cloudpickle; pickle looks
            # for it by name, and finds it here.
            self._function.__qualname__ = f"{name}.__wrapped__"
            return _found_or_rebuilt, (self._function, self._static, self._donated, self._backend)
        return _rebuilt, (self._function, self._static, self._donated, self._backend)


def _found(module, name):
    return getattr(import_module(module), name)


def _found_or_rebuilt(function, *details):
    known = getattr(sys.modules.get(function.__module__), function.__name__, None)
    return known if getattr(known, "__wrapped__", None) is function else _rebuilt(function, *details)


def _rebuilt(function, static, donated, backend):
    return presented(Jitted(function, static, donated, backend), "jit", function)


def clear_caches() -> None:
    """Forget all that has been compiled and derived, for all functions: memory is free, and calls compile anew.

    What is on disk stays (see `FUNCGRAD_CACHE_DIR`), so most of that is only read again. For one function there is
    `f.clear()`.
    """
    for function in list(_functions):
        function.clear()
    forget_all()


def _forget(executables):
    for executable in executables:
        executable.forget()

"""What functions call whose branches are written anew (core/branch_syntax.py): a choice with both its sides traced."""

import builtins
from collections.abc import Callable, Iterator, Sequence
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.control.branching import staged_cond
from funcgrad.core.branch_syntax import CALLS
from funcgrad.core.choosing import is_choosing
from funcgrad.core.decisions import has_value
from funcgrad.core.inplace import readonly
from funcgrad.core.roles import is_outside_body
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import is_array, shape_of
from funcgrad.core.weakness import is_weak, weaken
from funcgrad.errors import TreeError

__all__: list[str] = []

# What `x += y` changes in place, as it does arrays.
_CHANGING = (list, dict, set, bytearray)
# What may be called, and what calls may be attributes of: they are taken not to change.
_UNCHANGING = (Tracer, ModuleType, type, FunctionType, np.ufunc, np.generic, int, float, complex, str, tuple)


class _Undefined:
    """What stands for a variable that has no value; whoever computes with it gets an error."""

    def __repr__(self) -> str:
        return "a variable without a value"


UNDEFINED = _Undefined()


def _value(read: Callable[[], Any]) -> Any:
    """Return the value of a variable, which may have none."""
    try:
        return read()
    except NameError:
        return UNDEFINED


def _is_unknown(test: Any) -> bool:
    """Whether it is for a choice to decide: a traced value, of one element."""
    return is_choosing() and type(test) is Tracer and test.size == 1 and not has_value(test)


def _returned(test: Any, then: Callable, other: Callable, values: Sequence[Any]) -> Any:
    """Return what one of two functions of `values` returns."""
    if not _is_unknown(test):
        return (then if test else other)(*values)
    return _by_cond(test, lambda: then(*values), lambda: other(*values))


def _chosen(
    test: Any, then: Callable, other: Callable, values: Sequence[Any], always: Sequence[bool]
) -> Sequence[Any]:
    """Return the values that variables have after one of two functions of them.

    Args:
        always: which of them have one after either, whether they have one before or not.
    """
    if not _is_unknown(test):
        return (then if test else other)(*values)
    kept = [i for i, x in enumerate(values) if always[i] or x is not UNDEFINED]

    def side(function):
        out = function(*values)
        return [out[i] for i in kept]

    found = dict(zip(kept, _by_cond(test, lambda: side(then), lambda: side(other)), strict=True))
    return [found.get(i, UNDEFINED) for i in range(len(values))]


def _by_cond(test: Tracer, then: Callable, other: Callable) -> Any:
    weak: dict[int, list[bool]] = {}
    outside: dict[int, list[bool]] = {}

    def noting(function, number):
        def side():
            out = function()
            leaves = tree.leaves(out)
            weak[number] = [is_weak(x) for x in leaves]
            outside[number] = [_is_outside(x) for x in leaves]
            return out

        return side

    out = staged_cond(_scalar(test), noting(then, 1), noting(other, 0), repeated="")
    leaves, structure = tree.flatten(out)
    for i, x in enumerate(leaves):
        if weak[0][i] and weak[1][i]:
            leaves[i] = weaken(x)
        elif (outside[0][i] or outside[1][i]) and shape_of(x):
            readonly(x)  # in Python it may be the same array by another name
    return tree.unflatten(structure, leaves)


def _is_outside(x: Any) -> bool:
    """Whether an array, or one that it is a view of, was there before the branch: then it is known by other names, too."""
    while type(x) is Tracer:
        if is_outside_body(x):
            if x.shape and x.alias is None:
                readonly(x)
            return True
        if x.alias is None or x.alias.base is None:
            return False
        x = x.alias.base
    return is_array(x)


def _all(*tests: Callable[[], Any]) -> Any:
    """Return `a and b and ...` where it is asked whether that is true."""
    found: Any = True
    for test in tests:
        if not _is_unknown(found) and not found:
            return False
        found = _together(np.logical_and, found, test())
    return found


def _any(*tests: Callable[[], Any]) -> Any:
    found: Any = False
    for test in tests:
        if not _is_unknown(found) and found:
            return True
        found = _together(np.logical_or, found, test())
    return found


def _together(operation: Callable, x: Any, y: Any) -> Any:
    if not (_is_unknown(x) or _is_unknown(y)):
        return bool(y) if x is True or x is False else y
    return operation(*(_scalar(a) if _is_unknown(a) else bool(a) for a in (x, y)))


def _negation(test: Any) -> Any:
    return np.logical_not(_scalar(test)) if _is_unknown(test) else not test


def _scalar(test: Tracer) -> Tracer:
    return np.reshape(test, ()) if test.shape else test


def _largest(function: Callable, *args: Any) -> Any:
    """Return `max(*args)` or `min(*args)`: of equal ones the first."""
    if function not in (builtins.max, builtins.min):
        return function(*args)
    items = list(args[0]) if len(args) == 1 and isinstance(args[0], (list, tuple)) else [*args]
    if len(items) < 2 or not any(map(_is_unknown, items)):
        return function(*args)
    found = items[0]
    for x in items[1:]:
        better = x > found if function is builtins.max else x < found
        found = _returned(better, lambda x=x: x, lambda found=found: found, ())
    return found


# What a side of a branch may not do, as both are traced.


def _unshared(x: Any) -> None:
    """Refuse to change what is there before, by `x += y`."""
    if isinstance(x, _CHANGING) or (is_array(x) and type(x) is not Tracer and shape_of(x)):
        raise _refused(f"changes a {type(x).__name__} in place")


def _pure(x: Any) -> Any:
    """Return what is called, or has a method called, if it is not known to change something."""
    if isinstance(x, (*_UNCHANGING, np.ndarray)):
        return x
    if isinstance(x, BuiltinFunctionType) and isinstance(x.__self__, (ModuleType, *_UNCHANGING, type(None))):
        return x
    if isinstance(x, MethodType) and isinstance(x.__self__, type):
        return x
    if getattr(type(x), "__module__", "").partition(".")[0] in ("funcgrad", "numpy", "functools"):
        if not isinstance(x, (np.random.Generator, np.random.RandomState)):
            return x
    raise _refused(f"calls a {type(x).__name__}, which may change it")


def _fresh(x: Any) -> Any:
    """Return what a loop goes over, if that does not use it up."""
    if isinstance(x, Iterator):
        raise _refused(f"uses up a {type(x).__name__}")
    return x


def _refused(what: str) -> TreeError:
    return TreeError(f"a branch that depends on traced values {what}, so only one side of it can be traced.")


CALLS.__dict__.update(
    all=_all,
    any=_any,
    chosen=_chosen,
    fresh=_fresh,
    largest=_largest,
    negation=_negation,
    pure=_pure,
    returned=_returned,
    undefined=UNDEFINED,
    unshared=_unshared,
    value=_value,
)

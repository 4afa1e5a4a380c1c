"""What functions and objects refer to, as far as their user's code can reach it."""

from collections.abc import Iterable, Iterator
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from funcgrad.core.program import Program
from funcgrad.core.tracer import Tracer

__all__ = ["NOTHING_INSIDE", "codes_of", "holds_tracer", "is_object", "module_of", "names_of", "parts"]

NOTHING_INSIDE = frozenset(
    {
        *(type(None), type(...), bool, int, float, complex, str, bytes, type, range, slice),
        *(np.ndarray, np.dtype, np.ufunc, ModuleType, BuiltinFunctionType),
    }
)
# Objects of these are large, and refer to no functions of the user's, nor (but for Programs) to traced values.
_NOT_LOOKED_INTO = (
    "funcgrad.core.",
    "funcgrad.compile.",
    "funcgrad.tree.",
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
)


def parts(x: Any, *, every_global: bool = False) -> Iterable[Any]:
    """Return what an object refers to, as far as its user's code can reach it.

    Args:
        every_global: whether all globals that a function names belong to it, or only those that are traced values.
    """
    if isinstance(x, FunctionType):
        return _parts_of_function(x, every_global)
    if isinstance(x, MethodType):
        return x.__func__, x.__self__
    if isinstance(x, partial):
        return x.func, x.args, x.keywords
    if isinstance(x, dict):
        return list(x.values())
    if isinstance(x, (list, tuple, set, frozenset)):
        return x
    if hasattr(type(x), "of_function"):
        return (x.__wrapped__,)
    if isinstance(x, Program):
        return [value for _, value in x.constants]
    if isinstance(x, (type, ModuleType)) or module_of(type(x)).startswith(_NOT_LOOKED_INTO):
        return ()
    slots = [name for cls in type(x).__mro__ for name in _names(cls.__dict__.get("__slots__", ()))]
    return [*getattr(x, "__dict__", {}).values(), *(getattr(x, name) for name in slots if hasattr(x, name))]


def is_object(x: Any) -> bool:
    """Whether `x` refers to others by attributes: it is no function and no container."""
    return not isinstance(x, (FunctionType, MethodType, partial, dict, list, tuple, set, frozenset))


def _names(slots: Any) -> Iterable[str]:
    names = (slots,) if isinstance(slots, str) else slots
    return [name for name in names if not name.startswith("__")]


def module_of(x: Any) -> str:
    """Return the name of the module that a function or class is of; none for a class that asks its objects for it."""
    name = getattr(x, "__module__", None)
    return name if isinstance(name, str) else ""


def _parts_of_function(function: FunctionType, every_global: bool) -> list[Any]:
    found = [function.__defaults__, function.__kwdefaults__, function.__dict__]
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # of a name that has no value yet
            continue
    around = function.__globals__
    if every_global:
        found.extend(around[name] for name in names_of(function.__code__) if name in around)
    else:
        found.extend(around[name] for name in function.__code__.co_names if type(around.get(name)) is Tracer)
    return found


def names_of(code: CodeType) -> set[str]:
    """Return the names of globals and attributes in a function, and in those that it defines."""
    return {name for each in codes_of(code) for name in each.co_names}


def codes_of(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of a function and of those that it defines."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_of(constant)


def holds_tracer(items: Any) -> bool:
    """Whether a tracer is among the items, or in lists and tuples among them."""
    for item in items:
        if type(item) is Tracer:
            return True
        if isinstance(item, (list, tuple)) and holds_tracer(item):
            return True
    return False

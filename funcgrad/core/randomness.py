"""A warning where a traced function draws random numbers: they are drawn once, and the program keeps them.

Nobody is told when a generator is asked; but its state is another one afterwards. So the states of NumPy's global
generator, and of the generators that a function can reach, are compared before and after it is traced.
"""

import dis
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from types import CodeType
from typing import Any
from weakref import ref

import numpy as np

from funcgrad.core.reach import codes_of
from funcgrad.core.reachable import Reachable
from funcgrad.errors import RandomnessWarning
from funcgrad.heavy import ctypes
from funcgrad.source import Location

__all__ = ["Watch", "paused"]

_SEEN: dict[Any, Any] = {}  # what Python's warnings keep of the lines they have told of


class _Active(threading.local):
    """The watches of this thread; each knows the one around it."""

    innermost: "ref[Watch] | None" = None


_active = _Active()


class Watch:
    """Warns at its end if random numbers were drawn meanwhile.

    Args:
        owner: what traces.
        function: what is traced.
        repeated: where the numbers are the same.
    """

    __slots__ = (
        "__weakref__",
        "_alone",
        "_before",
        "_drawn",
        "_function",
        "_late",
        "_outer",
        "_owner",
        "_reachable",
        "_repeated",
    )

    def __init__(self, owner: str, function: Callable, repeated: str):
        self._owner = owner
        self._function = function
        self._repeated = repeated
        self._drawn: list[Any] = []

    def __enter__(self) -> "Watch":
        self._outer = _active.innermost
        outer = self._around()
        if outer is not None:
            outer._look()
        self._alone = threading.active_count() == 1
        self._reachable = Reachable(self._function, _kinds()).found
        self._begin()
        _active.innermost = ref(self)
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        _active.innermost = self._outer
        if kind is not None:
            return
        self._look()
        outer = self._around()
        if outer is not None:
            outer._begin()  # what was drawn inside has been told of
        if self._drawn:
            self._warn()

    def resume(self) -> None:
        """Go on after what draws as often as the program runs: a function on the host."""
        self._begin()

    def _around(self) -> "Watch | None":
        return None if self._outer is None else self._outer()

    def _begin(self) -> None:
        one = _global()
        self._late = one is None
        watched = self._reachable
        if self._alone and one is not None and not any(x is one for x in watched):
            watched = [*watched, one]  # else it is another thread's business as much
        self._before = [(x, _state(x)) for x in watched]

    def _look(self) -> None:
        """Note who was asked since the beginning."""
        found = [x for x, state in self._before if _state(x) != state]
        if self._late and _is_used(_global()):
            found.append(_global())
        if found and not (self._alone and threading.active_count() == 1):
            reached = Reachable(self._function, _kinds()).found
            found = [x for x in found if any(x is y for y in reached)]
        self._drawn += [x for x in found if not any(x is y for y in self._drawn)]

    def _warn(self) -> None:
        at = _place(Reachable(self._function, _kinds()).codes)
        names = " and ".join(dict.fromkeys(map(_label, self._drawn)))
        warnings.warn_explicit(
            f"{self._owner}: random numbers were drawn from {names} while the function was traced. They are drawn once, "
            f"and are the same {self._repeated}.\n"
            "Hint: pass random numbers as an argument, drawn anew for each call; or draw on the host: "
            "fg.pure_callback(lambda x: rng.normal(size=3), fg.ArrayType((3,), float), x), for a traced x.\n"
            f"At {at}",
            RandomnessWarning,
            at.file if at else "<unknown>",
            at.line if at else 0,
            registry=_SEEN,
        )


def paused() -> Watch | None:
    """Return this thread's watch, which is not to look until it resumes; None where there is none."""
    watch = None if _active.innermost is None else _active.innermost()
    if watch is not None:
        watch._look()
    return watch


def _global() -> Any:
    """Return the generator of `np.random.normal()` and its like, if that has been loaded."""
    module = sys.modules.get("numpy.random.mtrand")
    return getattr(module, "_rand", None)


def _kinds() -> tuple[type, ...]:
    """Return the classes of generators, of those that have been loaded."""
    found = (("numpy.random", "Generator"), ("numpy.random", "RandomState"), ("random", "Random"))
    kinds = (getattr(sys.modules.get(module), name, None) for module, name in found)
    return tuple([kind for kind in kinds if kind is not None])


def _state(x: Any) -> Any:
    """Return what differs after a number has been drawn."""
    if hasattr(x, "getstate"):
        return x.getstate()
    if hasattr(x, "bit_generator"):
        return _bits(x.bit_generator)
    # NumPy's copies take 50 microseconds; of normal numbers a RandomState keeps one of two in its own memory.
    head = object.__basicsize__
    own = ctypes().string_at(id(x) + head, type(x).__basicsize__ - head)
    return own, _bits(x._bit_generator)


def _bits(x: Any) -> Any:
    if type(x) is sys.modules["numpy.random"].MT19937:
        return ctypes().string_at(x.ctypes.state_address, 625 * 4)  # 624 words, and the place
    return repr(x.state)


def _is_used(x: Any) -> bool:
    """Whether numbers were drawn from the global generator, if that has been loaded just now."""
    if x is None:
        return False
    state = x.get_state(legacy=False)
    return state["state"]["pos"] not in (623, 624) or state["has_gauss"] != 0


def _label(x: Any) -> str:
    if x is _global():
        return "NumPy's global generator"
    return "Python's random" if hasattr(x, "getstate") else f"a {type(x).__name__}"


@cache
def _drawing() -> frozenset[str]:
    """Return the names of methods that draw, but for what else they may name."""
    names = {name for kind in _kinds() for name in dir(kind) if not name.startswith("_")}
    return frozenset(names - {*dir(np)} | {"random"})


def _place(codes: Sequence[CodeType]) -> Location | None:
    """Return the first line that seems to draw; else where the function begins."""
    for code in (inner for outer in codes for inner in codes_of(outer)):
        for step in dis.get_instructions(code):
            if step.opname.startswith("LOAD_") and step.argval in _drawing() and step.positions is not None:
                return Location(code.co_filename, step.positions.lineno or code.co_firstlineno, code.co_name)
    return Location(codes[0].co_filename, codes[0].co_firstlineno, codes[0].co_name) if codes else None

"""Every public callable has a name, a docstring and a signature: what help() and editors show."""

import inspect

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.extend
import funcgrad.scipy.integrate
import funcgrad.scipy.linalg
import funcgrad.scipy.optimize
import funcgrad.scipy.special
import funcgrad.testing

NAMESPACES = {
    "fg": fg,
    "fg.numpy": fg.numpy,
    "fg.numpy.linalg": fg.numpy.linalg,
    "fg.numpy.fft": fg.numpy.fft,
    "fg.scipy.special": fg.scipy.special,
    "fg.scipy.linalg": fg.scipy.linalg,
    "fg.scipy.optimize": fg.scipy.optimize,
    "fg.scipy.integrate": fg.scipy.integrate,
    "fg.extend": fg.extend,
    "fg.testing": fg.testing,
    "fg.control": fg.control,
    "fg.tree": fg.tree,
    "fg.debug": fg.debug,
    "fg.errors": fg.errors,
}


def callables():
    for space, module in NAMESPACES.items():
        for name in getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")]):
            thing = getattr(module, name)
            if callable(thing) and not inspect.ismodule(thing):
                yield f"{space}.{name}", thing


CALLABLES = dict(callables())


@pytest.mark.parametrize("path", CALLABLES)
def test_has_a_name_a_docstring_and_a_signature(path):
    thing = CALLABLES[path]
    assert thing.__name__.isidentifier()
    assert (inspect.getdoc(thing) or "").strip(), path
    own = (getattr(thing, "__module__", None) or "").startswith("funcgrad")
    if not isinstance(thing, type) or (own and not issubclass(thing, Warning)):
        assert theirs(thing) or inspect.signature(thing) is not None
    if own and not isinstance(thing, type):
        assert "partial" not in type(thing).__name__
        assert inspect.getdoc(thing) != inspect.getdoc(type(thing)), path


def theirs(thing):
    """Whether NumPy's own function stands under its name: it may be a builtin whose signature its docstring gives."""
    return (
        inspect.isbuiltin(thing)
        and thing is getattr(np, thing.__name__, None)
        and f"{thing.__name__}(" in thing.__doc__
    )


def test_the_jacobians_are_functions():
    for f in (fg.jacfwd, fg.jacrev):
        assert inspect.isfunction(f)
        assert list(inspect.signature(f).parameters)[:2] == ["function", "argnums"]
    assert fg.jacfwd.__name__ == "jacfwd"

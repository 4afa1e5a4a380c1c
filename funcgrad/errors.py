"""The exceptions funcgrad raises, and the one shape of their messages.

    {public name}: {requirement}, got {argument}: {type}.
    Hint: {the edit that fixes it}
    At {file}:{line}, in {function}

Every exception is also a built-in one (`ValueError`, `TypeError`, ...), so that code which
catches NumPy's errors catches these.
"""

from funcgrad.source import Location, user_location

__all__ = [
    "WHEN_STATIC",
    "AxisNameError",
    "ConcretizationError",
    "DTypeError",
    "DerivativeError",
    "DerivativeWarning",
    "DonatedError",
    "FuncgradError",
    "InPlaceError",
    "LeakedTracerError",
    "PlainIndexError",
    "ProgramError",
    "RandomnessWarning",
    "ShapeError",
    "TreeError",
]


# The end of hints where a value decides a shape.
WHEN_STATIC = "an argument of a jitted function is known while tracing when it is static (static_argnums)."


class FuncgradError(Exception):
    """The base of funcgrad's exceptions: what was required, what came, and the edit that fixes it."""

    def __init__(self, problem: str, *, hint: str = "", at: Location | None = None):
        self.problem = problem
        self.hint = hint
        self.at = at if at is not None else user_location(2)
        lines = [problem]
        if hint:
            lines.append(f"Hint: {hint}")
        if self.at is not None:
            lines.append(f"At {self.at}")
        super().__init__("\n".join(lines))

    def __reduce__(self):
        return _rebuild, (type(self), self.problem, self.hint, self.at)


def _rebuild(cls, problem, hint, at):
    return cls(problem, hint=hint, at=at)


class ShapeError(FuncgradError, ValueError):
    """Shapes or axes that do not fit together."""


class DTypeError(FuncgradError, TypeError):
    """A dtype, or a kind of object, that the operation does not take."""


class TreeError(FuncgradError, TypeError):
    """Containers whose structures differ, or a leaf that is no array."""


class ConcretizationError(FuncgradError, TypeError):
    """A Python value was asked of an array whose value is not known or would lose its derivative."""


class PlainIndexError(ConcretizationError):
    """A plain array was asked of traced integers, as NumPy does where they index a plain array."""


class LeakedTracerError(FuncgradError, RuntimeError):
    """A traced value was used after the transformation that made it had ended."""


class InPlaceError(FuncgradError, ValueError):
    """A write that could not give the answer NumPy would give."""


class DerivativeError(FuncgradError, TypeError):
    """A derivative was asked of something that has none, or whose rule is missing."""


class DerivativeWarning(UserWarning):
    """A value that carries a derivative was taken as a plain number, through which no derivative goes."""


class RandomnessWarning(UserWarning):
    """Random numbers were drawn while a function was traced: once, for all that the traced program does."""


class DonatedError(FuncgradError, ValueError):
    """An array was used after it had been donated to a compiled function."""


class AxisNameError(FuncgradError, NameError):
    """A collective names an axis that no enclosing `vmap` binds."""


class ProgramError(FuncgradError, ValueError):
    """A Program that breaks the IR's laws, or a file that does not hold one."""

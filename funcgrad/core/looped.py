"""Primitives that NumPy evaluates by a loop in Python: where that is long, their own compiled loop runs instead.

The compiler lies below this layer, so it says here how a primitive runs natively (`control.eager_jit` does).
"""

from collections.abc import Callable
from typing import Any

from funcgrad.core.primitive import Primitive

__all__ = ["Looped", "compiled_by"]

# Gets the primitive, its number of iterations, arguments and parameters; returns NotImplemented where it does not pay.
_Native = Callable[["Looped", int, tuple, dict[str, Any]], Any]
_native: _Native | None = None


def compiled_by(native: _Native) -> None:
    """Have long loops run by `native(primitive, iterations, args, params)`."""
    global _native
    _native = native


class Looped(Primitive):
    """Evaluated by a loop in Python where NumPy has no function for it, or natively where that is worth it.

    Write `loop_rule(*args, **params)` in place of `eval_rule`, `iterations(*args, **params)`, which is how often it goes
    round, and a `lower_rule` that is there for all real numbers of 4 and 8 bytes: a host call would come back here.
    """

    def loop_rule(self, *args: Any, **params: Any) -> Any:
        raise NotImplementedError

    def iterations(self, *args: Any, **params: Any) -> int:
        raise NotImplementedError

    def eval_rule(self, *args, **params):
        if _native is not None:
            out = _native(self, self.iterations(*args, **params), args, params)
            if out is not NotImplemented:
                return out
        return self.loop_rule(*args, **params)

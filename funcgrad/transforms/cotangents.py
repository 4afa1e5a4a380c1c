"""Sum the cotangents of each variable, in place in the buffers this walk owns.

`x[i]` read in a loop of n steps sends n cotangents to `x`. Each is added into one buffer, so the
backward pass costs O(n), not O(n^2).
"""

from collections.abc import Iterable
from sys import getrefcount
from typing import Any

import numpy as np

from funcgrad.core.held_arrays import SOLE
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import dtype_of, shape_of
from funcgrad.transforms.batch import Batch

__all__ = ["Cotangents"]


class Cotangents:
    """The cotangent of each variable of a tape, while it is walked backward."""

    __slots__ = ("_owned", "bars")

    def __init__(self, count: int):
        self.bars: list[Any] = [None] * count
        self._owned: set[int] = set()

    def take(self, i: int) -> Any:
        """Return the summed cotangent of variable `i`, and forget it."""
        y_bar = self.bars[i]
        self.bars[i] = None
        return y_bar

    def add(self, i: int, x_bar: Any) -> None:
        """Add `x_bar` to the cotangent of variable `i`."""
        old = self.bars[i]
        if old is None:
            self.bars[i] = x_bar
        elif i in self._owned:
            if type(x_bar) is np.ndarray and type(old) is np.ndarray:
                old += x_bar
            else:
                self.bars[i] = old + x_bar
                self._owned.discard(i)
        else:
            total = self.bars[i] = old + x_bar
            if type(total) is np.ndarray:
                self._owned.add(i)

    def absorb(self, primitive, ids, out: int, y_bar: Any, args: list, params: dict) -> bool:
        """Pull `y_bar` back in place, if the primitive has a rule for that and everything is concrete."""
        if ids[0] is None:
            return False
        if primitive.overwrite_rule is not None and type(y_bar) is np.ndarray:
            self.overwrite(primitive, ids, out, y_bar, args, params)
            return True
        return primitive.accumulate_rule is not None and self.accumulate(
            primitive, ids[0], y_bar, args, params
        )

    def accumulate(self, primitive, i: int, y_bar: Any, args: list, params: dict) -> bool:
        """Add the pullback of `y_bar` into the buffer of variable `i`, if everything is concrete."""
        if len(args) > 1 and not all(type(x) is np.ndarray for x in args[1:]):
            return False
        if type(y_bar) is Tracer:
            return self._accumulate_batch(primitive, i, y_bar, args, params)
        if type(y_bar) is not np.ndarray and not isinstance(y_bar, np.generic):
            return False
        old = self.bars[i]
        if i not in self._owned:
            if old is None:
                buffer = np.zeros(shape_of(args[0]), dtype_of(args[0]))
            elif type(old) is np.ndarray:
                buffer = old.copy()
            else:
                return False
            self.bars[i] = buffer
            self._owned.add(i)
        elif type(old) is not np.ndarray:
            return False
        primitive.accumulate_rule(self.bars[i], y_bar, *args, **params)
        return True

    def _accumulate_batch(self, primitive, i, y_bar, args, params):
        """The same for one cotangent an example, all of them in one buffer."""
        batch = y_bar.tracing
        rule = primitive.accumulate_batch_rule
        if (
            rule is None
            or not isinstance(batch, Batch)
            or type(y_bar.value) is not np.ndarray
            or not y_bar.node
        ):
            return False
        old = self.bars[i]
        if i not in self._owned:
            if old is not None:
                return False
            buffer = np.zeros((batch.size, *shape_of(args[0])), dtype_of(args[0]))
            self.bars[i] = Tracer(batch, buffer, True)
            self._owned.add(i)
        elif type(old) is not Tracer or old.tracing is not batch or not old.node:
            return False
        rule(self.bars[i].value, y_bar.value, *args, **params)
        return True

    def overwrite(self, primitive, ids, out: int, y_bar: np.ndarray, args: list, params: dict) -> None:
        """Pull `y_bar` back in its own memory, copied first unless this walk owns it."""
        if out not in self._owned:
            y_bar = y_bar.copy()
        x_bars = primitive.overwrite_rule(y_bar, *args, **params)
        for i, x_bar in zip(ids, x_bars, strict=True):
            if i is not None:
                fresh = self.bars[i] is None
                self.add(i, x_bar)
                if fresh and x_bar is y_bar:
                    self._owned.add(i)

    def finish(self, ids: Iterable[int]) -> list[Any]:
        """Return the cotangents of `ids` as arrays that share memory with nothing."""
        return list(map(self._detached, ids))

    def _detached(self, i):
        x_bar = self.bars[i]
        # Referred to by the list and by this name, and by nobody else?
        if type(x_bar) is np.ndarray and (x_bar.base is not None or getrefcount(x_bar) > SOLE + 1):
            return x_bar.copy()
        return x_bar

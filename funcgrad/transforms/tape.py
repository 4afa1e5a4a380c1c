"""Record one eager run of a function, and walk the record forward or backward.

The record ("tape") holds, for each primitive that met a traced value, its arguments and result one
level down. `push` carries tangents along it with the primitives' JVP rules; `pull` carries
cotangents back with their VJP rules. Both are linear, and neither runs the function again.
"""

from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import lru_cache
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.core import held_arrays
from funcgrad.core.held_arrays import Captured, exclusive
from funcgrad.core.inplace import argument
from funcgrad.core.made import known
from funcgrad.core.tracer import Trace, Tracer, bind, refresh
from funcgrad.core.types import ArrayType, dtype_of
from funcgrad.errors import InPlaceError
from funcgrad.primitives.elementwise import guarding, times_p
from funcgrad.primitives.indexing import index_update
from funcgrad.transforms.cotangents import Cotangents
from funcgrad.transforms.derive import jvp_of, walk

__all__ = ["Tape", "record"]


class Tape(Trace):
    """The record of one run. Variables are numbered; the inputs come first.

    Each record is `(primitive, params, ids of the arguments, arguments, id(s) of the result,
    result or residuals)`; an argument that does not depend on the inputs has the id None. Ids count
    from 1, so that the list of them serves as the `needs` of a VJP rule.
    """

    __slots__ = ("_captured", "_count", "_is_small", "records")

    def __init__(self, owner: str):
        Trace.__init__(self, owner)
        self.records: list[Any] = []
        self._captured: Captured | None = None  # made when there is something to keep
        self._count = 1
        self._is_small = True  # to walk back twice costs less than to look at each product

    def __exit__(self, kind, error, traceback):
        captured = self._captured
        if captured is not None:
            captured.release()
        Trace.__exit__(self, kind, error, traceback)
        if captured is not None and type(error) is ValueError and "read-only" in str(error):
            raise InPlaceError(
                f"{self.owner}: an array must not be written to after a traced value has met it, "
                f"because its derivative needs the old values, got: {error}.",
                hint="write to a copy: w = w.copy(), or make a new array: w = w * 0.5 in place of w *= 0.5.",
            ) from error

    def detach(self) -> None:
        """Replace the arrays the record shares with the user's code by copies."""
        if self._captured is None:
            return
        copies = self._captured.copies()
        for position, (primitive, params, ids, values, out, saved) in enumerate(self.records):
            if any(id(v) in copies for v in values):
                values = [copies.get(id(v), v) for v in values]
                self.records[position] = (primitive, params, ids, values, out, saved)

    def _keep(self, x: Any) -> Any:
        """Return what the record keeps of an argument that is none of its own variables."""
        if type(x) is np.ndarray:
            if x.nbytes < held_arrays.LARGE_BYTES:
                return x.copy()
            if self._captured is None:
                with held_arrays.lock:  # several threads may run the function
                    self._captured = self._captured or Captured()
            return self._captured.keep(x)
        if type(x) is Tracer:
            return Tracer(x.tracing, x.value, x.node)  # the user's own handle may be written to
        return x

    def input(self, value: Any) -> Tracer:
        count = self._count
        self._count = count + 1
        if type(value) is not np.ndarray or value.nbytes >= held_arrays.LARGE_BYTES:
            self._is_small = self._is_small and isinstance(value, _NUMBERS)
        return argument(Tracer(self, value, count))

    def lift(self, value: Any) -> Tracer:
        return Tracer(self, value, None)

    def process(self, primitive, args, params):
        if not self.alive:
            raise self.leaked()
        if len(args) == 1:
            (x,) = args
            ids = (x.node,)
            values = (x.value,)
        elif len(args) == 2:
            x, y = args
            x_mine = type(x) is Tracer and x.tracing is self
            y_mine = type(y) is Tracer and y.tracing is self
            ids = (x.node if x_mine else None, y.node if y_mine else None)
            unread = primitive.unread
            values = (
                x.value if x_mine else x if 0 in unread else self._keep(x),
                y.value if y_mine else y if 1 in unread else self._keep(y),
            )
        else:
            ids = []
            values = []
            for x in args:
                if type(x) is Tracer and x.tracing is self:
                    ids.append(x.node)
                    values.append(x.value)
                else:
                    ids.append(None)
                    values.append(self._keep(x))
        if primitive.forward_rule is not None:
            y, saved = primitive.forward_rule(*values, **params)
        elif self.outermost:
            y = saved = primitive.eval_rule(*values, **params)
        else:
            y = saved = bind(primitive, *values, **params)
        if primitive.multiple:
            return self._record_outputs(primitive, params, ids, values, y, saved)
        if not primitive.differentiable or not any(ids):
            # A constant. It is left plain where it can be an index or a condition; as a floating
            # array it stays traced, so that traced values can be written into it.
            return Tracer(self, y, None) if dtype_of(y).kind in "fc" else y
        out = self._count
        self._count = out + 1
        if primitive.slope_rule is not None and not self.outermost:
            slope = primitive.slope_rule(y, *values)
            self.records.append((times_p, {}, (ids[0], None), (values[0], slope), out, y))
            return Tracer(self, y, out)
        unread = primitive.unread
        for v in values:
            if type(v) is np.ndarray and (
                v.base is not None or (unread and v.nbytes >= held_arrays.LARGE_BYTES)
            ):
                values = _kept(values, unread)
                break
        if not primitive.reads_result and type(y) is np.ndarray:
            if y.nbytes >= held_arrays.LARGE_BYTES or y.base is not None:
                saved = _type_if_much(y)
        self.records.append((primitive, params, ids, values, out, saved))
        return Tracer(self, y, out)

    def overwrite(self, x, key, value):
        v_id = None
        if type(value) is Tracer:
            if value.tracing is not self:
                return False
            v_id, value = value.node, value.value
        if not exclusive(x) or not isinstance(value, _PLAIN):
            return False
        kind = _type_if_much(x.value)
        try:
            x.value[key] = value
        except (IndexError, ValueError):
            return False  # the general way says what does not fit
        if x.node is not None or v_id is not None:
            out = self._count
            self._count = out + 1
            self.records.append((index_update, {"key": key}, (x.node, v_id), (kind, value), out, kind))
            x.node = out
        return True

    def _record_outputs(self, primitive, params, ids, values, ys, saved):
        self.check_outputs(primitive, ys)
        outs = []
        results = []
        if not any(ids):
            return tuple([Tracer(self, y, None) if dtype_of(y).kind in "fc" else y for y in ys])
        for y in ys:
            if dtype_of(y).kind in "fc":
                out = self._count
                self._count = out + 1
                outs.append(out)
                results.append(Tracer(self, y, out))
            else:
                outs.append(None)
                results.append(y)
        self.records.append((primitive, params, ids, values, tuple(outs), saved))
        return tuple(results)

    def release(self, x: Any) -> tuple[Any, int | None]:
        """Return the value one level down of an output, and its variable (None when constant)."""
        if type(x) is Tracer and x.tracing is self:
            if x.alias is not None and x.alias.has_base_or_block:
                refresh(x)
            y = x.value
            # A handle of an outer trace is the user's from now on, to write to.
            return (Tracer(y.tracing, y.value, y.node) if type(y) is Tracer else y), x.node
        return known(x), None

    def push(self, tangents: Sequence[Any], outputs: Sequence[int | None]) -> list[Any]:
        """Return the tangents of the outputs; None is zero."""
        dots: list[Any] = [None] * self._count
        dots[1 : 1 + len(tangents)] = tangents
        last_use = {i: n for n, (_, _, ids, *_) in enumerate(self.records) for i in ids}
        last_use.update(dict.fromkeys(outputs, len(self.records)))
        with np.errstate(all="ignore"):
            for n, (primitive, params, ids, values, out, saved) in enumerate(self.records):
                x_dots = [None if i is None else dots[i] for i in ids]
                for i in ids:
                    if i is not None and last_use[i] == n:
                        dots[i] = None
                if all(d is None for d in x_dots):
                    continue
                y_dot = jvp_of(primitive, x_dots, saved, values, params)
                if primitive.multiple:
                    for i, d in zip(out, y_dot, strict=True):
                        if i is not None:
                            dots[i] = d
                else:
                    dots[out] = y_dot
        return [None if i is None else dots[i] for i in outputs]

    def pull(
        self,
        given: Sequence[Any],
        outputs: Sequence[int | None],
        inputs: int,
        *,
        consume: bool = False,
    ) -> list[Any]:
        """Return the cotangents of the first `inputs` variables, for those `given` of `outputs`; None is zero.

        They share memory with nothing. With `consume`, each record is dropped as soon as it has been used.
        """
        ids = range(1, inputs + 1)
        if self._is_small and guarding.get():
            # Without guards first: where what comes of it is finite, no product met what they are for.
            bars = copy_context().run(self._pull_unguarded, given, outputs, ids)
            if all(map(_is_known_finite, bars)):
                return bars
        return self.walk(given, outputs, consume=consume).finish(ids)

    def _pull_unguarded(self, given, outputs, ids):
        guarding.set(False)
        return self.walk(given, outputs).finish(ids)

    def walk(
        self, given: Sequence[Any], outputs: Sequence[int | None], *, consume: bool = False
    ) -> Cotangents:
        """Pull the cotangents `given` of `outputs` back to the first record, and return them all."""
        cotangents = Cotangents(self._count)
        for i, y_bar in zip(outputs, given, strict=True):
            if i is not None and y_bar is not None:
                cotangents.add(i, y_bar)
        backward = reversed(self.records)
        if consume:
            self.records.insert(0, None)
            backward = iter(self.records.pop, None)
        walk(backward, cotangents)
        return cotangents


_NUMBERS = (np.generic, float, int, complex)
_PLAIN = (np.ndarray, *_NUMBERS)


def _is_known_finite(x_bar):
    return x_bar is None or (isinstance(x_bar, _PLAIN) and bool(np.isfinite(x_bar).all()))


def _type_if_much(x):
    """Return the type alone of what keeps much memory: a large array, or a view of one."""
    large = held_arrays.LARGE_BYTES
    if type(x) is np.ndarray and (x.nbytes if x.base is None else getattr(x.base, "nbytes", large)) >= large:
        return _array_type(x.shape, x.dtype)
    return x


def _kept(values, unread):
    """Return the arguments as a record keeps them: only types where no rule reads the values, and small
    parts of large arrays as arrays of their own."""
    large = held_arrays.LARGE_BYTES
    kept = []
    for i, v in enumerate(values):
        if (
            type(v) is np.ndarray
            and (v.nbytes if v.base is None else getattr(v.base, "nbytes", large)) >= large
        ):
            if i in unread:
                v = _array_type(v.shape, v.dtype)
            elif v.nbytes < large:
                v = v.copy()
        kept.append(v)
    return kept


_array_type = lru_cache(1024)(ArrayType)


def record(function: Callable, values: Sequence[Any], owner: str, *, aux: bool = False):
    """Run `function` on tracers of `values`.

    Args:
        function: takes the tracers; returns a list of outputs and something extra.
        values: the inputs, one level down.
        owner: for messages.
        aux: the extra is a container of arrays to be brought one level down as well.

    Returns:
        the tape, the outputs' values, the outputs' variables, and the extra.
    """
    with Tape(owner) as tape:
        outputs, extra = function(*map(tape.input, values))
        ys, ids = zip(*map(tape.release, outputs), strict=True) if outputs else ((), ())
        if aux:
            extra = tree.map(lambda x: tape.release(x)[0], extra)
    return tape, list(ys), list(ids), extra

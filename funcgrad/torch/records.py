"""The node of an operation: the record funcgrad's tape made of it, walked backward by `pull`.

There is no formula here: a record holds primitives and their arguments, and the primitives know
their derivatives.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.extend import ArrayType, Primitive, Tape
from funcgrad.torch.dtypes import dtype_of
from funcgrad.torch.node import Node
from funcgrad.torch.tensors import Tensor

__all__ = [
    "LARGE",
    "SECOND_TIME",
    "OperationNode",
    "Record",
    "RefusingNode",
    "Step",
    "conjugate",
    "type_if_large",
]

LARGE = 32768  # bytes from which it matters whether an array is kept

SECOND_TIME = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
    "saved tensors after calling backward."
)

_INFERENCE = (
    "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in "
    "computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in "
    "autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
)


class Step:
    """The record of a single primitive."""

    __slots__ = ("ids", "outs", "steps")

    def __init__(self, primitive: Primitive, params: dict, ids: list, values: list, y: Any):
        self.ids = ids
        self.outs = [-1]
        self.steps = [(primitive, params, ids, values, -1, y)]

    def pull(self, y_bars: list, ids: list) -> Any:
        """Return the cotangents of the arguments; those with a None in `ids` are not needed."""
        primitive, params, _, values, _, y = self.steps[0]
        return primitive.vjp_rule(ids, y_bars[0], y, *values, **params)


class Record:
    """What an operation left on a tape.

    Args:
        tape: the record itself.
        ids: the variable each argument is; None where no gradient is needed.
        outs: the variable each result is; None where it depends on no such argument.
    """

    __slots__ = ("ids", "outs", "tape")

    def __init__(self, tape: Tape, ids: list, outs: list):
        self.tape = tape
        self.ids = ids
        self.outs = outs

    @property
    def steps(self) -> list:
        return self.tape.records

    def pull(self, y_bars: list, ids: list) -> list:
        """Return the cotangents of the arguments; those with a None in `ids` are not needed."""
        bars = self.tape.walk(y_bars, self.outs).bars
        return [None if i is None else bars[i] for i in ids]


def type_if_large(x: Any) -> Any:
    """Return the type alone of an array that is large."""
    return ArrayType(x.shape, x.dtype) if type(x) is np.ndarray and x.nbytes >= LARGE else x


def _reads(step):
    """Whether the rules of a recorded primitive read the values of an array or number."""
    primitive, _, _, values, _, saved = step
    if primitive.reads_result and not isinstance(saved, ArrayType):
        return True
    unread = primitive.unread
    return any(i not in unread and not isinstance(v, ArrayType) for i, v in enumerate(values))


class OperationNode(Node):
    """The node of an operation: its record, and what is needed to run it again for higher derivatives."""

    def __init__(self, edges: list, op: Any, params: dict, arrays: list, args: Sequence, record: Any):
        Node.__init__(self, edges)
        self.op = op
        self.params = params
        self.record = record
        self.arrays = arrays
        self.counters: list[tuple[list, int, int]] = []
        for i, x in enumerate(args):
            if isinstance(x, Tensor):
                counter = x._counter
                self.counters.append((counter, counter[0], i))
                if x._inference and self._keeps_values():
                    raise RuntimeError(_INFERENCE)
        for x in arrays:
            if type(x) is np.ndarray and x.nbytes >= LARGE:
                if not self._keeps_values():  # linear: to run it again needs no values
                    self.arrays = [type_if_large(x) for x in arrays]
                break

    @property
    def next_functions(self) -> tuple:
        return tuple(
            (None, 0) if edge is None else edge
            for edge, x in zip(self.edges, self.arrays, strict=True)
            if self.op.promotes or not isinstance(x, (int, float, complex))
        )

    def _keeps_values(self):
        return any(map(_reads, self.record.steps))

    def pull(self, y_bars, wanted):
        record = self.record
        if record is None:
            raise RuntimeError(SECOND_TIME)
        for counter, version, _ in self.counters:
            if counter[0] != version:
                self.check_versions()
                break
        ids = record.ids
        if wanted is not None:
            ids = [i if w else None for i, w in zip(ids, wanted, strict=True)]
        y_bars = [conjugate(y) for y in y_bars]
        y_bars += [None] * (len(record.outs) - len(y_bars))
        x_bars = record.pull(y_bars, ids)
        if record.outs.count(None) == len(record.outs):  # constant wherever it has a derivative
            return [
                None if i is None else np.zeros(x.shape, x.dtype)
                for i, x in zip(ids, self.arrays, strict=True)
            ]
        return [conjugate(x) for x in x_bars]

    def pull_tensors(self, y_bars, wanted):
        if self.record is None:
            raise RuntimeError(SECOND_TIME)
        self.check_versions()
        return self.op.pull_tensors(self, y_bars, wanted)

    def release(self):
        if self.record is not None and self._keeps_values():
            self.record = None
            self.arrays = [x if isinstance(x, (int, float, complex)) else None for x in self.arrays]

    def check_versions(self) -> None:
        """Raise RuntimeError when an array was overwritten whose old values the backward pass reads."""
        changed = [(c, v, i) for c, v, i in self.counters if c[0] != v]
        for counter, version, position in changed:
            steps = self.record.steps
            if position >= 0:
                array = self.arrays[position]
                edge = self.edges[position]
            else:
                array = next((s[5] for s in steps if s[4] == self.record.outs[~position]), None)
                edge = (self, ~position)
            if type(array) is np.ndarray and _is_read(steps, array):
                writer = self.label if position < 0 else counter[1]
                raise RuntimeError(_overwritten(array, edge, writer, counter[0], version))


class RefusingNode(OperationNode):
    """The node of an operation that has no derivative."""

    def pull(self, y_bars, wanted):
        raise RuntimeError(f"derivative for aten::{self.op.name} is not implemented")

    pull_tensors = pull


def conjugate(x: Any) -> Any:
    """Return a cotangent in the other convention: funcgrad's of a complex number is the conjugate of PyTorch's."""
    return np.conj(x) if x is not None and x.dtype.kind == "c" else x


def _is_read(steps, array):
    """Whether a derivative rule needs values in the memory of `array`: it fails without them."""
    for primitive, params, ids, values, _, saved in steps:
        without = [_gone(v, array) for v in values]
        if primitive.reads_result:
            saved = _gone(saved, array)
        if all(v is w for v, w in zip(values, without, strict=True)) and not isinstance(saved, Gone):
            continue
        if primitive.vjp_rule is None or primitive.multiple:
            return True
        y = primitive.type_rule(*[_type(v) for v in values], **params)
        try:
            primitive.vjp_rule(ids, np.ones(y.shape, y.dtype), saved, *without, **params)
        except Exception:  # whatever it was that could not do without the values
            return True
    return False


def _type(v):
    return v if isinstance(v, ArrayType) else ArrayType(np.shape(v), np.asarray(v).dtype)


def _gone(v, array):
    if isinstance(v, (np.ndarray, np.generic)) and np.may_share_memory(v, array):
        return Gone(v.shape, v.dtype)
    return v


class Gone(ArrayType):
    """Stands for an array that was overwritten: its shape and dtype are known, its values are not."""

    __slots__ = ()
    __array_ufunc__ = None

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("the values are gone")

    __array_function__ = __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __array__  # type: ignore[assignment]
    __hash__ = ArrayType.__hash__


def _overwritten(array, edge, writer, now, version):
    kind = f"[torch.{dtype_of(array).scalar}Tensor {list(array.shape)}]"
    if edge is not None:
        # A view is known by the node that was made for it anew.
        writer = "AsStrided" if array.base is not None else writer or edge[0].name()
        kind += f", which is output {edge[1]} of {writer.removesuffix('0').removesuffix('Backward')},"
    return (
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"{kind} is at version {now}; expected version {version} instead. Hint: enable anomaly detection "
        "to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )

"""Operations: a function of arrays, run now, with a node that can pull cotangents back through it.

The function is written with `funcgrad.numpy`, or is a primitive; funcgrad's tape records what it
does, and the node keeps that record. No derivative is written in this package.
"""

import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad import stop_gradient
from funcgrad.extend import ArrayType, Primitive, Tape, Tracer
from funcgrad.torch import dtypes
from funcgrad.torch.layout import Rule, as_arguments, in_order
from funcgrad.torch.messages import explained
from funcgrad.torch.modes import MODE
from funcgrad.torch.node import node_class
from funcgrad.torch.records import OperationNode, Record, RefusingNode, Step, conjugate, type_if_large
from funcgrad.torch.tensors import AccumulateGrad, Tensor, wrap

__all__ = ["Operation", "WithoutDerivative", "apply", "operation", "replay"]

_NONE: dict = {}
_RANK_OF_NUMBER = {bool: 0, int: 1, float: 2, complex: 3}


class Operation:
    """A function of arrays, and how PyTorch treats it.

    Args:
        label: the name of its node, such as `MulBackward0`.
        body: a primitive, or a function of arrays and keyword parameters.
        promotes: "" when the arguments keep their dtypes, "same" when they are brought to a common
            one, "float" when integers become floating-point numbers besides.
        view: the result shares the first argument's memory where NumPy's does.
        layout: the rule by which other results lie in memory; where there is none, a function that
            promotes is taken to work element by element, and others to give their elements in order.
    """

    __slots__ = ("body", "label", "layout", "node", "passes", "promotes", "single", "ufunc", "view")

    def __init__(
        self,
        label: str,
        body: Callable,
        *,
        promotes: str = "",
        view: bool = False,
        layout: Rule | None = None,
    ):
        self.label = label
        self.body = body
        self.promotes = promotes
        self.view = view
        self.layout = layout or (as_arguments if promotes else in_order)
        self.node = node_class(OperationNode, label)
        self.single = (
            isinstance(body, Primitive)
            and body.vjp_rule is not None
            and body.forward_rule is None
            and not body.multiple
        )
        self.ufunc = ufunc_of(body)
        self.passes = False  # a result that is an argument is given back as that tensor

    def __call__(self, *args: Any, **params: Any) -> Any:
        return apply(self, args, params)

    def node_class_of(self, record: Any) -> Any:
        """Return the class of the node for this record."""
        return self.node

    def pull_tensors(self, node: OperationNode, y_bars: list, wanted: list[bool] | None) -> list:
        """Pull cotangents back by an operation of its own, so that the result can be differentiated again."""
        ids = node.record.ids
        needed = [i is not None and (wanted is None or wanted[n]) for n, i in enumerate(ids)]
        given = [y is not None for y in y_bars]
        op = Pullback(self, node.params, needed, given)
        args = [_unpacked(x, edge) for x, edge in zip(node.arrays, node.edges, strict=True)]
        x_bars = iter(apply(op, [*args, *(y for y in y_bars if y is not None)]))
        return [next(x_bars) if need else None for need in needed]


def ufunc_of(body: Callable) -> np.ufunc | None:
    """Return the NumPy function that a primitive is on arrays, where it is one with an `out` argument."""
    rule = getattr(body, "eval_rule", None)
    return rule if isinstance(rule, np.ufunc) else None


class WithoutDerivative(Operation):
    """An operation that is recorded, and refuses when a gradient reaches it, as PyTorch's do that have no formula."""

    __slots__ = ("name",)

    def __init__(self, name: str, body: Callable, *, promotes: str = "", layout: Rule | None = None):
        super().__init__("NotImplemented", body, promotes=promotes, layout=layout)
        self.name = name
        self.node = node_class(RefusingNode, "NotImplemented")


def operation(label: str, **options: Any) -> Callable[[Callable], Operation]:
    """Make an operation of the decorated function of arrays."""
    return lambda body: Operation(label, body, **options)


def apply(op: Operation, args: Sequence[Any], params: dict = _NONE) -> Any:
    """Run `op` on tensors and numbers; return a tensor, or a tuple of them."""
    arrays: list[Any] = []
    edges: list[Any] = []
    tracked = traced = False
    recording = MODE.grad
    for x in args:
        if isinstance(x, Tensor):
            array = x._array
            arrays.append(array)
            if type(array) is not np.ndarray:
                traced = True
            if recording and (x._node is not None or x._leaf_grad or x._base is not None):
                edge = x._edge()
                edges.append(edge)
                if edge is not None:
                    tracked = True
                continue
        else:
            arrays.append(x.item() if isinstance(x, np.generic) else x)
        edges.append(None)
    if traced:
        if MODE.compiling:
            _check_arguments(args)
        if not recording:  # what no_grad makes is a constant to funcgrad's derivatives too
            arrays = [stop_gradient(x) if type(x) is Tracer else x for x in arrays]
    target = _common_dtype(op, arrays) if op.promotes else None
    try:
        with np.errstate(all="ignore"):
            if traced or not tracked:
                out = op.body(*(arrays if target is None else _cast(arrays, target)), **params)
                record = None
            elif op.single and target is None:
                out, record = _step(op, arrays, edges, params)
            else:
                needed = [edge is not None for edge in edges]
                out, record = _record(op, arrays, needed, params, target)
                if op.view and type(out) is np.ndarray and not np.may_share_memory(out, arrays[0]):
                    out = op.body(*arrays, **params)  # a primitive may copy what NumPy views
    except (ValueError, TypeError, IndexError) as error:
        raise explained(error, arrays) from None
    if isinstance(out, (tuple, list)):
        results = tuple(_tied(op, args, params, arrays, as_array(y), i) for i, y in enumerate(out))
    else:
        results = (_tied(op, args, params, arrays, as_array(out), 0),)
    if not recording and MODE.inference:
        for result in results:
            result._inference = True
    if record is not None:
        node = op.node_class_of(record)(edges, op, params, arrays, args, record)
        if MODE.anomaly:
            node.source = traceback.format_stack()[:-1]
        for index, result in enumerate(results):
            if result._array.dtype.kind in "fc" and not (op.passes and record.outs[index] is None):
                result._node = node
                if index:
                    result._index = index
                node.counters.append((result._counter, result._counter[0], ~index))
        if op.passes:
            results = tuple(
                _passed(y, i, record.ids, args) for y, i in zip(results, record.outs, strict=True)
            )
    return results if isinstance(out, (tuple, list)) else results[0]


def _check_arguments(args):
    for x in args:
        if isinstance(x, Tensor) and type(x._array) is np.ndarray and (x._leaf_grad or x._node is not None):
            raise RuntimeError(
                "compile: expected tensors that require gradients to be arguments of the compiled function, got one "
                f"of shape {tuple(x.shape)} from outside, which would stay as it is now and get no gradient. Pass it "
                "as an argument, or compile the module itself: torch.compile(module)."
            )


def _common_dtype(op, arrays):
    """Return the dtype the arrays are to be brought to; None when they have it."""
    own = None
    rank = 0
    for x in arrays:
        number = _RANK_OF_NUMBER.get(type(x))
        if number is not None:
            if number > rank:
                rank = number
        elif x is not None:
            if own is None:
                own = x.dtype
            elif x.dtype != own:
                own = None
                break
    if own is not None and rank <= dtypes.RANK[own.kind] and (own.kind in "fc" or op.promotes == "same"):
        return None
    target = dtypes.promoted(
        tuple(
            type(x) if type(x) in _RANK_OF_NUMBER else (x.dtype, x.ndim > 0) for x in arrays if x is not None
        )
    )
    if op.promotes == "float" and target.kind not in "fc":
        target = dtypes.default_dtype()
    return target


def _cast(values, target):
    return [
        x.astype(target) if isinstance(x, (np.ndarray, Tracer)) and x.dtype != target else x for x in values
    ]


def as_array(y: Any) -> Any:
    """Return a result as an array: NumPy gives scalars for results without axes."""
    return y if type(y) is np.ndarray or type(y) is Tracer else np.asarray(y)


def _step(op, arrays, edges, params):
    """Run an operation that is one primitive, without a tape: the record is the one step."""
    primitive = op.body
    y = as_array(primitive.eval_rule(*arrays, **params))
    unread = primitive.unread
    kept = [type_if_large(x) if i in unread else x for i, x in enumerate(arrays)] if unread else arrays
    ids = [None if edge is None else i for i, edge in enumerate(edges, 1)]
    return y, Step(primitive, params, ids, kept, y if primitive.reads_result else type_if_large(y))


def _record(op, arrays, needed, params, target):
    """Run an operation on a tape; return its results and the record."""
    with Tape(op.label) as tape:
        values = []
        ids = []
        for x, need in zip(arrays, needed, strict=True):
            if need:
                x = tape.input(x)
            elif isinstance(x, (np.ndarray, Tracer)):
                x = tape.lift(x)
            values.append(x)
            ids.append(x.node if need else None)
        out = op.body(*(values if target is None else _cast(values, target)), **params)
        if isinstance(out, (tuple, list)):
            released = [tape.release(y) for y in out]
            return [y for y, _ in released], Record(tape, ids, [i for _, i in released])
        y, i = tape.release(out)
        return y, Record(tape, ids, [i])


def _tied(op, args, params, arrays, array, index):
    """Return a tensor of `array`, tied to the first argument where it is a view of that one's memory."""
    out = object.__new__(Tensor)
    if type(array) is not np.ndarray:
        out._array = array
        out._counter = [0, ""]
        if op.view and not MODE.grad:
            out._apart = True
    elif op.view and np.may_share_memory(array, arrays[0]):
        x = args[0]
        base = x if x._base is None else x._base
        out._array = array
        out._counter = x._counter
        out._base = base
        out._seen = base._rewrites
        out._path = (*x._path, (op, params, index))
        out._view_kind = x._view_kind or ("" if MODE.grad else "no_grad")
    else:
        out._array = op.layout(_own(array, arrays), arrays, params)
        out._counter = [0, ""]
    return out


def _own(array, arrays):
    """Return a result that shares no memory with an argument: a copy where the function gave back a part of one."""
    for x in arrays:
        if array is x or (array.base is not None and type(x) is np.ndarray and np.may_share_memory(array, x)):
            return array.copy()
    return array


def _passed(y, variable, ids, args):
    return args[ids.index(variable)] if variable is not None and variable in ids else y


def _unpacked(x, edge):
    """Return an argument of a recorded operation as the tensor it was."""
    if isinstance(x, ArrayType):
        x = np.zeros(x.shape, x.dtype)  # of a linear operation: the values do not matter
    if type(x) is not np.ndarray:
        return x
    if edge is not None and isinstance(edge[0], AccumulateGrad):
        return edge[0].variable
    out = wrap(x)
    if edge is not None:
        out._node, out._index = edge
    return out


class Pullback(Operation):
    """The pullback of an operation, as an operation on its arguments and the cotangents of its results."""

    __slots__ = ("_of",)

    def __init__(self, op: Operation, params: dict, needed: list[bool], given: list[bool]):
        def body(*values):
            arrays = values[: len(needed)]
            y_bars = iter([conjugate(y) for y in values[len(needed) :]])
            target = _common_dtype(op, arrays) if op.promotes else None
            _, record = _record(op, arrays, needed, params, target)
            x_bars = record.pull([next(y_bars) if g else None for g in given], record.ids)
            return tuple(
                np.zeros(x.shape, x.dtype) if x_bar is None else conjugate(x_bar)
                for x, x_bar, need in zip(arrays, x_bars, needed, strict=True)
                if need
            )

        super().__init__(f"{op.label[:-1]}Backward0", body)
        self.passes = True
        self._of = op.label

    def node_class_of(self, record):
        """Name the node after what computed the cotangent, as PyTorch's formulas do."""
        label = _PULLBACK_LABELS.get(self._of)
        if label is None:
            last = next((step[0].name for step in reversed(record.steps) if step[4] == record.outs[0]), "")
            label = _PRIMITIVE_LABELS.get(last, self.label)
        return node_class(OperationNode, label)


# What PyTorch calls the nodes of gradients that can be differentiated again.
_PULLBACK_LABELS = {
    "TanhBackward0": "TanhBackwardBackward0",
    "SigmoidBackward0": "SigmoidBackwardBackward0",
    "ReluBackward0": "ThresholdBackwardBackward0",
    "SoftmaxBackward0": "SoftmaxBackwardDataBackward0",
    "LogSoftmaxBackward0": "LogSoftmaxBackwardDataBackward0",
    "SqrtBackward0": "DivBackward0",
    "LogBackward0": "DivBackward0",
}
_PRIMITIVE_LABELS = {
    "add": "AddBackward0",
    "subtract": "SubBackward0",
    "negative": "NegBackward0",
    "multiply": "MulBackward0",
    "guarded_multiply": "MulBackward0",
    "times": "MulBackward0",
    "divide": "DivBackward0",
    "dot": "MmBackward0",
    "reshape": "ViewBackward0",
    "broadcast_to": "ExpandBackward0",
    "transpose": "TransposeBackward0",
    "sum": "SumBackward1",
    "select": "WhereBackward0",
    "convert": "ToCopyBackward0",
}


def replay(path: tuple, x: Any) -> Any:
    """Take the view of an array that a tensor took of its base."""
    for op, params, index in path:
        x = op.body(x, **params)
        if isinstance(x, (tuple, list)):
            x = x[index]
    return x

"""The array interface of tracers: operators, methods, conversions, iteration, assignment."""

import operator
from functools import lru_cache
from typing import Any

import numpy as np

from funcgrad.core.inplace import in_order, is_in_order, own, write
from funcgrad.core.tracer import FUNCTIONS, Tracer, bind, refresh
from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.core.weakness import is_weak, weaken
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy import reductions, shaping, ufuncs
from funcgrad.numpy.arguments import as_operand, astype, fit, judged
from funcgrad.numpy.conversions import (
    as_bool,
    as_complex,
    as_float,
    as_index,
    as_int,
    as_item,
    as_list,
    as_plain_array,
    as_text,
    formatted,
    refuse_pickling,
    value_for,
)
from funcgrad.numpy.indexing import At, getitem, setitem
from funcgrad.numpy.products import dot, matmul
from funcgrad.numpy.protocols import array_function, array_ufunc
from funcgrad.numpy.squares import square_of
from funcgrad.primitives import arithmetic, logic
from funcgrad.primitives.broadcasting import broadcast_to
from funcgrad.primitives.exponential import sqrt

_FOREIGN = (str, bytes, dict, set, type(None))


def _is_array(x):
    """Whether `x` is, as nearly always, a tracer of a plain array, and so no Python number."""
    return type(x) is Tracer and type(x.value) is np.ndarray


def _binary(primitive):
    def forward(self, other):
        if type(other) is not Tracer and type(other) is not np.ndarray:
            if isinstance(other, _FOREIGN):
                return NotImplemented
            other = as_operand(other)
        out = bind(primitive, self, other)
        return out if _is_array(out) or not (is_weak(self) and is_weak(other)) else weaken(out)

    def reflected(self, other):
        if isinstance(other, _FOREIGN):
            return NotImplemented
        out = bind(primitive, as_operand(other), self)
        return out if _is_array(out) or not (is_weak(self) and is_weak(other)) else weaken(out)

    def in_place(self, other):
        if not self.ndim and (self.alias is None or self.alias.base is None):
            return forward(self, other)  # NumPy's scalars are immutable: the name is bound anew
        new = forward(self, other)
        if shape_of(new) != self.shape:
            raise ShapeError(
                f"in-place {primitive.name}: expected an operand that broadcasts to {type_of(self)}, "
                f"got {type_of(other)}."
            )
        if not np.can_cast(dtype_of(new), self.dtype, "same_kind"):
            raise DTypeError(
                f"in-place {primitive.name}: expected a result of the kind of {type_of(self)}, "
                f"got {type_of(new)}.",
                hint="write x = x + y in place of x += y.",
            )
        write(self, astype(new, self.dtype))
        return self

    return forward, reflected, in_place


def _unary(self, primitive):
    out = bind(primitive, self)
    if type(out) is Tracer and type(out.value) is np.ndarray:
        return out
    return weaken(out) if is_weak(self) else out


@lru_cache(256, typed=True)
def _keeps_dtype(dtype, n):
    """Whether an array ** n is of another dtype than np.power gives, by a shortcut: for Python numbers alone from some
    version of NumPy on."""
    if dtype.kind in "biu" and n < 0:
        return False
    one = np.ones(1, dtype)
    return (one**n).dtype != np.power(one, n).dtype


def _power(self, n):
    # The cheap exponents are those for which NumPy's own ** takes a shortcut.
    kind = self.dtype.kind
    if isinstance(n, np.generic) and n.dtype.kind in "iuf" and self.ndim and _keeps_dtype(self.dtype, n):
        n = n.item()
    if type(n) in (int, float):
        if ufuncs.is_even(n) and kind in "fc":
            smooth = square_of(self)
            if smooth is not None:
                return smooth if n == 2 else _power_general(smooth, n // 2)
        if n == 2 and (
            kind in "fc"
            or (type(n) is int and kind in "iu")
            or (kind == "b" and self.ndim and _keeps_dtype(self.dtype, n))
        ):
            return _unary(self, arithmetic.square)
        if n == 0.5 and kind in "fc":
            return ufuncs.sqrt_with_square(self, _unary(self, sqrt))
        if n == -1 and kind in "fc":
            return _unary(self, arithmetic.reciprocal)
    return _power_general(self, n)


def _multiplied(self, other):
    smooth = square_of(self) if other is self else None
    return _multiplied_general(self, other) if smooth is None else smooth


_multiplied_general, _rmultiplied, _imultiplied = _binary(arithmetic.multiply)
_power_general, _rpower, _ipower = _binary(arithmetic.power)


def _compare(primitive):
    def comparison(self, other):
        if isinstance(other, _FOREIGN):
            return NotImplemented
        return bind(primitive, self, as_operand(other))

    return comparison


_OPERATORS = {
    "add": arithmetic.add,
    "sub": arithmetic.subtract,
    "truediv": arithmetic.divide,
    "floordiv": logic.floor_divide,
    "mod": arithmetic.remainder,
    "and": logic.bitwise_and,
    "or": logic.bitwise_or,
    "xor": logic.bitwise_xor,
    "lshift": logic.left_shift,
    "rshift": logic.right_shift,
}
_COMPARISONS = {
    "eq": logic.equal,
    "ne": logic.not_equal,
    "lt": logic.less,
    "le": logic.less_equal,
    "gt": logic.greater,
    "ge": logic.greater_equal,
}


def _imatmul(self, other):
    write(self, fit(astype(matmul(self, other), self.dtype), self.shape))
    return self


def _len(self):
    shape = self.shape
    if not shape:
        raise TypeError("len() of unsized object")
    return shape[0]


def _iter(self):
    if not self.shape:
        raise TypeError("iteration over a 0-d array")
    return (getitem(self, i) for i in range(self.shape[0]))


def _contains(self, value):
    return bool(reductions.any(self == value))


def _method_reshape(self, *shape, order="C"):
    return shaping.reshape(self, shape[0] if len(shape) == 1 else shape, order)


def _method_transpose(self, *axes):
    if len(axes) == 1 and (axes[0] is None or not isinstance(axes[0], int)):
        axes = axes[0]
    return shaping.transpose(self, axes or None)


def _method_astype(self, dtype, order="K", casting="unsafe", subok=True, copy=True):
    if casting != "unsafe" or order not in ("C", "F", "A", "K"):
        judged("astype", np.ndarray.astype, self, dtype, order, casting)
    y = astype(self, dtype)
    return _copy(y) if y is self and copy else y


def _copy(self, order="C"):
    if order not in ("C", "F", "A", "K"):
        judged("copy", np.copy, self, order)
    if self.alias is not None and self.alias.has_base_or_block:
        refresh(self)
    y = own(Tracer(self.tracing, self.value, self.node))
    return in_order(y) if order == "C" or (order != "F" and is_in_order(self)) else y


def _conjugate(self):
    return ufuncs.conj(self) if self.dtype.kind == "c" else self  # the method gives a real array back


def _set_flat(self, value):
    setitem(shaping.flat(self), Ellipsis, value)


def _fill(self, value):
    setitem(self, Ellipsis, value)


def _real(x):
    return arithmetic.real(x) if x.dtype.kind == "c" else x


def _imag(x):
    return arithmetic.imag(x) if x.dtype.kind == "c" else broadcast_to(np.zeros((), x.dtype), shape=x.shape)


def _set_real(self, value):
    setitem(_real(self), Ellipsis, value)


def _set_imag(self, value):
    setitem(_imag(self), Ellipsis, value)


def _sort(self, axis=-1, kind=None, order=None, *, stable=None, **details):
    write(self, np.sort(self, axis, kind, order, stable=stable, **details))


def _by_name(name):
    """A method that calls the function of the same name."""
    function = getattr(np, name)

    def method(self, *args, **kwargs):
        return FUNCTIONS[function](self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"See numpy.{name}."
    return method


_METHODS_BY_NAME = [
    "all", "any", "argmax", "argmin", "argpartition", "argsort", "choose", "clip", "cumprod",
    "cumsum", "diagonal", "max", "mean", "min", "nonzero", "prod", "ptp", "repeat", "round", "searchsorted",
    "squeeze", "std", "sum", "swapaxes", "take", "trace", "var",
]  # fmt: skip


def attach(namespace: Any) -> None:
    """Give tracers the interface of an array, with `namespace` as their `__array_namespace__`."""
    cls = Tracer
    FUNCTIONS[operator.getitem] = getitem
    for name, primitive in _OPERATORS.items():
        forward, reflected, in_place = _binary(primitive)
        setattr(cls, f"__{name}__", forward)
        setattr(cls, f"__r{name}__", reflected)
        setattr(cls, f"__i{name}__", in_place)
    for name, primitive in _COMPARISONS.items():
        setattr(cls, f"__{name}__", _compare(primitive))
    methods: dict[str, Any] = {
        "__mul__": _multiplied,
        "__rmul__": _rmultiplied,
        "__imul__": _imultiplied,
        "__pow__": _power,
        "__rpow__": _rpower,
        "__ipow__": _ipower,
        "__matmul__": lambda self, other: matmul(self, other),
        "__rmatmul__": lambda self, other: matmul(other, self),
        "__imatmul__": _imatmul,
        "__divmod__": lambda self, other: ufuncs.divmod(self, other),
        "__rdivmod__": lambda self, other: ufuncs.divmod(other, self),
        "__neg__": lambda self: _unary(self, arithmetic.negative),
        "__pos__": lambda self: _unary(self, arithmetic.positive),
        "__abs__": lambda self: ufuncs.absolute_with_square(self, _unary(self, arithmetic.absolute)),
        "__invert__": lambda self: bind(logic.invert, self),
        "__round__": lambda self, digits=0: np.round(self, digits or 0),
        "__floor__": lambda self: int(np.floor(value_for(self, "int", ""))),
        "__ceil__": lambda self: int(np.ceil(value_for(self, "int", ""))),
        "__trunc__": lambda self: int(value_for(self, "int", "")),
        "__getitem__": getitem,
        "__setitem__": setitem,
        "__len__": _len,
        "__iter__": _iter,
        "__contains__": _contains,
        "__bool__": as_bool,
        "__float__": as_float,
        "__complex__": as_complex,
        "__int__": as_int,
        "__index__": as_index,
        "__array__": as_plain_array,
        "__format__": formatted,
        "__repr__": as_text,
        "__str__": as_text,
        "__hash__": object.__hash__,
        "__copy__": lambda self: _copy(self, "K"),
        "__deepcopy__": lambda self, memo: _copy(self, "K"),
        "__array_ufunc__": array_ufunc,
        "__array_function__": array_function,
        "__array_priority__": 1000.0,
        "__array_namespace__": lambda self, *, api_version=None: namespace,
        "device": "cpu",
        "to_device": lambda self, device, *, stream=None: self,
        "reshape": _method_reshape,
        "transpose": _method_transpose,
        "astype": _method_astype,
        "copy": _copy,
        "fill": _fill,
        "item": as_item,
        "tolist": as_list,
        "dot": lambda self, other: dot(self, other),
        "ravel": lambda self, order="C": shaping.ravel(self, order),
        "flatten": lambda self, order="C": own(shaping.ravel(self, order)),
        "sort": _sort,
        "compress": lambda self, condition, axis=None, out=None: np.compress(condition, self, axis, out),
        "conj": _conjugate,
        "conjugate": _conjugate,
        "T": property(lambda self: shaping.transpose(self)),
        "mT": property(lambda self: shaping.swapaxes(self, -1, -2)),
        "real": property(_real, _set_real),
        "imag": property(_imag, _set_imag),
        "__reduce__": refuse_pickling,
        "flat": property(shaping.flat, _set_flat),
        "at": property(At),
        "itemsize": property(lambda self: self.dtype.itemsize),
        "nbytes": property(lambda self: self.dtype.itemsize * self.size),
    }
    for name in _METHODS_BY_NAME:
        methods[name] = _by_name(name)
    for name, method in methods.items():
        setattr(cls, name, method)

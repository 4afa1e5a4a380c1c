"""Element types, as PyTorch names and promotes them."""

from functools import lru_cache
from typing import Any

import numpy as np

__all__ = [
    "DTYPES",
    "RANK",
    "bool",
    "complex64",
    "complex128",
    "default_dtype",
    "double",
    "dtype",
    "dtype_of",
    "finfo",
    "float",
    "float16",
    "float32",
    "float64",
    "get_default_dtype",
    "half",
    "iinfo",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_floating",
    "long",
    "numpy_dtype",
    "promote_types",
    "promoted",
    "result_type",
    "set_default_dtype",
    "short",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]

from builtins import bool as _bool
from builtins import complex as _complex
from builtins import float as _float
from builtins import int as _int


class dtype:
    """The type of a tensor's elements. It prints as PyTorch's does.

    Attributes:
        name: such as `float32`.
        numpy: the NumPy dtype.
        scalar: what PyTorch calls it in messages, such as `Float`.
    """

    __slots__ = ("name", "numpy", "scalar")

    def __init__(self, name: str, scalar: str):
        self.name = name
        self.numpy = np.dtype(name)
        self.scalar = scalar

    @property
    def is_floating_point(self) -> _bool:
        return self.numpy.kind == "f"

    @property
    def is_complex(self) -> _bool:
        return self.numpy.kind == "c"

    @property
    def is_signed(self) -> _bool:
        return self.numpy.kind in "ifc"

    @property
    def itemsize(self) -> _int:
        return self.numpy.itemsize

    def to_real(self) -> "dtype":
        return DTYPES[np.zeros(0, self.numpy).real.dtype]

    def to_complex(self) -> "dtype":
        return DTYPES[np.result_type(self.numpy, np.complex64)]

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self):
        return _named, (self.name,)


DTYPES: dict[np.dtype, dtype] = {}


def _dtype(name, scalar):
    made = dtype(name, scalar)
    DTYPES[made.numpy] = made
    return made


def _named(name):
    return DTYPES[np.dtype(name)]


bool = _dtype("bool", "Bool")
uint8 = _dtype("uint8", "Byte")
uint16 = _dtype("uint16", "UInt16")
uint32 = _dtype("uint32", "UInt32")
uint64 = _dtype("uint64", "UInt64")
int8 = _dtype("int8", "Char")
int16 = short = _dtype("int16", "Short")
int32 = int = _dtype("int32", "Int")
int64 = long = _dtype("int64", "Long")
float16 = half = _dtype("float16", "Half")
float32 = float = _dtype("float32", "Float")
float64 = double = _dtype("float64", "Double")
complex64 = _dtype("complex64", "ComplexFloat")
complex128 = _dtype("complex128", "ComplexDouble")

_default = float32
_OF_PYTHON = {_bool: bool, _int: int64, _complex: complex128}


def get_default_dtype() -> dtype:
    """Return the dtype that floating-point tensors have when none is asked for."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Let new floating-point tensors have dtype `d`.

    Raises:
        TypeError: when `d` is no floating-point dtype.
    """
    global _default
    if not (isinstance(d, dtype) and d.is_floating_point):
        raise TypeError("only floating-point types are supported as the default type")
    _default = d
    promoted.cache_clear()


def default_dtype() -> np.dtype:
    """Return NumPy's name of the default dtype."""
    return _default.numpy


def numpy_dtype(d: Any) -> np.dtype:
    """Return NumPy's dtype for a torch dtype, or for Python's `bool`, `int`, `float` or `complex`.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(d, dtype):
        return d.numpy
    if d is _float:
        return np.dtype(np.float64)
    if d in _OF_PYTHON:
        return _OF_PYTHON[d].numpy
    raise TypeError(f"dtype: expected a torch.dtype such as torch.float32, got {d!r} ({type(d).__name__})")


def dtype_of(array: Any) -> dtype:
    """Return the torch dtype of a NumPy array.

    Raises:
        TypeError: naming the dtypes there are, when it is none of them.
    """
    try:
        return DTYPES[array.dtype]
    except KeyError:
        raise TypeError(
            f"can't convert np.ndarray of type numpy.{array.dtype.type.__name__}. The only supported types are: "
            "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, "
            "uint64, uint32, uint16, uint8, and bool."
        ) from None


def is_floating(d: np.dtype) -> _bool:
    """Whether tensors of this dtype can require gradients."""
    return d.kind in "fc"


# Promotion: tensors with axes come first, then tensors without, then Python numbers; a later group
# matters only where its kind (bool < integer < float < complex) is above the earlier groups'.

RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
_NUMBERS = {_bool: "bool", _int: "int64", _float: None, _complex: "complex"}


def _pair(a: np.dtype, b: np.dtype) -> np.dtype:
    """Return the dtype two tensors of the same group promote to: integers do not widen floats."""
    if RANK[a.kind] < RANK[b.kind]:
        a, b = b, a
    if a.kind == "f" and b.kind in "bui":
        return a
    if a.kind == "c" and b.kind in "bui":
        return a
    return np.promote_types(a, b)


def _number_dtype(kind: type) -> np.dtype:
    name = _NUMBERS[kind]
    if name is None:
        return _default.numpy
    return (_default.to_complex() if name == "complex" else DTYPES[np.dtype(name)]).numpy


@lru_cache(4096)
def promoted(operands: tuple) -> np.dtype:
    """Return the common dtype of operands.

    Args:
        operands: for a tensor, its dtype and whether it has axes; for a number, its Python class.
    """
    groups: list[np.dtype | None] = [None, None, None]
    for operand in operands:
        if type(operand) is tuple:
            own, axes = operand
            place = 0 if axes else 1
        else:
            own, place = _number_dtype(operand), 2
        earlier = groups[place]
        groups[place] = own if earlier is None else _pair(earlier, own)
    out: np.dtype | None = None
    for group in groups:
        if group is None:
            continue
        if out is None:
            out = group
        elif RANK[group.kind] > RANK[out.kind]:
            # A complex number beside float64 tensors is complex128, beside float32 ones complex64.
            out = _pair(
                DTYPES[out].to_complex().numpy if group.kind == "c" and out.kind == "f" else group, out
            )
    assert out is not None
    return out


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """Return the dtype that tensors of the two dtypes promote to.

    >>> from funcgrad import torch
    >>> torch.promote_types(torch.int64, torch.float32)
    torch.float32
    """
    return DTYPES[_pair(type1.numpy, type2.numpy)]


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """Return the dtype that arithmetic on the two operands (tensors or numbers) gives."""
    return DTYPES[promoted((operand(tensor1), operand(tensor2)))]


def operand(x: Any) -> Any:
    """Return what `promoted` takes for a tensor or a number."""
    if hasattr(x, "_array"):
        return x._array.dtype, x._array.ndim > 0
    for kind in _NUMBERS:
        if isinstance(x, kind):
            return kind
    raise TypeError(f"result_type(): argument must be Tensor or Number, not {type(x).__name__}")


class _Limits:
    """What NumPy knows of a dtype's range, under torch's names."""

    eps: Any

    def __init__(self, d: Any, info: Any, names: tuple[str, ...]):
        self.dtype = d.name
        self.bits = info.bits
        for name in names:
            setattr(self, name, getattr(info, name).item() if name != "eps" else _float(info.eps))

    def __repr__(self) -> str:
        values = ", ".join(f"{k}={v}" for k, v in vars(self).items() if k not in ("dtype", "bits"))
        return f"{type(self).__name__}({values}, dtype={self.dtype})"


class finfo(_Limits):
    """The limits of a floating-point dtype: `bits`, `eps`, `max`, `min`, `tiny`, `resolution`."""

    def __init__(self, d: dtype | None = None):
        d = d or _default
        if not (d.is_floating_point or d.is_complex):
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        info = np.finfo(d.numpy)
        super().__init__(d, info, ("resolution", "min", "max", "eps", "tiny"))
        self.smallest_normal = self.tiny  # type: ignore[attr-defined]


class iinfo(_Limits):
    """The limits of an integer dtype: `bits`, `max`, `min`."""

    def __init__(self, d: dtype):
        if d.numpy.kind not in "ui":
            raise TypeError(
                "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'"
            )
        info = np.iinfo(d.numpy)
        self.dtype, self.bits, self.min, self.max = d.name, info.bits, info.min, info.max

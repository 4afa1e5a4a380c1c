"""Array types: shape, dtype and weakness, with NumPy 2's promotion (NEP 50)."""

from collections.abc import Callable
from functools import lru_cache
from operator import index
from typing import Any

import numpy as np

from funcgrad.errors import DTypeError, FuncgradError, ShapeError

__all__ = [
    "ArrayType",
    "broadcast_shapes",
    "dtype_of",
    "fits",
    "identity",
    "is_array",
    "is_inexact",
    "promote",
    "refuse_subclass",
    "shape_of",
    "stand_in",
    "type_of",
    "ufunc_dtype",
    "with_native_bytes",
]

_WEAK = {int: np.dtype(np.int64), float: np.dtype(float), complex: np.dtype(complex)}
_WEAK_OF_KIND = {"i": int, "f": float, "c": complex}


class ArrayType:
    """The shape and dtype of an array; `weak` marks a Python scalar, which adapts to its partner.

    Raises:
        ShapeError: unless the shape is an int or a sequence of them, none of them negative.

    >>> import numpy as np
    >>> print(ArrayType((2, 3), np.dtype("float32")))
    float32[2,3]
    """

    __slots__ = ("dtype", "shape", "weak")

    def __init__(self, shape: tuple[int, ...], dtype: Any, weak: bool = False):
        if type(shape) is not tuple:
            shape = _checked(shape)
        for n in shape:
            if type(n) is not int or n < 0:
                shape = _checked(shape)
                break
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.weak = weak

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size *= n
        return size

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def promotion(self) -> Any:
        """What `ufunc.resolve_dtypes` takes: the dtype, or a Python scalar's class when weak."""
        return _WEAK_OF_KIND[self.dtype.kind] if self.weak else self.dtype

    def strong(self) -> "ArrayType":
        return ArrayType(self.shape, self.dtype) if self.weak else self

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ArrayType)
            and self.shape == other.shape
            and self.dtype == other.dtype
            and self.weak == other.weak
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype, self.weak))

    def __str__(self) -> str:
        if self.weak:
            return _WEAK_OF_KIND[self.dtype.kind].__name__
        return f"{self.dtype.name}[{','.join(map(str, self.shape))}]"

    def __repr__(self) -> str:
        return f"ArrayType({self})"

    def __reduce__(self):
        return ArrayType, (self.shape, self.dtype, self.weak)


def _checked(shape: Any) -> tuple[int, ...]:
    given = tuple(shape) if isinstance(shape, (tuple, list)) or np.ndim(shape) else (shape,)
    try:
        sizes = tuple(map(index, given))
    except FuncgradError:  # of a size whose value is not known
        raise
    except TypeError:
        sizes = (-1,)
    if any(n < 0 for n in sizes) or any(isinstance(n, bool) for n in given):
        raise ShapeError(
            f"ArrayType: expected a shape of ints that are not negative, got {shape!r}.",
            hint="write ArrayType((2, 3), float) for an array of 2 rows and 3 columns, ArrayType((), float) for a number.",
        )
    return sizes


def shape_of(x: Any) -> tuple[int, ...]:
    """Return the shape of an array, tracer, type or Python scalar."""
    try:
        return x.shape
    except AttributeError:
        return ()


def dtype_of(x: Any) -> np.dtype:
    """Return the dtype of an array, tracer, type or Python scalar."""
    try:
        return x.dtype
    except AttributeError:
        return _scalar_dtype(x)


def _scalar_dtype(x):
    dtype = np.dtype(bool) if isinstance(x, bool) else _WEAK.get(type(x))
    if dtype is None:
        raise DTypeError(
            f"expected an array or a number, got {type(x).__name__}.",
            hint="pass arrays, numbers, or containers of them.",
        )
    return dtype


_WEAK_TYPES = {kind: ArrayType((), dtype, weak=True) for kind, dtype in _WEAK.items()}


def type_of(x: Any) -> ArrayType:
    """Return the ArrayType of an array, tracer, NumPy scalar or Python scalar; in the machine's byte order.

    Raises:
        DTypeError: when `x` is none of these.
    """
    weak = _WEAK_TYPES.get(type(x))
    if weak is not None:
        return weak
    if isinstance(x, ArrayType):
        return x
    own = getattr(x, "array_type", None)
    if own is not None:
        return own
    if isinstance(x, (np.ndarray, np.generic)):
        dtype = x.dtype
        return ArrayType(x.shape, dtype if dtype.isnative else dtype.newbyteorder("="))
    return ArrayType((), _scalar_dtype(x))


def with_native_bytes(x: Any) -> Any:
    """Return `x`, and of an array in another byte order than the machine's a copy in that."""
    swapped = isinstance(x, np.ndarray) and not x.dtype.isnative
    return x.astype(x.dtype.newbyteorder("=")) if swapped else x


_OPERATORS = (
    "__array_ufunc__",
    "__array_function__",
    "__add__",
    "__mul__",
    "__matmul__",
    "__pow__",
    "__eq__",
)


@lru_cache(256)
def _has_own_operators(kind: type) -> bool:
    return any(getattr(kind, name) is not getattr(np.ndarray, name) for name in _OPERATORS)


def refuse_subclass(name: str, x: Any) -> None:
    """Raise DTypeError for an array that computes otherwise than NumPy's: masked, a matrix, with units.

    Traced, it would be a plain array without a word.
    """
    if type(x) is np.ndarray or not isinstance(x, np.ndarray) or not _has_own_operators(type(x)):
        return
    masked = hasattr(x, "mask")
    raise DTypeError(
        f"{name}: expected a plain array, got a {type(x).__name__}.",
        hint="pass x.data and use np.where with the mask." if masked else "pass np.asarray(x).",
    )


def is_array(x: Any) -> bool:
    """Whether `x` is an array or a number, traced or not, of a dtype that can be traced."""
    try:
        return type_of(x).dtype.kind in "biufc"
    except DTypeError:
        return False


def is_inexact(dtype: np.dtype) -> bool:
    """Whether `dtype` is a floating or complex one, so that derivatives make sense."""
    return dtype.kind in "fc"


def stand_in(x: Any) -> Any:
    """Return a number (weak, where `x` is) with which NumPy can be asked what it does with the dtype of `x`."""
    kind = type_of(x)
    return kind.dtype.type(1).item() if kind.weak else np.ones((), kind.dtype)[()]


def fits(number: int, dtype: np.dtype) -> bool:
    """Whether an integer dtype has a Python int; any other dtype takes it."""
    if dtype.kind not in "iu":
        return True
    limits = np.iinfo(dtype)
    return limits.min <= number <= limits.max


def identity(ufunc: np.ufunc, dtype: np.dtype) -> Any:
    """Return the value that leaves any other of this dtype as it is under `ufunc`."""
    if ufunc is not np.maximum and ufunc is not np.minimum:
        return ufunc.identity
    largest = ufunc is np.minimum
    if dtype.kind in "fc":
        return np.inf if largest else -np.inf
    if dtype.kind == "b":
        return largest
    return np.iinfo(dtype).max if largest else np.iinfo(dtype).min


def broadcast_shapes(name: str, *types: ArrayType) -> tuple[int, ...]:
    """Return the shape that the types broadcast to.

    Raises:
        ShapeError: naming the operation and each shape, when they do not broadcast.
    """
    try:
        return _broadcast(*(t.shape for t in types))
    except ValueError:
        raise ShapeError(
            f"{name}: expected shapes that broadcast, got {' and '.join(str(t) for t in types)}.",
            hint="sizes must be equal or 1, aligned from the right; reshape or index with None.",
        ) from None


@lru_cache(4096)
def _broadcast(*shapes):
    return np.broadcast_shapes(*shapes)


@lru_cache(4096)
def _resolve(ufunc, operands):
    return ufunc.resolve_dtypes((*operands, *(None,) * ufunc.nout))[-1]


def ufunc_dtype(name: str, ufunc: np.ufunc, types: tuple[ArrayType, ...]) -> np.dtype:
    """Return the dtype NumPy's `ufunc` gives for operands of these types."""
    if not isinstance(ufunc, np.ufunc):
        return _dtype_by_trial(ufunc, tuple(t.strong() if t.shape else t for t in types))
    try:
        return _resolve(ufunc, tuple(t.promotion for t in types))
    except TypeError:
        raise DTypeError(
            f"{name}: expected dtypes that NumPy's {ufunc.__name__} takes, "
            f"got {' and '.join(str(t) for t in types)}.",
            hint="convert with astype.",
        ) from None


@lru_cache(1024)
def _dtype_by_trial(function: Callable, types: tuple[ArrayType, ...]) -> np.dtype:
    """Return the dtype that a function of NumPy's operations gives, tried on one element."""
    ones = [stand_in(t) if t.weak else np.ones(1, t.dtype) for t in types]
    with np.errstate(all="ignore"):
        return np.asarray(function(*ones)).dtype


def promote(*types: ArrayType) -> np.dtype:
    """Return the common dtype of arrays of these types, as `np.result_type` gives it."""
    return _promote(tuple(t.promotion for t in types))


@lru_cache(4096)
def _promote(operands):
    dummies = [op(0) if isinstance(op, type) else op for op in operands]
    return np.result_type(*dummies)
